package contoso_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

func TestAmend_the_user_changes_what_was_said(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	id, other := h.open(t, ""), h.open(t, "")
	for _, key := range []string{"k1", "k2"} {
		h.ok(t, call{path: "/api/chat/receive", body: jsonOf(t, map[string]string{"conversationId": id, "message": "word " + key, "id": key})}, nil)
	}
	byAgent := h.say(t, id, "the agent's")
	fill := strings.NewReplacer("ID", id, "OTHER", other, "AGENTS", byAgent)
	steps := []struct {
		what, body string
		status     int
	}{
		{"edit", `{"conversationId":"ID","key":"k1","message":"better"}`, 204},
		{"edit", `{"conversationId":"ID","key":"k1","message":"better"}`, 204},
		{"edit", `{"conversationId":"ID","key":"k1","message":" "}`, 400},
		{"edit", `{"conversationId":"ID","message":"of what?"}`, 400},
		{"edit", `{"conversationId":"ID","key":"k3","message":"x"}`, 404},
		{"edit", `{"conversationId":"OTHER","key":"k1","message":"x"}`, 404},
		{"edit", `{"conversationId":"nobody","key":"k1","message":"x"}`, 404},
		{"edit", `{"conversationId":"ID","messageId":"AGENTS","message":"not mine"}`, 404},
		{"edit", `{"conversationId":"ID","key":"k1","message":"\u0000"}`, 400},
		{"delete", `{"conversationId":"ID","key":"k2"}`, 204},
		{"delete", `{"conversationId":"ID","key":"k2"}`, 204},
		{"edit", `{"conversationId":"ID","key":"k2","message":"x"}`, 409},
		{"delete", `{"conversationId":"ID","messageId":"AGENTS"}`, 404},
	}
	for _, step := range steps {
		if got := h.do(t, call{path: "/api/chat/" + step.what, body: fill.Replace(step.body)}); got.status != step.status {
			t.Errorf("%s %s: %v, want %d", step.what, step.body, got, step.status)
		}
	}
	var stand []string
	for _, l := range h.messages(t, "?conversationId="+id) {
		stand = append(stand, l.Message)
	}
	if diff := cmp.Diff([]string{"better", "", "the agent's"}, stand); diff != "" {
		t.Error(diff)
	}
	var events []string
	for _, l := range h.messages(t, "?since=0&conversationId="+id) {
		events = append(events, l.From+" "+l.Event+":"+l.Message)
	}
	want := []string{"user :better", "user :", "system joined:Ana joined the conversation", "agent :the agent's", "user edited:better", "user deleted:"}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Error(diff)
	}
}

func TestAmend_an_agents_change_is_told_once_per_key(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.open(t, "")
	line := "/api/desk/conversations/" + id + "/messages/" + h.say(t, id, "one")
	put := func(text, key string) {
		t.Helper()
		h.ok(t, call{method: http.MethodPut, path: line, body: jsonOf(t, map[string]string{"message": text}), header: header("Idempotency-Key", key)}, nil)
	}
	put("two", "k1")
	put("three", "k2")
	put("two", "k1") // a late repetition
	h.ok(t, call{method: http.MethodDelete, path: line}, nil)
	h.ok(t, call{method: http.MethodDelete, path: line}, nil)
	h.say(t, id, "last")
	got := peer.wait(t, 6)
	eventually(t, "the last line", func() bool { return strings.HasSuffix(strings.Join(peer.texts(), " "), "message:last") })
	for _, p := range got[2:5] {
		if p.MessageID != got[1].ID || p.ID == p.MessageID {
			t.Errorf("got %+v, want it about %s", p, got[1].ID)
		}
	}
	if n := len(peer.all()); n != 6 || got[4].Event != "deleted" || got[4].Message != "" {
		t.Errorf("got %d webhooks: %v", n, peer.texts())
	}
}

// What is taken back while it waits to be told is never told.
func TestAmend_what_was_deleted_before_it_was_told_stays_unsaid(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	peer := receive(t, func(n int, _ posted, w http.ResponseWriter) {
		if n == 1 {
			<-release
		}
		w.WriteHeader(http.StatusNoContent)
	})
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.open(t, "")
	secret := h.say(t, id, "secret")
	h.ok(t, call{method: http.MethodDelete, path: "/api/desk/conversations/" + id + "/messages/" + secret}, nil)
	close(release)
	for _, p := range peer.wait(t, 3) {
		if strings.Contains(p.raw, `:"secret"`) || p.Event == "message" {
			t.Errorf("told %s", p.raw)
		}
	}
}

func TestAmend_agents_who_sign_in_change_their_own_words(t *testing.T) {
	t.Parallel()
	o := openOffice(t, sandbox.Config{})
	adele, diego := sandboxtest.SignIn(t, o.url, adele), sandboxtest.SignIn(t, o.url, "Diego Siciliani")
	id := o.open(t, "")
	var line struct{ ID string }
	got := o.as(t, adele, deed(id, "messages", `{"message":"mine"}`))
	if err := decode(got, &line); err != nil {
		t.Fatal(err)
	}
	path := "/api/desk/conversations/" + id + "/messages/" + line.ID
	if got := o.as(t, diego, call{method: http.MethodDelete, path: path}); got.status != http.StatusForbidden {
		t.Errorf("another agent: %v, want 403", got)
	}
	if got := o.as(t, adele, call{method: http.MethodDelete, path: path}); got.status != http.StatusNoContent {
		t.Errorf("the agent: %v", got)
	}
}
