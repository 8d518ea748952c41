package contoso_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/contoso"
)

// What people have read is not told to the copilot by a repetition: the return does.
func TestCanvas_a_refused_word_is_not_told_while_people_have_control(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	v, l := h.refused(t)
	want(t, h.deed(t, v.id, "join", `{"sender":"Ana"}`), 204, "")
	want(t, v.do(t, call{path: v.path("/messages/" + l.ID + "/retry")}), 409, "people have control")
}

// A file that nobody would get is refused before it is received.
func TestCanvas_files_for_a_copilot_are_not_stored(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	v := h.start(t, "{}")
	want(t, v.do(t, call{path: v.path("/files?name=a.txt"), body: "content"}), 409, "takes no files")
	want(t, h.do(t, call{path: "/api/desk/conversations/" + v.id + "/files?name=a.txt&sender=Ana", body: "content"}), 409, "the copilot has control")
	var n int
	if err := h.db.QueryRow(t.Context(), `SELECT count(*) FROM contoso.file`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d files are stored, %v", n, err)
	}
}

// An agent is seen typing though the copilot has not heard all, and no more once
// the words are there.
func TestCanvas_an_agents_typing(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	h.copilot.reply = func(_ int, _ posted, w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) }
	v := h.start(t, "{}")
	v.ask(t, "hello")
	want(t, h.deed(t, v.id, "join", `{"sender":"Ana"}`), 204, "")
	want(t, h.deed(t, v.id, "typing", `{"sender":"Ana"}`), 204, "")
	if !v.shown(t).Conversation.Typing {
		t.Error("typing is not shown")
	}
	want(t, h.deed(t, v.id, "messages", `{"sender":"Ana","message":"here"}`), 200, "")
	if v.shown(t).Conversation.Typing {
		t.Error("typing is still shown")
	}
}

// Who has left types no more.
func TestCanvas_an_agents_typing_ends_with_their_leaving(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	for _, how := range []string{"return", "leave"} {
		v := h.start(t, "{}")
		want(t, h.deed(t, v.id, "join", `{"sender":"Ana"}`), 204, "")
		want(t, h.deed(t, v.id, "typing", `{"sender":"Ana"}`), 204, "")
		if !v.shown(t).Conversation.Typing {
			t.Errorf("%s: typing is not shown before", how)
		}
		want(t, h.deed(t, v.id, how, `{"sender":"Ana"}`), 204, "")
		if v.shown(t).Conversation.Typing {
			t.Errorf("%s: typing is still shown", how)
		}
		if got := h.do(t, call{method: http.MethodGet, path: "/api/desk/conversations/" + v.id}).text; strings.Contains(got, "agentsTyping") {
			t.Errorf("%s: the desk shows %s", how, got)
		}
	}
}

// A supervisor sees and ends what people have to do.
func TestSupervisor_leaves_the_copilots_conversations_alone(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	h.start(t, "{}")
	id := h.open(t, "")
	var b struct{ Open []struct{ ID string } }
	h.ok(t, call{method: http.MethodGet, path: "/api/desk/supervisor"}, &b)
	if len(b.Open) != 1 || b.Open[0].ID != id {
		t.Errorf("open are %+v, want %s", b.Open, id)
	}
}
