// Package livechat is the port to hubs, the systems where human agents answer.
//
// It says what a hub can do and what a hub can say. It knows nothing of
// Copilot: hub conversations are opened, spoken into and ended, each by the
// hub's own id. There is one adapter per kind of hub below this package, and a
// suite in livechattest that every adapter passes.
package livechat

import (
	"context"
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
	Summary   string            `json:"summary,omitempty"` // what the copilot makes of the conversation so far
	Channel   string            `json:"channel,omitempty"`
	Reference string            `json:"reference,omitempty"` // what support staff on our side know the escalation by
	Queue     string            `json:"queue,omitempty"`     // a hint where to route it, by the hub's name for it
	Skills    []string          `json:"skills,omitempty"`    // hints what the agent should know
	Priority  int               `json:"priority,omitempty"`  // more is more urgent; 0 is usual
	Variables map[string]string `json:"variables,omitempty"`

	Transcript []Line       `json:"transcript,omitempty"` // what was said before, oldest first
	Earlier    []Escalation `json:"earlier,omitempty"`    // the user's escalations before, latest first
}

// A Side is who said a line.
type Side string

// Sides of a conversation.
const (
	SideUser    Side = "user"
	SideCopilot Side = "copilot"
	SideAgent   Side = "agent"
)

// A Line is one thing that was said before the opening.
type Line struct {
	Sender string    `json:"sender,omitempty"`
	Side   Side      `json:"side"`
	Text   string    `json:"text"`
	At     time.Time `json:"at,omitzero"`
}

// An Escalation is one of the user's that is over.
type Escalation struct {
	Reference string    `json:"reference,omitempty"` // as in [Opening]
	OpenedAt  time.Time `json:"openedAt,omitzero"`
	EndedAt   time.Time `json:"endedAt,omitzero"`
	Problem   string    `json:"problem,omitempty"`
	EndedBy   string    `json:"endedBy,omitempty"`
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

// A Hub takes what our side says. Whatever users and copilots wrote of it is
// inert: no hub's templates are expanded in it (words.Inert). An adapter still
// escapes what is markup to its hub. Errors follow the conventions of
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
