package livechattest

import (
	"testing"

	"github.com/liaison-skill/liaison/livechat"
)

// A CanvasAdapter is a hub that owns the chat, both ways.
type CanvasAdapter interface {
	livechat.Canvas
	livechat.CanvasReader
}

// A Canvas is a hub under test that owns the chat, with hands on its users' and
// its people's side.
type Canvas struct {
	Adapter CanvasAdapter

	// At returns an adapter like Adapter for a hub at another address.
	At func(url string) CanvasAdapter

	// Secrets must show up in no error.
	Secrets []string

	// Open opens the chat as a user who tells about themselves what is given.
	Open func(tb testing.TB, u livechat.User) livechat.ConversationID

	// Ask, Press, Type and Leave are the user's doing: words, a choice, typing, the
	// end.
	Ask   func(tb testing.TB, c livechat.ConversationID, text string)
	Press func(tb testing.TB, c livechat.ConversationID, choice livechat.Choice)
	Type  func(tb testing.TB, c livechat.ConversationID)
	Leave func(tb testing.TB, c livechat.ConversationID)

	// Seen returns what the user sees of what others said, oldest first; SeesTyping
	// whether somebody is typing.
	Seen       func(tb testing.TB, c livechat.ConversationID) []Seen
	SeesTyping func(tb testing.TB, c livechat.ConversationID) bool

	// Told returns what people see of what was passed to them, without its key; false
	// when they do not have control.
	Told func(tb testing.TB, c livechat.ConversationID) (livechat.Passing, bool)

	// TakeOver, Answer, Return and End are an agent's doing.
	TakeOver func(tb testing.TB, c livechat.ConversationID, agent string)
	Answer   func(tb testing.TB, c livechat.ConversationID, agent, text string)
	Return   func(tb testing.TB, c livechat.ConversationID, agent, reason, summary string)
	End      func(tb testing.TB, c livechat.ConversationID, agent, reason string)

	// Webhook waits for the next post of the hub to our webhook for canvases.
	Webhook func(tb testing.TB) Post
}

// A Seen is what a user sees of one thing that was said.
type Seen struct {
	Sender, Text string
	Choices      []livechat.Choice
}

// RunCanvas checks an adapter to a hub that owns the chat. Each test gets a hub of
// its own.
func RunCanvas(t *testing.T, hub func(tb testing.TB) Canvas) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Canvas){
		"show/in order, once per key":        showOnce,
		"show/text arrives as it is":         showLiteral,
		"show/choices are seen":              showChoices,
		"show/unknown conversation":          showUnknown,
		"show/ended conversation":            showEnded,
		"show/while people have control":     showLate,
		"typing/seen":                        showTyping,
		"pass/people are told all":           passAll,
		"pass/twice":                         passTwice,
		"pass/unknown or ended":              passGone,
		"finish/twice":                       finishTwice,
		"finish/refused while people help":   finishLate,
		"finish/unknown conversation":        finishUnknown,
		"webhook/opened, asked, in order":    hearAsked,
		"webhook/a choice that was pressed":  hearPressed,
		"webhook/typing":                     hearTyping,
		"webhook/nothing while people help":  hearNothing,
		"webhook/returned with what is open": hearReturned,
		"webhook/taken over, returned":       hearTakenOver,
		"webhook/ended by either side":       hearEnds,
		"webhook/forged":                     hearForgedCanvas,
		"webhook/nonsense":                   hearNonsenseCanvas,
		"errors/away":                        toPeer[Canvas](away),
		"errors/statuses":                    toPeer[Canvas](statuses),
		"errors/silence":                     toPeer[Canvas](silence),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, hub(t))
		})
	}
}
