package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// A caller posts turns of one conversation that the sandbox knows.
type caller struct {
	*world
	t     *testing.T
	token string
	conv  any
}

func newCaller(t *testing.T, w *world) caller {
	t.Helper()
	return caller{w, t, sandboxtest.Mint(t, w.sandbox, sandbox.Token{}), map[string]any{
		"id": string(w.sandbox.User("Megan").Conversation()), "conversationType": "personal", "tenantId": tenantID,
	}}
}

func (c caller) says(id string, members map[string]any) {
	c.t.Helper()
	a := turn(c.world, id, members)
	a["conversation"] = c.conv
	if status, answer := c.post(c.t, "/api/messages", c.token, a); status != http.StatusAccepted {
		c.t.Fatalf("%s: status %d %s", id, status, answer)
	}
}

// answered waits until every promise to the host is kept and counts its posts.
func (c caller) answered() int {
	c.t.Helper()
	c.idle(c.t)
	return len(c.sandbox.Requests(sandbox.SkillHost))
}

// TestR6_LateRepeats gives no effect to a turn that comes again when the
// conversation has moved on.
func TestR6_LateRepeats(t *testing.T) {
	t.Parallel()
	start, end, word := event("startConversation"), event("endConversation"), map[string]any{"text": "ok"}
	begun := func(c caller, id string) {
		c.t.Helper()
		c.says(id, start)
		eventually(c.t, "open", func() bool { return c.mappings(c.t, "waiting", "active") == 1 })
	}
	for name, row := range map[string]struct {
		before func(c caller)
		repeat func(c caller)
		open   int
	}{
		"an end, after the next start": {
			before: func(c caller) { begun(c, "s1"); c.says("e1", end); begun(c, "s2") },
			repeat: func(c caller) { c.says("e1", end) },
			open:   1,
		},
		"an end that ended nothing, after a start": {
			before: func(c caller) { c.says("e1", end); begun(c, "s1") },
			repeat: func(c caller) { c.says("e1", end) },
			open:   1,
		},
		"a start that found an open one, after the end": {
			before: func(c caller) { begun(c, "s1"); c.says("s2", start); c.answered(); c.says("e1", end) },
			repeat: func(c caller) { c.says("s2", start) },
		},
		"words the agent has, after the end": {
			before: func(c caller) { begun(c, "s1"); c.says("m1", word); c.says("e1", end) },
			repeat: func(c caller) { c.says("m1", word) },
		},
		"words that nobody had": {
			before: func(c caller) { c.says("m1", word) },
			repeat: func(c caller) { c.says("m1", word) },
		},
		"words that brought the copilot back": {
			before: func(c caller) {
				begun(c, "s1")
				c.says("m1", word)
				c.answered()
				c.sandbox.Fault(sandbox.SkillHost, sandbox.Fault{Status: http.StatusNotFound, Code: "ConversationNotFound", Times: 1})
				c.agentEnds(c.t, c.chat(c.t).ID)
				eventually(c.t, "ending", func() bool { return c.mappings(c.t, "ending") == 1 })
				c.answered()
				c.says("m2", word)
			},
			repeat: func(c caller) { c.says("m2", word); c.says("m1", word) },
		},
		"words the agent has, while the copilot is to be told": {
			before: func(c caller) {
				begun(c, "s1")
				c.says("m1", word)
				c.answered()
				c.sandbox.Fault(sandbox.SkillHost, sandbox.Fault{Status: http.StatusNotFound, Code: "ConversationNotFound", Times: 1})
				c.agentEnds(c.t, c.chat(c.t).ID)
				eventually(c.t, "ending", func() bool { return c.mappings(c.t, "ending") == 1 })
			},
			repeat: func(c caller) { c.says("m1", word) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCaller(t, newWorld(t, sandbox.Config{}))
			row.before(c)
			answers, states := c.answered(), c.states()
			row.repeat(c)
			if n := c.answered(); n != answers {
				t.Errorf("%d answers to the host, want %d as before", n, answers)
			}
			if diff := cmp.Diff(states, c.states()); diff != "" {
				t.Errorf("states of mappings (-before +after):\n%s", diff)
			}
			if n := c.mappings(t, "opening", "waiting", "active"); n != row.open {
				t.Errorf("%d open mappings, want %d", n, row.open)
			}
		})
	}
}

// states are the states of all mappings, oldest first.
func (c caller) states() []string {
	c.t.Helper()
	rows, err := c.db.Query(c.t.Context(), `SELECT state FROM mapping ORDER BY id`)
	if err != nil {
		c.t.Fatal(err)
	}
	states, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		c.t.Fatal(err)
	}
	return states
}

// TestEventIDsOfTwoConversations keeps apart hubs' events whose ids are counted
// in each conversation.
func TestEventIDsOfTwoConversations(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{})
	users := []sandbox.User{w.sandbox.User("Megan"), w.sandbox.User("Lee")}
	for _, u := range users {
		sandboxtest.Say(t, u, "talk to a person", "help")
	}
	eventually(t, "two conversations", func() bool { return len(w.chats(t)) == 2 })
	for _, c := range w.chats(t) {
		body := fmt.Sprintf(`{"conversationId":%q,"id":"1","message":"hello","sender":"Ada"}`, c.ID)
		status, answer := w.post(t, "/api/livechat/messages", "", []byte(body), sign("1"+c.ID, time.Now(), body)...)
		if status != http.StatusNoContent {
			t.Errorf("status %d %s", status, answer)
		}
	}
	for _, u := range users {
		sandboxtest.WaitLine(t, u, sandbox.ByAgent, "hello")
	}
}
