package contoso_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

// deed is what an agent does, as the desk's page asks for it.
func deed(id, what, body string, pairs ...string) call {
	return call{path: "/api/desk/conversations/" + id + "/" + what, body: body, header: header(pairs...)}
}

// A standing is a conversation as GET /api/chat/conversations returns it.
type standing struct {
	ConversationID, Key, State, Agent, Queue, EndedBy string
	Position, WaitSeconds                             int
}

func (h hub) standing(tb testing.TB, id string) standing {
	tb.Helper()
	var out standing
	h.ok(tb, call{method: http.MethodGet, path: "/api/chat/conversations/" + id}, &out)
	return out
}

func TestAgents_join_leave_and_transfer(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.open(t, "")
	steps := []struct {
		what, body string
		want       standing
	}{
		{"join", `{"sender":"Ana"}`, standing{State: "active", Agent: "Ana"}},
		{"join", `{"sender":"Ana"}`, standing{State: "active", Agent: "Ana"}},
		{"join", `{"sender":"Bo"}`, standing{State: "active", Agent: "Bo"}},
		{"transfer", `{"sender":"Bo","agent":"Cy","note":"hard"}`, standing{State: "active", Agent: "Cy"}},
		{"transfer", `{"sender":"Cy","queue":"printers"}`, standing{State: "waiting", Queue: "printers", Position: 1}},
		{"leave", `{"sender":"Cy"}`, standing{State: "waiting", Queue: "printers", Position: 1}},
		{"join", `{"sender":"Di"}`, standing{State: "active", Agent: "Di", Queue: "printers"}},
		{"leave", ``, standing{State: "waiting", Queue: "printers", Position: 1}},
		{"end", `{"sender":"Di","reason":"r","summary":"s"}`, standing{State: "ended", Queue: "printers", EndedBy: "agent"}},
	}
	for i, step := range steps {
		if got := h.do(t, deed(id, step.what, step.body)); got.status != http.StatusNoContent {
			t.Fatalf("step %d: %v", i, got)
		}
		got := h.standing(t, id)
		got.ConversationID, got.WaitSeconds = "", 0
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("step %d, %s (-want +got):\n%s", i, step.what, diff)
		}
	}
	var told []string
	for _, p := range peer.wait(t, 7) {
		told = append(told, strings.Join([]string{p.Event, p.Sender, p.To}, " "))
	}
	want := []string{"joined Ana ", "joined Bo ", "transferred Bo Cy", "transferred Cy printers", "joined Di ", "left Contoso Support ", "ended Di "}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
	for _, what := range []string{"join", "leave", "transfer", "typing"} {
		got := h.do(t, deed(id, what, `{"agent":"x"}`))
		if want := map[bool]int{true: http.StatusNoContent, false: http.StatusConflict}[what == "typing"]; got.status != want {
			t.Errorf("%s after the end: %v, want %d", what, got, want)
		}
	}
}

func TestAgents_a_deed_is_done_once_per_key(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.open(t, "")
	for _, what := range []string{"join", "transfer", "leave"} {
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if got := h.do(t, deed(id, what, `{"sender":"Ana","agent":"Ana"}`, "Idempotency-Key", "k")); got.status != http.StatusNoContent {
					t.Errorf("%s: %v", what, got)
				}
			})
		}
		wg.Wait()
	}
	h.ok(t, deed(id, "end", `{}`), nil)
	h.ok(t, deed(id, "join", `{"sender":"Ana"}`, "Idempotency-Key", "k"), nil) // it was done
	peer.wait(t, 4)
	if diff := cmp.Diff([]string{"joined:", "transferred:", "left:", "ended:"}, peer.texts()); diff != "" {
		t.Error(diff)
	}
}

func TestTransfer_names_an_agent_or_a_queue(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	id := h.open(t, "")
	for body, want := range map[string]int{
		``: 400, `{"agent":" "}`: 400, `{"agent":"a","queue":"q"}`: 400, `{"queue":"q"}`: 204, `{`: 400,
	} {
		if got := h.do(t, deed(id, "transfer", body)); got.status != want {
			t.Errorf("%s: %v, want %d", body, got, want)
		}
	}
	if got := h.do(t, deed("nobody", "transfer", `{"queue":"q"}`)); got.status != http.StatusNotFound {
		t.Errorf("unknown conversation: %v", got)
	}
}

func TestTyping_is_told_once_in_a_while_and_never_before_words(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	peer := receive(t, func(_ int, p posted, w http.ResponseWriter) {
		if p.Message == "slow" {
			<-release
		}
		w.WriteHeader(http.StatusNoContent)
	})
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.open(t, "")
	typing := deed(id, "typing", `{"sender":"Ana"}`)
	h.ok(t, typing, nil) // nobody has joined
	h.say(t, id, "slow")
	eventually(t, "the slow line", func() bool { return len(peer.all()) == 2 })
	h.ok(t, typing, nil)
	if got := peer.texts(); len(got) != 2 {
		t.Errorf("told %v while words were on their way", got)
	}
	close(release)
	eventually(t, "the slow line to be settled", func() bool { return h.messages(t, "?conversationId="+id)[0].State == "sent" })
	began := time.Now()
	for range 3 {
		h.ok(t, typing, nil)
	}
	whiles := 1 + int(time.Since(began)/(2*time.Second))
	h.say(t, id, "quick")
	eventually(t, "the quick line", func() bool { return slices.Contains(peer.texts(), "message:quick") })
	told := peer.texts()
	if diff := cmp.Diff([]string{"joined:", "message:slow", "typing:", "message:quick"}, slices.Compact(slices.Clone(told))); diff != "" || len(told) > 3+whiles {
		t.Errorf("told %v: %s", told, diff)
	}
}
