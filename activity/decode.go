package activity

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Longest accepted ids, in bytes. Teams' own stay far below; the limits keep an
// id inside one index entry.
const (
	maxConversationID = 1536
	maxID             = 512
)

// An InvalidError says what is wrong with an activity, in words for its sender.
type InvalidError struct {
	Field string // the member at fault, as on the wire; "" for the whole body
	Want  string // what was expected
}

// Error implements error.
func (e *InvalidError) Error() string {
	if e.Field == "" {
		return "activity: " + e.Want
	}
	return fmt.Sprintf("activity: %s: %s", e.Field, e.Want)
}

// Decode reads one activity and checks the members the service relies on.
// Unknown members and types are accepted. An error is an [*InvalidError].
func Decode(body []byte) (Activity, error) {
	var a Activity
	if err := json.Unmarshal(body, &a); err != nil {
		var mismatch *json.UnmarshalTypeError
		if errors.As(err, &mismatch) && mismatch.Field != "" {
			return Activity{}, &InvalidError{mismatch.Field, "expected " + mismatch.Type.Kind().String() + ", got " + mismatch.Value}
		}
		return Activity{}, &InvalidError{"", "expected one JSON object"}
	}
	if err := a.validate(); err != nil {
		return Activity{}, err
	}
	// Postgres text cannot hold U+0000, and no one can read it.
	a.Text = strings.ReplaceAll(a.Text, "\x00", "")
	a.From.Name = strings.ReplaceAll(a.From.Name, "\x00", "")
	return a, nil
}

// validate checks what the vendor's SDK checks too: see ActivityValidation.cs in
// microsoft/Agents-for-net. recipient may be missing: Copilot Studio leaves it
// out. An endOfConversation needs its type only, because the body of Copilot
// Studio's health check is not published.
func (a Activity) validate() error {
	for _, id := range []struct {
		field, value string
		limit        int
	}{
		{"id", a.ID, maxID},
		{"from.id", a.From.ID, maxID},
		{"recipient.id", a.Recipient.ID, maxID},
		{"conversation.id", string(a.Conversation.ID), maxConversationID},
	} {
		if len(id.value) > id.limit {
			return &InvalidError{id.field, fmt.Sprintf("longer than %d bytes", id.limit)}
		}
		if strings.ContainsRune(id.value, 0) {
			return &InvalidError{id.field, "contains U+0000"}
		}
	}
	switch {
	case a.Type == "":
		return &InvalidError{"type", "required"}
	case a.Type == TypeEndOfConversation:
		return nil
	case a.Conversation.ID == "":
		return &InvalidError{"conversation.id", "required"}
	case a.ChannelID == "":
		return &InvalidError{"channelId", "required"}
	case a.From.ID == "":
		return &InvalidError{"from.id", "required"}
	case a.Name == "" && (a.Type == TypeEvent || a.Type == TypeInvoke):
		return &InvalidError{"name", "required for type " + a.Type}
	}
	return nil
}
