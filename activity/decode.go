package activity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
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
// Unknown members and types are accepted, and so is a timestamp of any form: it
// is no reason to refuse (rule A2042). U+0000 is refused in ids and dropped
// everywhere else, because PostgreSQL cannot hold it and no one can read it. An
// error is an [*InvalidError].
func Decode(body []byte) (Activity, error) {
	a, err := unmarshal(body)
	if err != nil {
		return Activity{}, err
	}
	if err := a.checkIDs(); err != nil {
		return Activity{}, err
	}
	if bytes.Contains(body, []byte(nul)) {
		if a, err = unmarshal(withoutNUL(body)); err != nil {
			return Activity{}, err
		}
	}
	if err := a.validate(); err != nil {
		return Activity{}, err
	}
	return a, nil
}

func unmarshal(body []byte) (Activity, error) {
	var in struct {
		Activity
		Timestamp json.RawMessage `json:"timestamp"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err)
		if !ok || mismatch.Field == "" {
			return Activity{}, &InvalidError{"", "expected one JSON object"}
		}
		field := strings.TrimPrefix(mismatch.Field, "Activity.")
		return Activity{}, &InvalidError{field, "expected " + mismatch.Type.Kind().String() + ", got " + mismatch.Value}
	}
	if json.Unmarshal(in.Timestamp, &in.Activity.Timestamp) != nil {
		in.Activity.Timestamp = time.Time{}
	}
	return in.Activity, nil
}

// nul is U+0000 as JSON spells it; there is no other way.
const nul = `\u0000`

// withoutNUL drops U+0000 from JSON. What only looks like it, behind an escaped
// backslash, stays.
func withoutNUL(body []byte) []byte {
	kept := make([]byte, 0, len(body))
	for len(body) > 0 {
		n := 1
		if body[0] == '\\' {
			n = min(2, len(body))
		}
		if bytes.HasPrefix(body, []byte(nul)) {
			body = body[len(nul):]
			continue
		}
		kept, body = append(kept, body[:n]...), body[n:]
	}
	return kept
}

// checkIDs bounds what the database keeps in indexes.
func (a Activity) checkIDs() error {
	related := ConversationID("")
	if a.RelatesTo != nil {
		related = a.RelatesTo.Conversation.ID
	}
	for _, id := range []struct {
		field, value string
		limit        int
	}{
		{"id", a.ID, maxID},
		{"from.id", a.From.ID, maxID},
		{"recipient.id", a.Recipient.ID, maxID},
		{"conversation.id", string(a.Conversation.ID), maxConversationID},
		{"conversation.tenantId", a.Conversation.TenantID, maxID},
		{"channelData.tenant.id", a.Tenant(), maxID},
		{"relatesTo.conversation.id", string(related), maxConversationID},
	} {
		if len(id.value) > id.limit {
			return &InvalidError{id.field, fmt.Sprintf("longer than %d bytes", id.limit)}
		}
		if strings.ContainsRune(id.value, 0) {
			return &InvalidError{id.field, "contains U+0000"}
		}
	}
	return nil
}

// validate checks what the vendor's SDK checks too: see ActivityValidation.cs in
// microsoft/Agents-for-net. recipient may be missing: Copilot Studio leaves it
// out. An endOfConversation needs its type only, because the body of Copilot
// Studio's health check is not published.
func (a Activity) validate() error {
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
