package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// agentLines are the agent's words as the user sees them, without what the service
// says itself.
func (k *escalation) agentLines() (lines []sandbox.Line) {
	for _, l := range k.user.Lines() {
		if l.Author == sandbox.ByAgent && (l.Deleted || strings.HasPrefix(l.Text, "**")) {
			lines = append(lines, l)
		}
	}
	return lines
}

// TestAgentAmends changes and takes back a line in Teams, or says so in a new one
// where Teams does not know it any more.
func TestAgentAmends(t *testing.T) {
	t.Parallel()
	k := newEscalation(t, sandbox.Config{})
	line := k.does(t, http.MethodPost, "messages", map[string]string{"message": "At nine"}).ID
	said := k.sees(t, "At nine")
	k.does(t, http.MethodPut, "messages/"+line, map[string]string{"message": "At ten"})
	if edited := k.sees(t, "**Adele Vance**: At ten"); edited.ID != said.ID || !edited.Edited {
		t.Errorf("the edit is %+v, want line %s changed", edited, said.ID)
	}
	k.does(t, http.MethodDelete, "messages/"+line, nil)
	eventually(t, "the line is deleted", func() bool { return k.agentLines()[0].Deleted })

	line = k.does(t, http.MethodPost, "messages", map[string]string{"message": "At eleven"}).ID
	k.sees(t, "At eleven")
	k.sandbox.Fault(sandbox.Connector, sandbox.Fault{Status: http.StatusMethodNotAllowed, Code: "MethodNotAllowed", Times: 1})
	k.does(t, http.MethodPut, "messages/"+line, map[string]string{"message": "At twelve"})
	k.sees(t, "**Adele Vance**: (edited) At twelve")
	k.sandbox.Fault(sandbox.Connector, sandbox.Fault{Status: http.StatusNotFound, Code: "ActivityNotFoundInConversation", Times: 1})
	k.does(t, http.MethodDelete, "messages/"+line, nil)
	k.sees(t, "**Adele Vance**: (deleted)")

	for n, e := range []map[string]any{
		{"event": "edited", "message": "what was that?", "messageId": "of nothing"},
		{"event": "edited", "message": "and that?", "messageId": "of nothing"},
	} {
		e["id"], e["conversationId"], e["sender"] = "amend "+e["message"].(string), k.id, "Adele Vance"
		if status := k.hubSays(t, e); status != http.StatusNoContent {
			t.Errorf("%d: status %d", n, status)
		}
	}
	k.sees(t, "**Adele Vance**: (edited) what was that?")
	k.sees(t, "**Adele Vance**: (edited) and that?")
}

// TestAgentAmendsPending: the user sees what the agent meant in the end, once.
func TestAgentAmendsPending(t *testing.T) {
	t.Parallel()
	k := newEscalation(t, sandbox.Config{})
	k.does(t, http.MethodPost, "join", nil)
	k.sees(t, "has joined")
	k.sandbox.Fault(sandbox.Connector, sandbox.Fault{Status: http.StatusServiceUnavailable})
	line := k.does(t, http.MethodPost, "messages", map[string]string{"message": "At nine"}).ID
	gone := k.does(t, http.MethodPost, "messages", map[string]string{"message": "oops"}).ID
	eventually(t, "both lines accepted", func() bool {
		var n int
		err := k.db.QueryRow(t.Context(), `SELECT count(*) FROM entry WHERE side = 'agent'`).Scan(&n)
		return err == nil && n == 2
	})
	k.does(t, http.MethodPut, "messages/"+line, map[string]string{"message": "At ten"})
	k.does(t, http.MethodDelete, "messages/"+gone, nil)
	k.sandbox.ClearFaults(sandbox.Connector)
	eventually(t, "both amended", func() bool {
		lines := k.agentLines()
		return len(lines) == 2 && lines[0].Text == "**Adele Vance**: At ten" && lines[1].Deleted
	})
}

// TestUserAmends changes and takes back a line at the hub, or says so in a new one
// where the hub does not know it.
func TestUserAmends(t *testing.T) {
	t.Parallel()
	k := newWorld(t, sandbox.Config{}).escalation(t) // where words may take long before the user is told
	edit := func(line, text string) {
		t.Helper()
		if err := k.user.Edit(t.Context(), line, text); err != nil {
			t.Fatal(err)
		}
	}
	first := k.user.Lines()[0] // was said to the copilot
	edit(first.ID, "I want to talk to a person, please")
	k.reads(t, 1, "(edited) I want to talk to a person, please")
	if err := k.user.Delete(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}

	line := sandboxtest.Send(t, k.user, sandbox.Message{Text: "order 41"})
	k.reads(t, 1, "order 41")
	edit(line, "order 42")
	k.reads(t, 1, "order 42")
	k.reads(t, 0, "order 41")

	k.hub.stop()
	pending := sandboxtest.Send(t, k.user, sandbox.Message{Text: "from Berlin"})
	edit(pending, "from Bern")
	edit(pending, "from Bonn")
	k.hub.start()
	k.reads(t, 1, "from Bonn")

	if err := k.user.Delete(t.Context(), line); err != nil {
		t.Fatal(err)
	}
	k.reads(t, 0, "order 42")
	if err := k.user.Undelete(t.Context(), line); err != nil {
		t.Fatal(err)
	}
	k.reads(t, 1, "(edited) order 42") // what is deleted at the hub stays so
	if said := byAuthor(k.user, sandbox.ByAgent); len(said) > 0 {
		t.Errorf("the user was told %q", said)
	}
}

// TestUserAmendsAtAPlainHub says in new lines what the hub cannot change.
func TestUserAmendsAtAPlainHub(t *testing.T) {
	t.Parallel()
	w := build(t, sandbox.Config{})
	hub, err := url.Parse(w.hub.url())
	if err != nil {
		t.Fatal(err)
	}
	plain := http.NewServeMux()
	plain.HandleFunc("/api/chat/edit", http.NotFound)
	plain.HandleFunc("/api/chat/delete", http.NotFound)
	plain.Handle("/", httputil.NewSingleHostReverseProxy(hub))
	door := httptest.NewServer(plain)
	t.Cleanup(door.Close)
	w.environ = append(w.environ, "LIAISON_HUB_CONTOSO_URL="+door.URL)
	w.service.start()
	t.Cleanup(w.service.stop)
	k := w.escalation(t)
	line := sandboxtest.Send(t, k.user, sandbox.Message{Text: "order 41"})
	if err := k.user.Edit(t.Context(), line, "order 42"); err != nil {
		t.Fatal(err)
	}
	k.reads(t, 1, "(edited) order 42")
	if diff := cmp.Diff([]string{"help", "order 41", "(edited) order 42"}, k.said(t, k.id)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestHostKeepsAmendments: what the host does not pass on changes nothing, and
// breaks nothing.
func TestHostKeepsAmendments(t *testing.T) {
	t.Parallel()
	k := newEscalation(t, sandbox.Config{Switches: sandbox.Switches{DropEvents: true}})
	line := sandboxtest.Send(t, k.user, sandbox.Message{Text: "order 41"})
	if err := k.user.Edit(t.Context(), line, "order 42"); err != nil {
		t.Fatal(err)
	}
	sandboxtest.Say(t, k.user, "no, 42")
	k.reads(t, 1, "no, 42")
	k.reads(t, 1, "order 41")
}
