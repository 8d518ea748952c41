package livechat

import (
	"context"
	"io"
	"time"

	"github.com/liaison-skill/liaison/words"
)

// Optional abilities, found by type assertion. Their errors follow the
// conventions of [Hub]; what names a conversation that is unknown or has ended
// is refused for good.
type (
	// Since reads back what the hub said after a moment, oldest first, with the
	// ids that its webhooks had. Hubs that do not repeat webhooks need it to
	// lose nothing.
	Since interface {
		Since(ctx context.Context, c ConversationID, after time.Time) ([]Inbound, error)
	}

	// Typing shows the agent that the user is typing, for a few seconds.
	Typing interface {
		Typing(ctx context.Context, c ConversationID) error
	}

	// Attach gives the agent a file.
	Attach interface {
		Attach(ctx context.Context, c ConversationID, f File) error
	}

	// Limited says how long the text of a [Message] may be. A longer one comes as
	// several, numbered and with keys of their own.
	Limited interface {
		MaxText() (limit int, unit words.Unit)
	}

	// Amend changes what the user said before, by the key it was sent with.
	// A key that said nothing is refused for good; deleting twice is no error.
	Amend interface {
		Edit(ctx context.Context, c ConversationID, key, text string) error
		Delete(ctx context.Context, c ConversationID, key string) error
	}

	// Queueing asks how the user waits; the zero state is one who does not, or
	// of whom nothing is known.
	Queueing interface {
		Position(ctx context.Context, c ConversationID) (QueueState, error)
	}

	// Available asks whether an agent could answer now. An empty queue is the
	// hub's usual one.
	Available interface {
		Availability(ctx context.Context, queue string) (Availability, error)
	}

	// Rate tells what the user thinks of the help. It is for conversations that
	// have ended, too.
	Rate interface {
		Rate(ctx context.Context, c ConversationID, r Rating) error
	}

	// Report tells agents what became of their words behind the hub, where that is
	// not plain success, and whether the user can be reached. It is for
	// conversations that have ended, too. Where a hub refuses it for good, or has
	// no such ability, the agent is told in words.
	Report interface {
		Report(ctx context.Context, c ConversationID, n News) error
	}

	// Census tells what the hub knows of the conversations opened by our side.
	Census interface {
		// Conversations returns those that are open.
		Conversations(ctx context.Context) ([]Standing, error)

		// Status returns how one stands. One that the hub does not know is
		// refused for good.
		Status(ctx context.Context, c ConversationID) (Standing, error)
	}
)

// A File is something the user sent that is not text.
type File struct {
	Key         string // the same key is one file
	Sender      string
	Name        string
	ContentType string
	Size        int64
	SHA256      string // of the content, in hex; "" is unknown

	// Open opens the content at its start. It is called once per attempt, and
	// its reader is closed.
	Open func() (io.ReadCloser, error)
}

// An Availability says whether an agent could answer. A zero member is unknown.
type Availability struct {
	Open     bool
	Reason   string        // why not, or under what reserve, in the hub's words
	Position int           // what a user who asks now would get
	Wait     time.Duration // how long such a user would wait
	NextOpen time.Time     // when to ask again
}

// A Rating is what a user thinks of the help.
type Rating struct {
	Key     string // the same key is one rating
	Score   int    // 1 is worst, 5 is best
	Comment string
}

// A NewsKind says what is reported.
type NewsKind string

// Kinds of news. The first two are of a message.
const (
	NewsFailed      NewsKind = "failed"      // the user did not get it
	NewsUnknown     NewsKind = "unknown"     // nobody knows whether they did
	NewsUnreachable NewsKind = "unreachable" // nothing gets to the user; what agents say waits
	NewsReachable   NewsKind = "reachable"   // it does again
)

// A News is one thing to report. Reported twice it is the same, and what has
// failed stays failed.
type News struct {
	Kind    NewsKind `json:"kind"`
	Message string   `json:"message,omitempty"` // the hub's id of the agent's message
	Reason  string   `json:"reason,omitempty"`  // why it failed: refused, expired, fault
}

// A Standing is how a conversation stands at the hub.
type Standing struct {
	Conversation ConversationID
	Key          string // the opening's; "" when the hub does not say
	OpenedAt     time.Time
	Ended        bool
}
