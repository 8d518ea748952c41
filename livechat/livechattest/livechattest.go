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

	// Say and End are an agent's doing.
	Say func(tb testing.TB, c livechat.ConversationID, agent, text string)
	End func(tb testing.TB, c livechat.ConversationID, agent string)

	// Webhook waits for the next post of the hub to our webhook.
	Webhook func(tb testing.TB) Post
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
		"end/twice":                           endTwice,
		"end/by key":                          endByKey,
		"end/by a key that opened nothing":    endUnopened,
		"webhook/agent's words":               hearWords,
		"webhook/end":                         hearEnd,
		"webhook/forged":                      hearForged,
		"webhook/post's id is signed":         hearPostIDs,
		"webhook/nonsense":                    hearNonsense,
		"since/reads back":                    readBack,
		"errors/away":                         away,
		"errors/statuses":                     statuses,
		"errors/silence":                      silence,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, hub(t))
		})
	}
}
