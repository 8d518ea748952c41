package contoso_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/liaison-skill/liaison/contoso"
)

func TestCanvas_the_copilot_is_asked_and_answers(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	v := h.start(t, `{"name":" Alex ","email":"alex@contoso.example","locale":"de-DE","timeZone":"Europe/Berlin"}`)
	v.ask(t, "hello")
	want(t, h.bot(t, "say", v.id, map[string]any{
		"message": "**Hi** Alex", "sender": "Contoso Copilot", "format": "markdown",
		"choices": []map[string]string{{"title": "Orders", "value": "orders please"}},
	}), 200, `{"messageId":"`)
	v.ok(t, call{path: v.path("/messages"), body: `{"message":"Orders","value":"orders please"}`}, nil)

	h.copilot.wait(t, 3)
	got := h.copilot.asks(t)
	person := got[0].User
	if person.ID == "" || person.Name != "Alex" || person.Email != "alex@contoso.example" || person.Locale != "de-DE" || person.TimeZone != "Europe/Berlin" {
		t.Errorf("the user is %+v", person)
	}
	wanted := []asked{
		{Event: "opened", ConversationID: v.id, User: person},
		{Event: "asked", ConversationID: v.id, User: person, Message: "hello"},
		{Event: "asked", ConversationID: v.id, User: person, Message: "Orders", Value: "orders please"},
	}
	if diff := cmp.Diff(wanted, got, cmpopts.IgnoreFields(asked{}, "ID")); diff != "" {
		t.Error(diff)
	}
	if ids := []string{got[0].ID, got[1].ID, got[2].ID}; slices.Contains(ids, "") || ids[0] == ids[1] || ids[1] == ids[2] {
		t.Errorf("ids are %v", ids)
	}
	if got := h.service.all(); len(got) > 0 {
		t.Errorf("the other webhook was told %+v", got)
	}
	lines := v.shown(t).Lines
	if said := lines[1]; said.Sender != "Contoso Copilot" || said.Format != "markdown" || said.Choices[0].Value != "orders please" {
		t.Errorf("the page is shown %+v", said)
	}
	if diff := cmp.Diff([]string{"user:hello", "copilot:**Hi** Alex", "user:Orders"}, v.texts(t)); diff != "" {
		t.Error(diff)
	}
}

func TestCanvas_what_the_copilot_may_not(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	v, over, people := h.start(t, "{}"), h.start(t, "{}"), h.start(t, "{}")
	other, otherOver := h.open(t, ""), h.open(t, "")
	h.ok(t, call{path: "/api/chat/end", body: replaceID(`{"conversationId":"ID"}`, otherOver)}, nil)
	over.ok(t, call{path: over.path("/end")}, nil)
	want(t, h.bot(t, "pass", people.id, nil), 200, "")
	hello := map[string]any{"message": "hello"}
	for _, row := range []struct {
		name, route, id string
		more            map[string]any
		status          int
		text            string
	}{
		{"say nothing", "say", v.id, nil, 400, "message is empty"},
		{"say in a strange form", "say", v.id, map[string]any{"message": "x", "format": "html"}, 400, "format"},
		{"say to nobody", "say", "nobody", hello, 404, "no such"},
		{"say in a conversation of the API", "say", other, hello, 404, "our own page"},
		{"say in one of the API that has ended", "say", otherOver, hello, 404, "our own page"},
		{"say after the end", "say", over.id, hello, 410, "ended"},
		{"say while people have control", "say", people.id, hello, 409, "people"},
		{"type to nobody", "typing", "nobody", nil, 404, "no such"},
		{"type", "typing", v.id, nil, 204, ""},
		{"type after the end", "typing", over.id, nil, 410, "ended"},
		{"type while people have control", "typing", people.id, nil, 409, "people"},
		{"pass nobody", "pass", "nobody", nil, 404, "no such"},
		{"pass a conversation of the API", "pass", other, nil, 404, "our own page"},
		{"pass after the end", "pass", over.id, nil, 410, "ended"},
		{"pass again", "pass", people.id, nil, 200, ""},
		{"end nobody", "end", "nobody", nil, 404, "no such"},
		{"end a conversation of the API", "end", other, nil, 404, "our own page"},
		{"end again", "end", over.id, nil, 200, ""},
		{"end while people have control", "end", people.id, nil, 409, "people"},
		{"say what cannot be stored", "say", v.id, map[string]any{"message": "a\x00"}, 400, "NUL"},
		{"say too many choices", "say", v.id, map[string]any{"message": "x", "choices": make([]map[string]string, 21)}, 400, "choices"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			want(t, h.bot(t, row.route, row.id, row.more), row.status, row.text)
		})
	}
}

func TestCanvas_the_copilots_words_are_said_once_per_key(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	v := h.start(t, "{}")
	say := func() answer {
		return h.do(t, call{path: "/api/chat/bot/say", header: header("Idempotency-Key", "1"), body: `{"conversationId":"` + v.id + `","message":"hi"}`})
	}
	first := say()
	if again := say(); again != first {
		t.Errorf("got %v and then %v", first, again)
	}
	want(t, h.bot(t, "pass", v.id, nil), 200, "")
	if late := say(); late != first {
		t.Errorf("a repetition after the passing got %v", late)
	}
	if diff := cmp.Diff([]string{"copilot:hi", "passed"}, v.texts(t)); diff != "" {
		t.Error(diff)
	}
}

func TestCanvas_passing_tells_people_all(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	v := h.start(t, `{"name":"Alex"}`)
	v.ask(t, "a person, please")
	if got := h.deskState(t, v.id); got.State != "copilot" || got.Origin != "canvas" {
		t.Errorf("before: %+v", got)
	}
	pass := func() {
		t.Helper()
		h.ok(t, call{path: "/api/chat/bot/pass", header: header("Idempotency-Key", "p"), body: replaceID(`{"conversationId":"ID","problem":"broken printer",
			"summary":"It burns","note":"be quick","queue":"hardware","skills":["fire"],"language":"ja","variables":{"Floor":"3"},
			"transcript":[{"sender":"Alex","side":"user","text":"help","at":"2026-11-20T20:52:04Z"}]}`, v.id)}, nil)
	}
	pass()
	pass()
	var thread struct {
		Conversation struct {
			State, Problem, Summary, Queue string
			Skills                         []string
			Variables                      map[string]string
			User                           struct{ Name, Locale string }
			Unread                         int
			WaitingSince                   *string
		}
		Past struct {
			Transcript []struct{ Sender, Side, Text, At string }
		}
	}
	h.ok(t, call{method: http.MethodGet, path: "/api/desk/conversations/" + v.id}, &thread)
	c := thread.Conversation
	if c.State != "waiting" || c.Problem != "broken printer" || c.Summary != "It burns" || c.Queue != "hardware" || c.Skills[0] != "fire" ||
		c.Variables["Floor"] != "3" || c.User.Name != "Alex" || c.User.Locale != "ja" || c.Unread != 0 || c.WaitingSince == nil {
		t.Errorf("got %+v", c)
	}
	if got := thread.Past.Transcript; len(got) != 1 || got[0].Text != "help" || got[0].Side != "user" {
		t.Errorf("the transcript is %+v", got)
	}
	var kept struct {
		Notes []struct{ Agent, Text string }
	}
	h.ok(t, call{method: http.MethodGet, path: "/api/desk/conversations/" + v.id + "/notes"}, &kept)
	if len(kept.Notes) != 1 || kept.Notes[0].Text != "be quick" || kept.Notes[0].Agent != "Copilot" {
		t.Errorf("notes are %+v", kept.Notes)
	}
	if got := v.do(t, call{method: http.MethodGet, path: v.path("")}).text; strings.Contains(got, "be quick") || strings.Contains(got, "It burns") {
		t.Errorf("the user is shown what is for agents: %s", got)
	}
}

func TestCanvas_an_agent_helps_and_returns_what_nobody_answered(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	v := h.start(t, "{}")
	v.ask(t, "asked")
	h.copilot.wait(t, 2)
	want(t, h.bot(t, "pass", v.id, nil), 200, "")
	want(t, h.deed(t, v.id, "messages", `{"sender":"Ana","message":"I am here"}`), 200, "")
	v.ask(t, "one")
	v.ask(t, "two")
	want(t, h.deed(t, v.id, "return", `{"sender":"Ana","reason":"done","summary":"it was the fuse"}`), 204, "")
	want(t, h.deed(t, v.id, "return", `{"sender":"Ana"}`), 204, "")
	v.ask(t, "three")

	h.copilot.wait(t, 4)
	got := h.copilot.asks(t)
	wanted := []asked{
		{Event: "opened"},
		{Event: "asked", Message: "asked"},
		{Event: "returned", Pending: []string{"one", "two"}, Reason: "done", Summary: "it was the fuse"},
		{Event: "asked", Message: "three"},
	}
	if diff := cmp.Diff(wanted, got, cmpopts.IgnoreFields(asked{}, "ID", "User", "ConversationID")); diff != "" {
		t.Error(diff)
	}
	shown := []string{"user:asked", "passed", "joined", "agent:I am here", "user:one", "user:two", "returned", "user:three"}
	if diff := cmp.Diff(shown, v.texts(t)); diff != "" {
		t.Error(diff)
	}
	if got := v.do(t, call{method: http.MethodGet, path: v.path("")}).text; strings.Contains(got, "fuse") {
		t.Errorf("the user is shown the summary: %s", got)
	}
	want(t, h.bot(t, "say", v.id, map[string]any{"message": "back again"}), 200, "")
}

// Who takes over hears what the copilot has not.
func TestCanvas_an_agent_takes_over(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	h.copilot.reply = func(n int, _ posted, w http.ResponseWriter) {
		if n == 2 {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
	v := h.start(t, "{}")
	h.copilot.wait(t, 1)
	v.ask(t, "the copilot does not hear this")
	eventually(t, "the refusal", func() bool {
		var refused bool
		err := h.db.QueryRow(t.Context(), `SELECT EXISTS (SELECT 1 FROM contoso.webhook WHERE failure <> '')`).Scan(&refused)
		return err == nil && refused
	})
	want(t, h.deed(t, v.id, "messages", `{"sender":"Ana","message":"hello"}`), 409, "take the conversation over first")
	want(t, h.deed(t, v.id, "leave", `{"sender":"Ana"}`), 204, "")
	if got := h.deskState(t, v.id); got.State != "copilot" {
		t.Errorf("got %+v", got)
	}
	want(t, h.deed(t, v.id, "join", `{"sender":"Ana"}`), 204, "")
	if got := h.deskState(t, v.id); got.State != "active" || got.Agent != "Ana" {
		t.Errorf("got %+v", got)
	}
	want(t, h.bot(t, "say", v.id, map[string]any{"message": "too late"}), 409, "people have control")
	v.ask(t, "nor this")
	if _, err := h.db.Exec(t.Context(), `UPDATE contoso.webhook SET due_at = now() - interval '1 hour' WHERE state = 'queued'`); err != nil {
		t.Fatal(err)
	}
	h.start(t, "{}") // what was due before this is told before it
	h.copilot.wait(t, 3)
	want(t, h.deed(t, v.id, "return", `{"sender":"Ana"}`), 204, "")
	eventually(t, "the return", func() bool { return slices.Contains(h.copilot.texts(), "returned:") })
	got := h.copilot.asks(t)
	if diff := cmp.Diff([]string{"the copilot does not hear this", "nor this"}, got[len(got)-1].Pending); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"opened:", "asked:the copilot does not hear this", "opened:", "returned:"}, h.copilot.texts()); diff != "" {
		t.Error(diff)
	}
}

func TestCanvas_the_copilot_and_an_agent_at_once(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	for range 5 {
		v := h.start(t, "{}")
		answers := make(chan answer, 1)
		go func() { answers <- h.bot(t, "say", v.id, map[string]any{"message": "copilot"}) }()
		want(t, h.deed(t, v.id, "join", `{"sender":"Ana"}`), 204, "")
		said := <-answers
		switch texts := v.texts(t); {
		case said.status == 200 && slices.Equal(texts, []string{"copilot:copilot", "joined"}):
		case said.status == 409 && slices.Equal(texts, []string{"joined"}):
		default:
			t.Errorf("answered %d, and the page shows %v", said.status, texts)
		}
	}
}
