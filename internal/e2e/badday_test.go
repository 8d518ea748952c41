package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// escalated is a world in which Megan talks to a person.
func escalated(t *testing.T, cfg sandbox.Config, settings ...string) (*world, sandbox.User, string) {
	t.Helper()
	w := newWorld(t, cfg, settings...)
	user := w.sandbox.User("Megan")
	sandboxtest.Say(t, user, "talk to a person", "help")
	return w, user, w.chat(t).ID
}

// TestHubDownOnStart tells the user and leaves nothing behind.
func TestHubDownOnStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{})
	w.hub.stop()
	user := w.sandbox.User("Megan")
	_ = user.Say(t.Context(), "talk to a person")
	began := time.Now()
	_ = user.Say(t.Context(), "help")
	sandboxtest.WaitLine(t, user, sandbox.ByCopilot, "could not reach a person")
	if took := time.Since(began); took > copilotWaits {
		t.Errorf("the user waited %s", took)
	}
	if user.Holder() != sandbox.WithCopilot {
		t.Errorf("the conversation is with %s", user.Holder())
	}
	if w.mappings(t, "failed") != 1 || w.mappings(t, "opening", "waiting", "active", "ending") != 0 {
		t.Error("a mapping is left")
	}
	w.hub.start()
	sandboxtest.Say(t, user, "talk to a person", "help again")
	eventually(t, "only the second start on the desk", func() bool { return w.chat(t).Problem == "help again" })
}

// TestHubDownLater keeps the words and delivers them in order.
func TestHubDownLater(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	w.hub.stop()
	want := []string{"help"}
	for n := range 10 {
		word := fmt.Sprintf("word %d", n)
		sandboxtest.Say(t, user, word)
		want = append(want, word)
	}
	w.hub.start()
	eventually(t, "all words on the desk", func() bool { return len(w.said(t, id)) == len(want) })
	if diff := cmp.Diff(want, w.said(t, id)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTeamsDown keeps the agent's words and delivers them in order, whatever
// definite refusal Teams has.
func TestTeamsDown(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	for _, f := range []sandbox.Fault{
		{Status: http.StatusTooManyRequests, RetryAfter: time.Second, Times: 1},
		{Status: http.StatusServiceUnavailable, Times: 2},
		{Status: http.StatusPreconditionFailed, Code: "PreconditionFailed", Times: 1},
	} {
		w.sandbox.Fault(sandbox.Connector, f)
	}
	var want []string
	for n := range 8 {
		w.agentSays(t, id, fmt.Sprintf("word %d", n))
		want = append(want, fmt.Sprintf("**Bo**: word %d", n))
	}
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "word 7")
	words := slices.DeleteFunc(byAuthor(user, sandbox.ByAgent), func(s string) bool { return !strings.HasPrefix(s, "**") })
	if diff := cmp.Diff(want, words); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRefusedLine tells the agent that a line did not arrive; the next one does.
func TestRefusedLine(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	w.agentSays(t, id, "hello")
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "hello")
	w.sandbox.Fault(sandbox.Connector, sandbox.Fault{Status: http.StatusBadRequest, Code: "BadArgument", Times: 1})
	w.agentSays(t, id, "poison")
	w.agentSays(t, id, "fine")
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "fine")
	eventually(t, "the agent told", func() bool {
		return slices.Equal(w.reported(t, id), []string{"failed"})
	})
}

// TestHostRefusesTheEnd gives the user back in the next turn when the host takes
// no end out of turn, and the user's words with it.
func TestHostRefusesTheEnd(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	w.agentSays(t, id, "hello")
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "hello")
	w.sandbox.Fault(sandbox.SkillHost, sandbox.Fault{Status: http.StatusNotFound, Code: "ConversationNotFound", Times: 1})
	w.agentEnds(t, id)
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "has ended the conversation")
	eventually(t, "the host refused", func() bool {
		requests := w.sandbox.Requests(sandbox.SkillHost)
		return len(requests) > 0 && requests[len(requests)-1].Status == http.StatusNotFound
	})
	if w.mappings(t, "ending") != 1 {
		t.Fatal("the mapping is not ending")
	}
	sandboxtest.Say(t, user, "hello")
	sandboxtest.WaitLine(t, user, sandbox.ByCopilot, sandbox.Greeting)
	if w.mappings(t, "closed") != 1 {
		t.Error("the mapping is not closed")
	}
}

// TestR6_Repeats gives one effect to what is posted many times.
func TestR6_Repeats(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{})
	token := sandboxtest.Mint(t, w.sandbox, sandbox.Token{})
	// A conversation the sandbox knows, so that answers find it.
	member := map[string]any{"conversation": map[string]any{
		"id": string(w.sandbox.User("Megan").Conversation()), "conversationType": "personal", "tenantId": tenantID,
	}}
	at := func(id string, more map[string]any) map[string]any {
		a := turn(w, id, more)
		a["conversation"] = member["conversation"]
		return a
	}
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() { // ten starts, four copies each
			if status, answer := w.post(t, "/api/messages", token, at(fmt.Sprint("start", n%10), event("startConversation"))); status != 202 {
				t.Errorf("status %d %s", status, answer)
			}
		})
	}
	wg.Wait()
	c := w.chat(t)
	if _, err := w.sandbox.WaitRequests(t.Context(), sandbox.SkillHost, 10); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		wg.Go(func() { w.post(t, "/api/messages", token, at("m1", map[string]any{"text": "ok"})) })
	}
	wg.Wait()
	w.post(t, "/api/messages", token, at("m2", map[string]any{"text": "ok"}))
	eventually(t, "both lines", func() bool { return len(w.said(t, c.ID)) >= 2 })
	for range 3 {
		w.post(t, "/api/messages", token, at("end", event("endConversation")))
	}
	if _, err := w.sandbox.WaitRequests(t.Context(), sandbox.SkillHost, 11); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end on the desk", func() bool { return w.chat(t).State == "ended" })
	// The start of a conversation that is over, again.
	if status, _ := w.post(t, "/api/messages", token, at("start3", event("startConversation"))); status != 202 {
		t.Errorf("status %d", status)
	}
	if diff := cmp.Diff([]string{"ok", "ok"}, w.said(t, c.ID)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if n := len(w.chats(t)); n != 1 {
		t.Errorf("%d conversations", n)
	}
	if n := len(w.sandbox.Requests(sandbox.SkillHost)); n != 11 {
		t.Errorf("the host got %d answers, want one for each of ten starts and one for the end", n)
	}
}

// TestDatabaseDown accepts nothing while the database is away and recovers by
// itself.
func TestDatabaseDown(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	back := away(t, w.db)
	token := sandboxtest.Mint(t, w.sandbox, sandbox.Token{})
	for _, body := range []map[string]any{turn(w, "1", nil), turn(w, "2", event("startConversation")), turn(w, "3", event("endConversation"))} {
		began := time.Now()
		status, _ := w.post(t, "/api/messages", token, body)
		if status != http.StatusServiceUnavailable || time.Since(began) > refuseWithin {
			t.Errorf("%v %v: status %d after %s, want 503 soon", body["type"], body["name"], status, time.Since(began))
		}
	}
	ready := func() int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.service.url()+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
		return resp.StatusCode
	}
	if status := ready(); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz: %d", status)
	}
	w.agentSays(t, id, "said while the database was away")
	back()
	eventually(t, "ready again", func() bool { return ready() == http.StatusOK })
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "said while the database was away")
	sandboxtest.Say(t, user, "still here")
	eventually(t, "the user's words", func() bool { return slices.Contains(w.said(t, id), "still here") })
}
