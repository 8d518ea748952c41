package contoso

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
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
	var in said
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, &livechat.InvalidError{Want: "expected a JSON object with conversationId, message and sender"}
	}
	event, known := in.inbound()
	switch {
	case event.Conversation == "":
		return nil, &livechat.InvalidError{Field: "conversationId", Want: "required"}
	case !known:
		return nil, nil
	case event.Kind == livechat.KindMessage && len(event.Files) == 0, event.Kind == livechat.KindEdited:
		if strings.TrimSpace(event.Text) == "" {
			return nil, &livechat.InvalidError{Field: "message", Want: "must not be empty"}
		}
	}
	if needsMessage(event.Kind) && event.Message == "" {
		return nil, &livechat.InvalidError{Field: "messageId", Want: "required"}
	}
	return []livechat.Inbound{event}, nil
}

func needsMessage(k livechat.Kind) bool { return k == livechat.KindEdited || k == livechat.KindDeleted }

// Since implements [livechat.Since]. A hub that has the contract alone returns
// all messages at once.
func (a *Adapter) Since(ctx context.Context, c livechat.ConversationID, after time.Time) ([]livechat.Inbound, error) {
	var all []livechat.Inbound
	query := url.Values{"conversationId": {string(c)}, "since": {after.UTC().Format(time.RFC3339Nano)}}
	for {
		var batch []said
		if err := a.get(ctx, "/api/chat/messages", query, &batch); err != nil {
			return nil, fmt.Errorf("read hub conversation: %w", err)
		}
		for _, s := range batch {
			event, known := s.inbound()
			if known && s.told() && event.At.After(after) {
				all = append(all, event)
			}
		}
		if len(batch) == 0 || batch[len(batch)-1].Sequence == 0 {
			return all, nil
		}
		query.Set("since", strconv.FormatInt(batch[len(batch)-1].Sequence, 10))
	}
}

// A said is what the hub says in a webhook or when it is read back.
type said struct {
	ConversationID, ID, Message, Sender, Event string
	MessageID, To, Reason, Summary, Format     string
	place
	Attachments []struct {
		ID, Name, ContentType, URL string
		Size                       int64
	}
	Timestamp json.RawMessage // any form: only a hint

	// When it is read back.
	From, State string
	Sequence    int64
	Deleted     bool
}

// told reports whether a webhook has said it, or will: neither the user's own
// doing nor what was taken back.
func (s said) told() bool {
	switch s.From {
	case "agent":
		return !s.Deleted
	case "system":
		return s.State != ""
	}
	return false
}

// kind reads an event by its name on the wire; "" is one that is not known.
func kind(event string) livechat.Kind {
	switch k := livechat.Kind(strings.ToLower(event)); k {
	case "":
		return livechat.KindMessage
	case livechat.KindMessage, livechat.KindEdited, livechat.KindDeleted, livechat.KindTyping, livechat.KindQueued,
		livechat.KindJoined, livechat.KindLeft, livechat.KindTransferred, livechat.KindEnded:
		return k
	}
	return ""
}

// inbound returns what was said, and whether it is of a kind that is known.
func (s said) inbound() (livechat.Inbound, bool) {
	event := livechat.Inbound{
		Kind: kind(s.Event), ID: clean(s.ID), Conversation: livechat.ConversationID(clean(s.ConversationID)),
		Sender: clean(s.Sender), Message: clean(s.MessageID),
	}
	_ = json.Unmarshal(s.Timestamp, &event.At)
	switch event.Kind {
	case livechat.KindMessage:
		event.Message = event.ID
		event.Files = s.files()
		event.Text, event.Format = clean(s.Message), format(s.Format)
	case livechat.KindEdited:
		event.Text, event.Format = clean(s.Message), format(s.Format)
	case livechat.KindQueued, livechat.KindTransferred:
		event.To = clean(s.To)
		if q := s.state(); q != (livechat.QueueState{}) {
			event.Queue = &q
		}
	case livechat.KindEnded:
		event.Reason, event.Summary = clean(s.Reason), clean(s.Summary)
	default: // the rest have nothing of their own
	}
	return event, event.Kind != ""
}

func (s said) files() []livechat.FileLink {
	var all []livechat.FileLink
	for _, f := range s.Attachments {
		all = append(all, livechat.FileLink{
			ID: clean(f.ID), Name: clean(f.Name), ContentType: clean(f.ContentType), Size: f.Size, URL: clean(f.URL),
		})
	}
	return all
}

func format(name string) livechat.Format {
	switch f := livechat.Format(strings.ToLower(name)); f {
	case livechat.Markdown, livechat.HTML, livechat.BBCode:
		return f
	default:
		return livechat.Plain
	}
}

// clean leaves out U+0000, which Postgres text cannot hold, and no one can read.
func clean(s string) string { return strings.ReplaceAll(s, "\x00", "") }
