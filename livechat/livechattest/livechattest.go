// Package livechattest is the suite every hub adapter passes, against the real
// hub and against a hub that misbehaves.
package livechattest

import (
	"net/http"
	"testing"

	"github.com/liaison-skill/liaison/livechat"
)

// A Hub is a hub under test, with hands on its agents' side.
type Hub struct {
	Adapter livechat.Adapter

	// At returns an adapter like Adapter for a hub at another address.
	At func(url string) livechat.Adapter

	// Secrets must show up in no error.
	Secrets []string

	// Lines returns what the agents see of the user's words, oldest first.
	Lines func(tb testing.TB, c livechat.ConversationID) []string

	// Files returns what the agents see of the user's files, oldest first. It is
	// needed for an adapter that can attach.
	Files func(tb testing.TB, c livechat.ConversationID) []Given

	// News returns what the agents see of reports: of messages in their order, then
	// of the user. It is needed for an adapter that can report.
	News func(tb testing.TB, c livechat.ConversationID) []livechat.News

	// Say and End are an agent's doing.
	Say func(tb testing.TB, c livechat.ConversationID, agent, text string)
	End func(tb testing.TB, c livechat.ConversationID, agent string)

	Hands

	// Webhook waits for the next post of the hub to our webhook.
	Webhook func(tb testing.TB) Post
}

// Hands are what the agents of some hubs can do besides, each nil where they can
// not.
type Hands struct {
	Join     func(tb testing.TB, c livechat.ConversationID, agent string)
	Leave    func(tb testing.TB, c livechat.ConversationID, agent string)
	Transfer func(tb testing.TB, c livechat.ConversationID, agent, to string)
	Type     func(tb testing.TB, c livechat.ConversationID, agent string)
	Give     func(tb testing.TB, c livechat.ConversationID, agent string, f Given)

	// Edit and Delete change what an agent said, by the hub's id of it.
	Edit   func(tb testing.TB, c livechat.ConversationID, message, text string)
	Delete func(tb testing.TB, c livechat.ConversationID, message string)

	// Conclude is End with words.
	Conclude func(tb testing.TB, c livechat.ConversationID, agent, reason, summary string)
}

// A Given is a file as its receiver gets it.
type Given struct {
	Name, ContentType, Content string
}

// A Post is what a hub posts to our webhook.
type Post struct {
	Header http.Header
	Body   []byte
}

// Run checks an adapter. Each test gets a hub of its own.
func Run(t *testing.T, hub func(tb testing.TB) Hub) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Hub){
		"open/same key opens once":            openOnce,
		"open/different keys, different ones": openTwo,
		"send/in order, once per key":         sendOnce,
		"send/unknown conversation":           sendUnknown,
		"send/ended conversation":             sendEnded,
		"send/text arrives as it is":          sendLiteral,
		"send/text of the longest length":     sendLongest,
		"end/twice":                           endTwice,
		"end/by key":                          endByKey,
		"end/by a key that opened nothing":    endUnopened,
		"webhook/agent's words":               hearWords,
		"webhook/end":                         hearEnd,
		"webhook/forged":                      hearForged,
		"webhook/post's id is signed":         hearPostIDs,
		"webhook/nonsense":                    hearNonsense,
		"webhook/changes of who answers":      hearChanges,
		"webhook/agent's amendments":          hearAmendments,
		"webhook/agent's file":                hearFile,
		"webhook/conclusion":                  hearConclusion,
		"since/reads back":                    readBack,
		"since/with the webhooks' ids":        readEvents,
		"typing/shown or refused":             typing,
		"amend/by key":                        amend,
		"attach/once per key":                 attach,
		"queueing/until an agent comes":       queueing,
		"available/can be asked":              available,
		"rate/during and after":               rate,
		"report/stays with the message":       report,
		"census/what is open":                 census,
		"errors/away":                         toPeer[Hub](away),
		"errors/statuses":                     toPeer[Hub](statuses),
		"errors/silence":                      toPeer[Hub](silence),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, hub(t))
		})
	}
}
