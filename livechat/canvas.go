package livechat

import (
	"context"
	"net/http"
	"time"
)

// A Canvas is a hub whose own page is the chat. A copilot answers its users first;
// what they say comes as [CanvasEvent]. Control is the copilot's until Pass, and
// again after the event [CanvasReturned]; in between the hub's people answer, and
// the hub says nothing of it. Errors follow the conventions of [Hub]. Refused for
// good, with these status codes, is what asks for a conversation that is unknown or
// has ended (404 or 410), and what is the copilot's alone while people have control
// (409): from the one follows that it is over, from the other who has the user.
type Canvas interface {
	// Show shows the user what the copilot says.
	Show(ctx context.Context, m BotMessage) error

	// Pass gives control to people, with what they should know. Twice is no error.
	Pass(ctx context.Context, p Passing) error

	// Finish ends a conversation that the copilot has control of. One that has ended
	// stays so, which is no error.
	Finish(ctx context.Context, c ConversationID, key string) error
}

// A CanvasReader reads what a canvas posts to our webhook for it. Verify and
// PostID are those of [Reader].
type CanvasReader interface {
	Verify(header http.Header, body []byte, now time.Time) error
	PostID(header http.Header) string

	// ParseCanvas returns what the body says: zero or more events. An error is an
	// [*InvalidError].
	ParseCanvas(body []byte) ([]CanvasEvent, error)
}

// BotTyping is an optional ability of a canvas: it shows the user that the copilot
// is typing, for a few seconds.
type BotTyping interface {
	ShowTyping(ctx context.Context, c ConversationID) error
}

// A BotMessage is one thing the copilot says to the user.
type BotMessage struct {
	Conversation ConversationID
	Key          string // the same key is one message
	Sender       string // the copilot's name, may be empty
	Text         string
	Format       Format
	Choices      []Choice // quick replies; a canvas without them is given a numbered list instead, see Chooses
}

// A Choice is a quick reply: the user sees Title and says Value.
type Choice struct {
	Title string `json:"title"`
	Value string `json:"value"`
}

// Chooses is an optional ability of a canvas: it shows so many choices at once. One
// without it shows none.
type Chooses interface {
	MaxChoices() int
}

// A Passing is what people should know when they take over. Only Conversation and
// Key are always there.
type Passing struct {
	Conversation ConversationID
	Key          string // the same key is one passing
	Problem      string
	Summary      string
	Note         string // private: for agents only
	Queue        string // a hint, by the hub's name for it
	Skills       []string
	Language     string // BCP 47
	Variables    map[string]string
	Transcript   []Line // what was said before, oldest first
}

// A CanvasKind says what a [CanvasEvent] is.
type CanvasKind string

// Kinds of a canvas's events.
const (
	CanvasOpened   CanvasKind = "opened"   // a user opened the chat and has said nothing yet
	CanvasAsked    CanvasKind = "asked"    // the user said Text to the copilot
	CanvasTyping   CanvasKind = "typing"   // the user is typing to the copilot
	CanvasReturned CanvasKind = "returned" // people gave control back
	CanvasEnded    CanvasKind = "ended"    // the conversation is over
)

// A CanvasEvent is one thing that happens in a canvas while the copilot has
// control, or that gives it control, or takes the conversation away from it.
type CanvasEvent struct {
	Kind         CanvasKind
	ID           string // the same id is one event; empty is told by its post's id, or always a new one
	Conversation ConversationID
	User         User
	Text         string   // what was said
	Value        string   // the choice that was pressed, where Text is its title
	Pending      []string // after a return: what the user said last and nobody answered, oldest first
	Reason       string   // why it was returned, or ended
	Summary      string   // what the agent makes of it, after a return
	At           time.Time
}
