package e2e

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// A pairing is one user's conversation with an agent, and what they said.
type pairing struct {
	user           sandbox.User
	hub            string // conversation
	words, answers []string
}

// A crowd is users and agents who talk without a pause.
type crowd struct {
	chatter

	u     *upgrade
	talks []*pairing
}

// Everybody has a text on its way this often, and waits this long for an answer.
const (
	crowdPace   = 60 * time.Millisecond
	crowdWithin = time.Minute
)

func startCrowd(t *testing.T, u *upgrade, names ...string) *crowd {
	t.Helper()
	c := &crowd{chatter: chatter{t: t, stop: make(chan struct{})}, u: u}
	agent := u.signIn(t)
	for _, name := range names {
		k := u.escalate(t, name)
		c.talks = append(c.talks, k)
		c.keep(crowdPace, crowdWithin, "user", &k.words, k.user.Say)
		c.keep(crowdPace, crowdWithin, "agent", &k.answers, func(ctx context.Context, text string) error {
			at := u.hub.url() + "/api/desk/conversations/" + url.PathEscape(k.hub) + "/messages"
			return send(ctx, agent, at, "", map[string]string{"message": text})
		})
	}
	return c
}

// escalate lets a user ask for a person.
func (w *world) escalate(t *testing.T, name string) *pairing {
	t.Helper()
	k := &pairing{user: w.sandbox.User(name), words: []string{"help " + name}}
	sandboxtest.Say(t, k.user, "talk to a person", k.words[0])
	eventually(t, name+" is on the desk", func() bool {
		for _, chat := range w.chats(t) {
			if strings.Contains(chat.Problem, k.words[0]) {
				k.hub = chat.ID
			}
		}
		return k.hub != ""
	})
	sandboxtest.WaitLine(t, k.user, sandbox.ByCopilot, sandbox.OnTheWay)
	return k
}

// more waits until everybody has sent n more.
func (c *crowd) more(n int) {
	c.t.Helper()
	slowest := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		least := len(c.talks[0].words)
		for _, k := range c.talks {
			least = min(least, len(k.words), len(k.answers))
		}
		return least
	}
	want := slowest() + n
	eventually(c.t, "everybody goes on", func() bool { return slowest() >= want })
}

// end stops everybody and judges.
func (c *crowd) end() {
	c.t.Helper()
	close(c.stop)
	c.done.Wait()
	for _, refused := range c.refused {
		c.t.Errorf("refused: %s", refused)
	}
	for _, call := range c.u.sandbox.Calls() {
		if call.Status/100 != http.StatusOK/100 {
			c.t.Errorf("the skill answered %s with status %d", call.Activity.Text, call.Status)
		}
	}
	words := 0
	for _, k := range c.talks {
		k.judge(c.t, c.u)
		words += len(k.words) + len(k.answers)
	}
	c.t.Logf("%d words in %d conversations: none refused, none lost", words, len(c.talks))
}

const wordsSQL = `
	SELECT body
	FROM contoso.line
	WHERE conversation_id = $1 AND author = 'user' AND event = 'message'
	ORDER BY position`

// judge: what either side said has arrived at the other, once and in order.
func (k *pairing) judge(t *testing.T, u *upgrade) {
	t.Helper()
	sandboxtest.WaitLine(t, k.user, sandbox.ByAgent, k.answers[len(k.answers)-1])
	var heard []string
	for _, line := range byAuthor(k.user, sandbox.ByAgent) {
		if _, text, ok := strings.Cut(line, "**: "); ok {
			heard = append(heard, text)
		}
	}
	if diff := cmp.Diff(k.answers, heard); diff != "" {
		t.Errorf("%s: in Teams (-sent +seen):\n%s", k.words[0], diff)
	}
	var read []string
	eventually(t, "the user's last words at the hub", func() bool {
		rows, err := u.hubDB.Query(t.Context(), wordsSQL, k.hub)
		if err != nil {
			t.Fatal(err)
		}
		read, err = pgx.CollectRows(rows, pgx.RowTo[string])
		// The release before tells the agent in words what this one reports.
		read = slices.DeleteFunc(read, func(s string) bool { return strings.HasPrefix(s, "The user can") })
		return err == nil && len(read) >= len(k.words)
	})
	if diff := cmp.Diff(k.words, read); diff != "" {
		t.Errorf("%s: at the hub (-sent +seen):\n%s", k.words[0], diff)
	}
}
