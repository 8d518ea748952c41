package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/app"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// An escalation is Megan's conversation with a person.
type escalation struct {
	*world
	user sandbox.User
	id   string // at the hub
}

// quickOverdue is after how long a quick world tells a user that words take long.
const quickOverdue = time.Second

// quick shortens what no variable sets.
func quick(c *app.Config) { c.Reconcile, c.Overdue = time.Second, quickOverdue }

// patientDoor is how long a service in this process lets its database keep a door
// waiting: a busy machine is no reason to refuse what a test posts.
const patientDoor = 10 * time.Second

// hasty leaves it at what users get.
func hasty(c *app.Config) { c.Accept = 0 }

// quickWorld is a new world with short times.
func quickWorld(tb testing.TB, cfg sandbox.Config, settings ...string) *world {
	tb.Helper()
	w := build(tb, cfg, settings...)
	w.tune = quick
	w.service.start()
	tb.Cleanup(w.service.stop)
	return w
}

// newEscalation is a quick world in which Megan waits for a person.
func newEscalation(tb testing.TB, cfg sandbox.Config, settings ...string) *escalation {
	tb.Helper()
	return quickWorld(tb, cfg, settings...).escalation(tb)
}

// escalation has Megan ask for a person.
func (w *world) escalation(tb testing.TB) *escalation {
	tb.Helper()
	k := &escalation{world: w, user: w.sandbox.User("Megan")}
	k.escalates(tb)
	return k
}

// escalates has the user ask for a person, again.
func (k *escalation) escalates(tb testing.TB) {
	tb.Helper()
	open := func() (id string) {
		for _, c := range k.chats(tb) {
			if c.State != "ended" && strings.HasPrefix(c.User.Name, "Megan") {
				id = c.ID
			}
		}
		return id
	}
	sandboxtest.Say(tb, k.user, "talk to a person", "help")
	eventually(tb, "the conversation on the desk", func() bool { return open() != "" })
	k.id = open()
}

// does has the agent who is signed in do something, and returns the answer.
func (k *escalation) does(tb testing.TB, method, what string, in map[string]string) (out struct{ ID string }) {
	tb.Helper()
	path := "/api/desk/conversations/" + url.PathEscape(k.id) + "/" + what
	if method == http.MethodPost && what == "messages" {
		k.desk(tb, method, path, in, &out)
		return out
	}
	k.desk(tb, method, path, in, nil)
	return out
}

// sees waits until the user sees a line from outside the copilot's turns.
func (k *escalation) sees(tb testing.TB, text string) sandbox.Line {
	tb.Helper()
	return sandboxtest.WaitLine(tb, k.user, sandbox.ByAgent, text)
}

// times counts the lines with text the user sees, from outside the copilot's
// turns.
func (k *escalation) times(text string) int {
	n := 0
	for _, line := range byAuthor(k.user, sandbox.ByAgent) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// reads waits until the desk shows a line with text for n times.
func (k *escalation) reads(tb testing.TB, n int, text string) {
	tb.Helper()
	eventually(tb, fmt.Sprintf("%d lines with %q on the desk", n, text), func() bool {
		return strings.Count(strings.Join(k.said(tb, k.id), "\n"), text) == n
	})
}

// A standing is how the conversation stands at the hub.
type standing struct{ State, Agent, Queue, EndedBy string }

func (k *escalation) standing(tb testing.TB) (s standing) {
	tb.Helper()
	k.desk(tb, http.MethodGet, "/api/chat/conversations/"+url.PathEscape(k.id), nil, &s)
	return s
}

// over waits until the conversation is over on every side, and returns what the
// copilot was given.
func (k *escalation) over(tb testing.TB) map[string]any {
	tb.Helper()
	if err := k.user.WaitHolder(tb.Context(), sandbox.WithCopilot); err != nil {
		tb.Fatal(err)
	}
	eventually(tb, "the end at the hub", func() bool { return k.standing(tb).State == "ended" })
	eventually(tb, "no mapping open", func() bool { return k.mappings(tb, "opening", "waiting", "active", "ending") == 0 })
	return k.outputs(tb)
}

// outputs is what the copilot was given last.
func (k *escalation) outputs(tb testing.TB) map[string]any {
	tb.Helper()
	var out map[string]any
	if err := json.Unmarshal(k.user.Outputs(), &out); err != nil {
		tb.Fatalf("outputs %s: %v", k.user.Outputs(), err)
	}
	return out
}

// hubSays posts a webhook as the hub does, and returns the status.
func (w *world) hubSays(tb testing.TB, members map[string]any) int {
	tb.Helper()
	body, err := json.Marshal(members)
	if err != nil {
		tb.Fatal(err)
	}
	status, _ := w.post(tb, "/api/livechat/messages", "", body, sign(fmt.Sprint(members["id"]), time.Now(), string(body))...)
	return status
}

const toldSQL = `
	SELECT e.said_at
	FROM entry AS e
	JOIN mapping AS m ON m.id = e.mapping
	WHERE m.hub_conversation = $1
	  AND e.side = 'system'
	  AND e.text LIKE $2 || '%'
	ORDER BY e.id`

// told returns when the service said what begins with text, by its database.
func (k *escalation) told(tb testing.TB, text string) []time.Time {
	tb.Helper()
	rows, err := k.db.Query(tb.Context(), toldSQL, k.id, text)
	if err != nil {
		tb.Fatal(err)
	}
	at, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
	if err != nil {
		tb.Fatal(err)
	}
	return at
}
