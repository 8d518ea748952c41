package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/sandbox"
)

// starts begins an escalation with all that a copilot may hand over.
func (c caller) starts(id string, inputs map[string]any) {
	c.t.Helper()
	members := event("startConversation")
	members["value"] = inputs
	members["locale"], members["localTimezone"] = "de-DE", "Europe/Berlin"
	members["channelData"] = map[string]any{"email": "ann@example.com"}
	members["entities"] = []any{map[string]any{"type": "clientInfo", "platform": "Windows"}}
	c.says(id, members)
}

// known is what the desk's API tells of a conversation before its first word.
type known struct {
	Conversation struct {
		Problem, Summary, Queue, Channel, Reference string

		User      struct{ Name, Email, Locale, TimeZone, Client string }
		Skills    []string
		Priority  int
		Variables map[string]string
	}
	Past struct {
		Transcript []struct{ Sender, Side, Text string }
		Earlier    []struct{ Problem, EndedBy string }
	}
}

func (w *world) known(tb testing.TB, id string) known {
	tb.Helper()
	var got known
	w.desk(tb, http.MethodGet, "/api/desk/conversations/"+id, nil, &got)
	return got
}

// TestContext: the agent starts with what the copilot knew, and nothing of it is a
// template to the hub.
func TestContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{})
	c := newCaller(t, w)
	c.starts("first", map[string]any{"ProblemDescription": "the first {{problem}}"})
	first := w.chat(t).ID
	c.says("end", event("endConversation"))
	eventually(t, "it is over", func() bool { return w.chat(t).State == "ended" })
	c.starts("second", map[string]any{
		"ProblemDescription": "Wo ist meine Bestellung? {{.Author.Email}}",
		"Summary":            strings.Repeat("🙂", 3000),
		"Transcript":         "User: Hallo ${HOME}\nCopilot: Womit kann ich helfen?",
		"Queue":              "billing", "Skills": "German, invoices", "Priority": "2", "order": 4711,
	})
	second := ""
	eventually(t, "the second", func() bool {
		for _, chat := range w.chats(t) {
			if chat.ID != first {
				second = chat.ID
			}
		}
		return second != ""
	})
	got := w.known(t, second)
	reference := got.Conversation.Reference
	var want known
	want.Conversation.Problem = "Wo ist meine Bestellung? {\u2060{.Author.Email}\u2060}"
	want.Conversation.Summary = strings.Repeat("🙂", 1999) + "…"
	want.Conversation.Queue, want.Conversation.Channel, want.Conversation.Reference = "billing", "msteams", reference
	want.Conversation.Skills, want.Conversation.Priority = []string{"German", "invoices"}, 2
	want.Conversation.Variables = map[string]string{"order": "4711"}
	u := &want.Conversation.User
	u.Name, u.Email, u.Locale, u.TimeZone, u.Client = "Ann", "ann@example.com", "de-DE", "Europe/Berlin", "Windows"
	want.Past.Transcript = []struct{ Sender, Side, Text string }{
		{"", "user", "Hallo $\u2060{HOME}"}, {"", "copilot", "Womit kann ich helfen?"},
	}
	want.Past.Earlier = []struct{ Problem, EndedBy string }{{"the first {\u2060{problem}\u2060}", "user"}}
	if diff := cmp.Diff(want, got); diff != "" || reference == "" {
		t.Errorf("the desk knows (-want +got):\n%s", diff)
	}
	panelShows(t, w, "Ann", "ann@example.com", "Europe/Berlin", "German", "Microsoft Teams", "Windows",
		"Wo ist meine Bestellung?", "🙂…", "4711", "Womit kann ich helfen?", "the first", "billing", "invoices", reference)
}

// panelShows opens the conversation that waits on the desk's page and looks at
// what the panel says.
func panelShows(t *testing.T, w *world, texts ...string) {
	t.Helper()
	agent := browsertest.Open(t, w.hub.url())
	agent.Wait(`document.querySelector("#sign-in").hidden`, "false")
	agent.Click("#sign-in-link")
	agent.Click("li:first-child button")
	agent.Wait(deskItems, "1") // what was before has ended, and is listed apart
	agent.Click(".item")
	agent.Wait(`document.querySelectorAll("#facts .before").length`, "1") // earlier conversations come last
	panel := agent.Eval(`document.body.textContent`)                      // the copilot's part is folded
	for _, text := range texts {
		if !strings.Contains(panel, text) {
			t.Errorf("%q is not in the panel", text)
		}
	}
	if t.Failed() {
		t.Log(panel)
	}
}
