package contoso_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

func TestAssign_gives_users_round_robin_up_to_each_limit(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, contoso.Schema())
	hubs := []hub{run(t, db, contoso.Config{}), run(t, db, contoso.Config{})}
	h := hubs[0]
	for _, who := range []string{
		`{"sender":"Ana","accepts":2}`, `{"sender":"Bo","accepts":1}`, `{"sender":"Cy","accepts":3,"away":true}`, `{"sender":"Di"}`,
	} {
		h.ok(t, call{path: "/api/desk/presence", body: who}, nil)
	}
	var ids []string
	for i := range 4 {
		ids = append(ids, h.open(t, fmt.Sprintf(`{"user":{"name":"User %d"}}`, i)))
	}
	having := func() map[string]int {
		held := map[string]int{}
		for _, id := range ids {
			held[h.standing(t, id).Agent]++
		}
		return held
	}
	eventually(t, "three users to be assigned", func() bool {
		held := having()
		return held["Ana"] == 2 && held["Bo"] == 1 && held[""] == 1
	})
	h.ok(t, call{path: "/api/desk/presence", body: `{"sender":"Cy","accepts":3}`}, nil)
	eventually(t, "the last one to be assigned", func() bool { return having()["Cy"] == 1 })
}

func TestRetry_tells_again_what_was_refused(t *testing.T) {
	t.Parallel()
	peer := receive(t, func(n int, _ posted, w http.ResponseWriter) {
		if n == 2 { // the words; the joining is first
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.open(t, "")
	line := h.say(t, id, "hello")
	state := func() string { return h.messages(t, "?conversationId="+id)[0].State }
	eventually(t, "the refusal", func() bool { return state() == "failed" })
	again := call{path: "/api/desk/conversations/" + id + "/messages/" + line + "/retry"}
	h.ok(t, again, nil)
	eventually(t, "the delivery", func() bool { return state() == "sent" })
	h.ok(t, again, nil)
	if got := peer.wait(t, 3); got[1].ID != got[2].ID || state() != "sent" {
		t.Errorf("told %+v", got)
	}
	if got := h.do(t, call{path: "/api/desk/conversations/nobody/messages/x/retry"}); got.status != http.StatusNotFound {
		t.Errorf("unknown conversation: %v", got)
	}
}

func TestNotes_are_kept_once_and_stay_at_the_desk(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	id := h.open(t, "")
	path := "/api/desk/conversations/" + id + "/notes"
	for range 2 {
		h.ok(t, call{path: path, body: `{"sender":"Ana","text":" be kind "}`, header: header("Idempotency-Key", "k")}, nil)
	}
	var got struct {
		Notes []struct{ Agent, Text string }
	}
	h.ok(t, call{method: http.MethodGet, path: path}, &got)
	if len(got.Notes) != 1 || got.Notes[0].Text != "be kind" || got.Notes[0].Agent != "Ana" {
		t.Errorf("got %+v", got)
	}
	if said := h.messages(t, "?system=true&conversationId="+id); len(said) != 0 {
		t.Errorf("the API tells %+v", said)
	}
	if got := h.do(t, call{path: path, body: `{"text":" "}`}); got.status != http.StatusBadRequest {
		t.Errorf("an empty note: %v", got)
	}
}

func TestCanned_replies_are_stored_changed_and_dropped(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	text := func(name string) string {
		var got struct{ Replies []struct{ Name, Text string } }
		h.ok(t, call{method: http.MethodGet, path: "/api/desk/canned"}, &got)
		for _, r := range got.Replies {
			if r.Name == name {
				return r.Text
			}
		}
		return ""
	}
	put := func(body string) answer {
		return h.do(t, call{method: http.MethodPut, path: "/api/desk/canned", body: body})
	}
	for _, step := range []struct{ body, want string }{
		{`{"name":"fuse","text":"Look at the fuse."}`, "Look at the fuse."},
		{`{"name":"fuse","text":"Change the fuse."}`, "Change the fuse."},
		{`{"name":"fuse","text":""}`, ""},
	} {
		if got := put(step.body); got.status != http.StatusNoContent || text("fuse") != step.want {
			t.Errorf("after %s: %v, text %q", step.body, got, text("fuse"))
		}
	}
	if got := put(`{"name":"two words","text":"x"}`); got.status != http.StatusBadRequest {
		t.Errorf("a name of two words: %v", got)
	}
}
