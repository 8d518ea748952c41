// Package livechat is the port to hubs, the systems where human agents answer.
//
// It says what a hub can do and what a hub can say. It knows nothing of
// Copilot: hub conversations are opened, spoken into and ended, each by the
// hub's own id. There is one adapter per kind of hub below this package, and a
// suite in livechattest that every adapter passes.
package livechat

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// A ConversationID names a conversation in a hub. Only the hub mints one. It is
// a type of its own so that it cannot be mistaken for a Copilot conversation.
type ConversationID string

// A User is what is known of the person who asks for help. Any member may be
// empty.
type User struct {
	ID       string `json:"id,omitempty"` // stable: the directory's object id, or the channel's id
	Name     string `json:"name,omitempty"`
	Email    string `json:"email,omitempty"`
	Locale   string `json:"locale,omitempty"`   // BCP 47
	TimeZone string `json:"timeZone,omitempty"` // IANA
	Client   string `json:"client,omitempty"`   // the user's platform, as the channel names it
}

// An Opening asks for a conversation. The same Key opens the same conversation,
// however often it is asked for.
type Opening struct {
	Key       string            `json:"key"`
	User      User              `json:"user"`
	Problem   string            `json:"problem,omitempty"`
	Channel   string            `json:"channel,omitempty"`
	Reference string            `json:"reference,omitempty"` // what support staff on our side know the escalation by
	Variables map[string]string `json:"variables,omitempty"`
}

// A Message is one thing the user, or the service itself, says to the agent.
type Message struct {
	Conversation ConversationID    `json:"conversation,omitempty"`
	Key          string            `json:"key"` // the same key is one message
	Sender       string            `json:"sender"`
	Text         string            `json:"text"`
	Problem      string            `json:"problem,omitempty"` // what it is about, when that became known now
	Variables    map[string]string `json:"variables,omitempty"`
}

// An Ending says that the user's side is done. Conversation is empty when the
// answer to the opening was never seen; Key is the opening's key then.
type Ending struct {
	Conversation ConversationID `json:"conversation,omitempty"`
	Key          string         `json:"key"`
	Reason       string         `json:"reason,omitempty"`
}

// A Hub takes what our side says. Errors follow the conventions of
// internal/jsonhttp: Permanent, Unavailable, Ambiguous, RetryAfter, StatusCode.
type Hub interface {
	// Open opens a conversation or finds the one its key opened before.
	Open(ctx context.Context, o Opening) (ConversationID, error)

	// Send says m to the agent. A conversation that is unknown or has ended is
	// a permanent error.
	Send(ctx context.Context, m Message) error

	// End ends a conversation. One that has ended already, or was never opened,
	// is no error; afterwards its key opens nothing.
	End(ctx context.Context, e Ending) error
}

// A Reader reads what a hub posts to our webhook.
type Reader interface {
	// Verify checks the signature over the raw body. It returns [ErrUnsigned]
	// when there is no secret to check with.
	Verify(header http.Header, body []byte, now time.Time) error

	// PostID returns the id that the hub signed the post with, the same when it
	// posts again; "" when it signs none. Only that of a verified post counts.
	PostID(header http.Header) string

	// Parse returns what the body says: zero or more events, only what a human
	// said publicly or what happened to the conversation. An error is an
	// [*InvalidError].
	Parse(body []byte) ([]Inbound, error)
}

// An Adapter is a hub, both ways.
type Adapter interface {
	Hub
	Reader
}

// Optional abilities, found by type assertion.
type (
	// Since reads back what agents said after a moment, oldest first. Hubs that
	// do not repeat webhooks need it to lose nothing.
	Since interface {
		Since(ctx context.Context, c ConversationID, after time.Time) ([]Inbound, error)
	}

	// Typing shows the agent that the user is typing.
	Typing interface {
		Typing(ctx context.Context, c ConversationID) error
	}

	// Attach gives the agent a file.
	Attach interface {
		Attach(ctx context.Context, c ConversationID, f File) error
	}

	// Available asks whether an agent could answer now.
	Available interface {
		Available(ctx context.Context) (bool, error)
	}
)

// A File is something the user sent that is not text.
type File struct {
	Key         string // the same key is one file
	Name        string
	ContentType string
	Content     []byte
}

// A Kind says what an Inbound is.
type Kind string

// Kinds of events.
const (
	KindMessage Kind = "message" // an agent said Text
	KindJoined  Kind = "joined"  // an agent took the conversation
	KindEnded   Kind = "ended"   // the hub ended it
)

// An Inbound is one thing a hub says.
type Inbound struct {
	Kind         Kind
	ID           string // the same id is one event; empty is told by its post's id, or always a new one
	Conversation ConversationID
	Sender       string // the agent's name, may be empty
	Text         string
	At           time.Time // by the hub's clock; zero when it does not say
}

// ErrUnsigned means that no secret is configured to check a webhook with.
var ErrUnsigned = errors.New("webhook signature: no secret configured")

// An InvalidError says what is wrong with a webhook's body, in words for its
// sender.
type InvalidError struct {
	Field string // "" for the whole body
	Want  string
}

// Error implements error.
func (e *InvalidError) Error() string {
	if e.Field == "" {
		return e.Want
	}
	return e.Field + ": " + e.Want
}
