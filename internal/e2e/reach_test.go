package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestR14_StopsWhenTold: after a refusal that is about the user nothing is tried
// until they write. The agent is told, and then every line arrives in order.
func TestR14_StopsWhenTold(t *testing.T) {
	t.Parallel()
	for _, f := range []sandbox.Fault{
		{Status: http.StatusForbidden, Code: "ConversationBlockedByUser"},
		{Status: http.StatusForbidden, Code: "BotNotInConversationRoster"},
		{Status: http.StatusForbidden, Code: "BotDisabledByAdmin"},
		{Status: http.StatusForbidden, Code: "MessageWritesBlocked"},
		{Status: http.StatusNotFound, Code: "ConversationNotFound"},
	} {
		t.Run(f.Code, func(t *testing.T) {
			t.Parallel()
			w, user, id := escalated(t, sandbox.Config{})
			w.sandbox.Fault(sandbox.Connector, f)
			before := len(w.sandbox.Requests(sandbox.Connector))
			began := time.Now()
			w.agentSays(t, id, "one")
			eventually(t, "the agent told", func() bool {
				return slices.Equal(w.reported(t, id), []string{"unreachable"})
			})
			t.Logf("the agent was told after %s", time.Since(began).Round(time.Millisecond))
			w.agentSays(t, id, "two")
			w.agentSays(t, id, "three")
			<-time.After(time.Second) // twice the longest back-off
			if n := len(w.sandbox.Requests(sandbox.Connector)) - before; n != 1 {
				t.Errorf("%d attempts, want none after the refusal", n)
			}
			w.sandbox.ClearFaults(sandbox.Connector)
			sandboxtest.Say(t, user, "I am back")
			sandboxtest.WaitLine(t, user, sandbox.ByAgent, "three")
			eventually(t, "the agent told again", func() bool { return len(w.reported(t, id)) == 0 })
			words := slices.DeleteFunc(byAuthor(user, sandbox.ByAgent), func(s string) bool { return !strings.HasPrefix(s, "**") })
			if diff := cmp.Diff([]string{"**Bo**: one", "**Bo**: two", "**Bo**: three"}, words); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestEndUnreachable gives the copilot back although its user cannot be told.
func TestEndUnreachable(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	w.sandbox.Fault(sandbox.Connector, sandbox.Fault{Status: http.StatusForbidden, Code: "ConversationBlockedByUser"})
	w.agentSays(t, id, "one")
	eventually(t, "the agent told", func() bool { return len(w.reported(t, id)) == 1 })
	w.agentEnds(t, id)
	eventually(t, "the mapping is closed", func() bool { return w.mappings(t, "closed") == 1 })
	w.sandbox.ClearFaults(sandbox.Connector)
	sandboxtest.Say(t, user, "Hello")
	sandboxtest.WaitLine(t, user, sandbox.ByCopilot, "talk to a person")
}

// TestR13_PoliteToTeams: Teams, which counts, refuses nothing, and a burst of
// lines arrives whole and in order, whichever replica sends.
func TestR13_PoliteToTeams(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{Limits: true})
	var want []string
	for n := range 24 {
		if n == 12 { // what was sent before counts for the next process, too
			sandboxtest.WaitLine(t, user, sandbox.ByAgent, "line 11")
			w.service.stop()
			w.service.start()
		}
		w.agentSays(t, id, fmt.Sprintf("line %d", n))
		want = append(want, fmt.Sprintf("**Bo**: line %d", n))
	}
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "line 23")
	words := slices.DeleteFunc(byAuthor(user, sandbox.ByAgent), func(s string) bool { return !strings.HasPrefix(s, "**") })
	if diff := cmp.Diff(want, words); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if refused := strings.Count(w.log.String(), `"class":"unavailable"`); refused > 0 {
		t.Errorf("Teams refused %d sends, want none", refused)
	}
}

// TestUnreachableInTheNext: what is refused is the last word of a conversation
// that is over, and it is the agent of the next one who has to know.
func TestUnreachableInTheNext(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	w.sandbox.Fault(sandbox.Connector, sandbox.Fault{Status: http.StatusServiceUnavailable})
	w.agentSays(t, id, "one")
	w.agentEnds(t, id)
	eventually(t, "the end is known", func() bool { return w.mappings(t, "ending") == 1 })
	token := sandboxtest.Mint(t, w.sandbox, sandbox.Token{})
	start := turn(w, "next", event("startConversation"))
	start["conversation"] = map[string]any{"id": string(user.Conversation()), "conversationType": "personal", "tenantId": tenantID}
	if status, text := w.post(t, "/api/messages", token, start); status != http.StatusAccepted {
		t.Fatalf("status %d %s", status, text)
	}
	eventually(t, "the next is open", func() bool { return w.mappings(t, "waiting") == 1 })
	w.service.stop() // nobody sends between the faults
	w.sandbox.ClearFaults(sandbox.Connector)
	w.sandbox.Fault(sandbox.Connector, sandbox.Fault{Status: http.StatusForbidden, Code: "ConversationBlockedByUser"})
	w.service.start()
	eventually(t, "the next agent told", func() bool {
		return slices.ContainsFunc(w.chats(t), func(c chat) bool {
			return c.ID != id && slices.Equal(w.reported(t, c.ID), []string{"unreachable"})
		})
	})
	eventually(t, "the old one is over", func() bool { return w.mappings(t, "ending") == 0 })
}
