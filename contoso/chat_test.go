package contoso_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	open, ended := h.open(t, ""), h.open(t, "{}")
	h.ok(t, call{path: "/api/chat/end", body: `{"conversationId":"` + ended + `"}`}, nil)
	fill := strings.NewReplacer("OPEN", open, "ENDED", ended)
	rows := []struct {
		name   string
		path   string
		body   string
		status int
		want   string // part of the answer
	}{
		{"start without a body", "start", "", 200, `{"conversationId":"`},
		{"start with null", "start", "null", 200, `{"conversationId":"`},
		{"start with context", "start", `{"user":{"id":"u","name":"Alex"},"problem":"p","channel":"msteams","reference":"r","variables":{"n":5,"s":"x"}}`, 200, `{"conversationId":"`},
		{"start that is not JSON", "start", "{", 400, `"error":`},
		{"receive", "receive", `{"conversationId":"OPEN","message":"hello","sender":"Alex"}`, 200, `"message":"Message received successfully"`},
		{"receive in Pascal case", "receive", `{"ConversationId":"OPEN","Message":"hello","Sender":"Alex"}`, 200, `"messageId":"`},
		{"receive blank", "receive", `{"conversationId":"OPEN","message":" \n","sender":"Alex"}`, 400, `"error":"message is empty"`},
		{"receive unknown", "receive", `{"conversationId":"nobody","message":"hello"}`, 404, `"error":`},
		{"receive ended", "receive", `{"conversationId":"ENDED","message":"hello"}`, 409, `"error":`},
		{"receive what cannot be stored", "receive", `{"conversationId":"OPEN","message":"a\u0000b"}`, 400, `"error":"a NUL`},
		{"start with what cannot be stored", "start", `{"variables":{"a":"\u0000"}}`, 400, `"error":"a NUL`},
		{"receive too long", "receive", `{"conversationId":"OPEN","message":"` + strings.Repeat("x", 300<<10) + `"}`, 413, `"error":`},
		{"send", "send", `{"conversationId":"OPEN","message":"hi","sender":"Ana"}`, 200, `"message":"Message sent successfully"`},
		{"send without a sender", "send", `{"conversationId":"OPEN","message":"hi"}`, 200, `"sender":"Contoso Support"`},
		{"send blank", "send", `{"conversationId":"OPEN","message":""}`, 400, `"error":`},
		{"send unknown", "send", `{"conversationId":"nobody","message":"hi"}`, 404, `"error":`},
		{"send ended", "send", `{"conversationId":"ENDED","message":"hi"}`, 409, `"error":`},
		{"end again", "end", `{"conversationId":"ENDED"}`, 200, `{"message":"Conversation ended successfully"}`},
		{"end unknown", "end", `{"conversationId":"nobody"}`, 404, `"error":`},
		{"end nothing", "end", `{}`, 400, `"error":`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got := h.do(t, call{path: "/api/chat/" + row.path, body: fill.Replace(row.body)})
			if got.status != row.status || !strings.Contains(got.text, row.want) {
				t.Errorf("got %d %s, want %d with %s", got.status, got.text, row.status, row.want)
			}
		})
	}
}

func TestMessages_are_in_order_and_say_who_spoke(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	first, second := h.open(t, ""), h.open(t, "")
	h.hear(t, first, "my printer is on fire")
	h.hear(t, second, "hello")
	h.say(t, first, "which floor?")
	h.ok(t, call{path: "/api/chat/end", body: jsonOf(t, map[string]string{"conversationId": first, "reason": "went home"})}, nil)

	spoken := []said{
		{ConversationID: first, Message: "my printer is on fire", Sender: "Alex Wilber", From: "user"},
		{ConversationID: first, Message: "which floor?", Sender: "Ana", From: "agent", State: "queued"},
	}
	volatile := cmpopts.IgnoreFields(said{}, "ID", "Timestamp", "Sequence")
	if diff := cmp.Diff(spoken, h.messages(t, "?conversationId="+first), volatile); diff != "" {
		t.Error(diff)
	}
	all := h.messages(t, "?system=true&conversationId="+first)
	happened := []said{
		spoken[0],
		{ConversationID: first, Message: "Ana joined the conversation", Sender: "Ana", From: "system", State: "queued", Event: "joined"},
		spoken[1],
		{ConversationID: first, Message: "The user ended the conversation", From: "system", Event: "ended", Reason: "went home"},
	}
	if diff := cmp.Diff(happened, all, volatile); diff != "" {
		t.Error(diff)
	}
	if got := h.messages(t, "?conversationId=nobody"); got == nil || len(got) != 0 {
		t.Errorf("unknown conversation: got %v, want []", got)
	}
	if got := h.messages(t, ""); len(got) != 3 {
		t.Errorf("without an id: got %d messages, want those of all conversations: 3", len(got))
	}
}

func TestReceive_updates_what_is_known(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	id := h.open(t, `{"variables":{"a":"1","b":"2"}}`)
	h.ok(t, call{path: "/api/chat/receive", body: `{"conversationId":"` + id + `","message":"hi","sender":"Alex","problem":"printer","variables":{"b":"3","c":true}}`}, nil)
	h.hear(t, id, "still there?")
	var got struct {
		Conversation struct {
			Problem   string
			User      struct{ Name string }
			Variables map[string]string
		}
	}
	h.ok(t, call{method: http.MethodGet, path: "/api/desk/conversations/" + id}, &got)
	if c := got.Conversation; c.Problem != "printer" || c.User.Name != "Alex" {
		t.Errorf("got %+v, want the problem and the first name to stay", c)
	}
	if diff := cmp.Diff(map[string]string{"a": "1", "b": "3", "c": "true"}, got.Conversation.Variables); diff != "" {
		t.Error(diff)
	}
}

func TestIdempotencyKey_twenty_copies_at_once_are_one(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	id := h.open(t, "")
	body := jsonOf(t, map[string]string{"conversationId": id, "message": "once", "sender": "x", "id": "k-body"})
	rows := []struct {
		name string
		call call
	}{
		{"start", call{path: "/api/chat/start", header: header("Idempotency-Key", "k1")}},
		{"receive by header", call{path: "/api/chat/receive", body: body, header: header("Idempotency-Key", "k2")}},
		{"receive by id", call{path: "/api/chat/receive", body: body}},
		{"send", call{path: "/api/chat/send", body: body, header: header("Idempotency-Key", "k2")}},
		{"desk", call{path: "/api/desk/conversations/" + id + "/messages", body: body, header: header("Idempotency-Key", "k4")}},
	}
	for _, row := range rows {
		answers := make([]answer, 20)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() { answers[i] = h.do(t, row.call) })
		}
		wg.Wait()
		for _, got := range answers {
			if got.status != 200 || stable(got.text) != stable(answers[0].text) {
				t.Errorf("%s: got %v and %v, want one answer for all", row.name, got, answers[0])
			}
		}
	}
	// Two of the user, two of the agent; a key counts for its own side only.
	if got := h.messages(t, "?conversationId="+id); len(got) != 4 {
		t.Errorf("got %d lines, want 4: %+v", len(got), got)
	}
}

// stable cuts off what a desk's answer says of the delivery so far.
func stable(text string) string {
	before, _, _ := strings.Cut(text, `,"state"`)
	return before
}

func TestIdempotencyKey_still_answers_after_the_end(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	opening := call{path: "/api/chat/start", header: header("Idempotency-Key", "again")}
	first := h.do(t, opening)
	var out struct{ ConversationID string }
	h.ok(t, opening, &out)
	words := call{path: "/api/chat/receive", body: jsonOf(t, map[string]string{"conversationId": out.ConversationID, "message": "m", "id": "1"})}
	heard := h.do(t, words)
	h.ok(t, call{path: "/api/chat/end", body: `{"key":"again"}`}, nil)
	if got := h.do(t, opening); got != first {
		t.Errorf("start: got %v, want %v", got, first)
	}
	if got := h.do(t, words); got != heard {
		t.Errorf("receive: got %v, want %v", got, heard)
	}
	words.body = strings.Replace(words.body, `"1"`, `"2"`, 1)
	if got := h.do(t, words); got.status != http.StatusConflict {
		t.Errorf("receive of something new: got %v, want 409", got)
	}
}

func TestEnd_by_a_key_that_opened_nothing_burns_it(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	for range 2 {
		h.ok(t, call{path: "/api/chat/end", body: `{"key":"late"}`}, nil)
	}
	if got := h.do(t, call{path: "/api/chat/start", header: header("Idempotency-Key", "late")}); got.status != http.StatusConflict {
		t.Errorf("got %v, want 409", got)
	}
}

// Whichever of a start and the end of its key comes first, nothing stays open.
func TestEnd_by_key_races_its_start(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		var wg sync.WaitGroup
		var started, ended answer
		wg.Go(func() { started = h.do(t, call{path: "/api/chat/start", header: header("Idempotency-Key", key)}) })
		wg.Go(func() { ended = h.do(t, call{path: "/api/chat/end", body: `{"key":"` + key + `"}`}) })
		wg.Wait()
		if ended.status != 200 || (started.status != 200 && started.status != 409) {
			t.Fatalf("start %v, end %v", started, ended)
		}
	}
	var desk struct {
		Counts struct{ Waiting, Active int }
	}
	h.ok(t, call{method: http.MethodGet, path: "/api/desk/conversations"}, &desk)
	if desk.Counts.Waiting != 0 || desk.Counts.Active != 0 {
		t.Errorf("got %+v, want none open", desk.Counts)
	}
}

func TestAPIKey_guards_the_API_and_not_the_desk(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{APIKey: "right, next,"})
	rows := []struct {
		name   string
		call   call
		status int
	}{
		{"no key", call{path: "/api/chat/start"}, 401},
		{"wrong key", call{path: "/api/chat/start", header: header("X-API-Key", "righ")}, 401},
		{"right key", call{path: "/api/chat/start", header: header("X-API-Key", "right")}, 200},
		{"next key", call{path: "/api/chat/start", header: header("X-API-Key", "next")}, 200},
		{"both keys", call{path: "/api/chat/start", header: header("X-API-Key", "right, next,")}, 401},
		{"empty key", call{path: "/api/chat/start", header: header("X-API-Key", "")}, 401},
		{"receive", call{path: "/api/chat/receive", body: "{}"}, 401},
		{"send", call{path: "/api/chat/send", body: "{}"}, 401},
		{"end", call{path: "/api/chat/end", body: "{}"}, 401},
		{"messages", call{method: "GET", path: "/api/chat/messages"}, 401},
		{"typing", call{path: "/api/chat/typing", body: "{}"}, 401},
		{"edit", call{path: "/api/chat/edit", body: "{}"}, 401},
		{"delete", call{path: "/api/chat/delete", body: "{}"}, 401},
		{"attach", call{path: "/api/chat/attach?name=x", body: "x"}, 401},
		{"rate", call{path: "/api/chat/rate", body: "{}"}, 401},
		{"availability", call{method: "GET", path: "/api/chat/availability"}, 401},
		{"census", call{method: "GET", path: "/api/chat/conversations"}, 401},
		{"standing", call{method: "GET", path: "/api/chat/conversations/x"}, 401},
		{"desk", call{method: "GET", path: "/api/desk/conversations"}, 200},
		{"page", call{method: "GET", path: "/"}, 200},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if got := h.do(t, row.call); got.status != row.status {
				t.Errorf("got %v, want %d", got, row.status)
			}
		})
	}
}

func TestOtherOrigins_cannot_change_anything(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	id := h.open(t, "")
	rows := []struct {
		name   string
		header http.Header
		status int
	}{
		{"another site", header("Sec-Fetch-Site", "cross-site"), 403},
		{"another port", header("Sec-Fetch-Site", "same-site", "Origin", "http://127.0.0.1:9"), 403},
		{"an old browser", header("Origin", "http://evil.example"), 403},
		{"the desk", header("Sec-Fetch-Site", "same-origin", "Origin", h.url), 204},
		{"no browser", nil, 204},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got := h.do(t, call{path: "/api/desk/conversations/" + id + "/read", header: row.header})
			if got.status != row.status {
				t.Errorf("got %v, want %d", got, row.status)
			}
		})
	}
}
