package livechat

import (
	"errors"
	"time"
)

// A Kind says what an Inbound is.
type Kind string

// Kinds of events.
const (
	KindMessage     Kind = "message"     // an agent said Text, or gave Files, or both
	KindEdited      Kind = "edited"      // an agent's Message now says Text
	KindDeleted     Kind = "deleted"     // an agent took Message back
	KindTyping      Kind = "typing"      // an agent is typing
	KindQueued      Kind = "queued"      // the user waits, at Queue
	KindJoined      Kind = "joined"      // an agent took the conversation
	KindLeft        Kind = "left"        // an agent left it; the user may wait again
	KindTransferred Kind = "transferred" // it went to To, an agent or a queue
	KindEnded       Kind = "ended"       // the hub ended it
)

// A Format says how an agent's words are written.
type Format string

// Formats of text. The empty one is plain.
const (
	Plain    Format = ""
	Markdown Format = "markdown"
	HTML     Format = "html"
	BBCode   Format = "bbcode"
)

// An Inbound is one thing a hub says, for the user to see: never a private
// note, nor what a machine said.
type Inbound struct {
	Kind         Kind
	ID           string // the same id is one event; empty is told by its post's id, or always a new one
	Conversation ConversationID
	Sender       string // the agent's name, may be empty
	Message      string // the hub's id of the message that is said, edited or deleted
	Text         string
	Format       Format
	Files        []FileLink
	To           string      // the agent's or queue's name after a transfer
	Queue        *QueueState // nil when nothing is said of it; a transfer with one is to a queue
	Reason       string      // why it ended
	Summary      string      // what the agent makes of what has ended
	At           time.Time   // by the hub's clock; zero when it does not say
}

// A FileLink is a file that an agent gave. It may be fetched from URL for a
// while, and only if that is an address the hub may name.
type FileLink struct {
	ID          string // the hub's
	Name        string
	ContentType string
	Size        int64 // 0 is unknown
	URL         string
}

// A QueueState is how a user waits. A zero member is unknown.
type QueueState struct {
	Position int // 1 is next
	Wait     time.Duration
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
