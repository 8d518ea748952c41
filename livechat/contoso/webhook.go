package contoso

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/livechat"
)

// Verify implements [livechat.Reader] by Standard Webhooks.
func (a *Adapter) Verify(header http.Header, body []byte, now time.Time) error {
	return livechat.VerifyStandard(a.Secrets, header, body, now)
}

// PostID implements [livechat.Reader].
func (a *Adapter) PostID(header http.Header) string { return livechat.StandardID(header) }

// Parse implements [livechat.Reader]. Member names are matched without regard
// to case: Microsoft's sample hub sends PascalCase, its documentation camelCase.
// A body without an event is a message; an event of another kind says nothing to
// us.
func (a *Adapter) Parse(body []byte) ([]livechat.Inbound, error) {
	var in struct {
		ConversationID livechat.ConversationID `json:"conversationId"`
		ID             string                  `json:"id"`
		Message        string                  `json:"message"`
		Sender         string                  `json:"sender"`
		Event          string                  `json:"event"`
		Timestamp      json.RawMessage         `json:"timestamp"` // any form: only a hint
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, &livechat.InvalidError{Want: "expected a JSON object with conversationId, message and sender"}
	}
	// Postgres text cannot hold U+0000, and no one can read it.
	clean := func(s string) string { return strings.ReplaceAll(s, "\x00", "") }
	event := livechat.Inbound{
		ID: clean(in.ID), Conversation: livechat.ConversationID(clean(string(in.ConversationID))),
		Sender: clean(in.Sender), Text: clean(in.Message),
	}
	if event.Conversation == "" {
		return nil, &livechat.InvalidError{Field: "conversationId", Want: "required"}
	}
	_ = json.Unmarshal(in.Timestamp, &event.At)
	switch strings.ToLower(in.Event) {
	case "", "message":
		event.Kind = livechat.KindMessage
		if strings.TrimSpace(event.Text) == "" {
			return nil, &livechat.InvalidError{Field: "message", Want: "must not be empty"}
		}
	case "joined":
		event.Kind = livechat.KindJoined
	case "ended":
		event.Kind = livechat.KindEnded
	default:
		return nil, nil
	}
	return []livechat.Inbound{event}, nil
}
