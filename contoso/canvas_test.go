package contoso_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

func TestCanvas_ends(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	user, agent, copilot := h.start(t, "{}"), h.start(t, "{}"), h.start(t, "{}")
	user.ok(t, call{path: user.path("/end")}, nil)
	user.ok(t, call{path: user.path("/end")}, nil)
	want(t, h.bot(t, "pass", agent.id, nil), 200, "")
	want(t, h.deed(t, agent.id, "end", `{"sender":"Ana","reason":"solved","summary":"fuse"}`), 204, "")
	want(t, h.bot(t, "end", copilot.id, map[string]any{"reason": "bye"}), 200, "")
	want(t, h.bot(t, "end", copilot.id, nil), 200, "")
	want(t, user.do(t, call{path: user.path("/messages"), body: `{"message":"x"}`}), 409, "ended")

	ends := map[string]string{}
	eventually(t, "two ends", func() bool {
		clear(ends)
		for _, a := range h.copilot.asks(t) {
			if a.Event == "ended" {
				ends[a.ConversationID] += a.Reason + "," + a.Summary
			}
		}
		return len(ends) == 2
	})
	if diff := cmp.Diff(map[string]string{user.id: ",", agent.id: "solved,fuse"}, ends); diff != "" {
		t.Error(diff)
	}
	var again own
	user.ok(t, call{path: "/api/canvas/start", body: "{}"}, &again)
	if again.Conversation.ID == user.id || again.Conversation.State != "copilot" || len(again.Lines) != 0 {
		t.Errorf("after the end: %+v", again)
	}
	user.ok(t, call{method: http.MethodGet, path: "/api/canvas/conversation"}, &again)
	if again.Conversation.ID == user.id {
		t.Error("the page goes back to what has ended")
	}
	user.ok(t, call{path: user.path("/rate"), body: `{"score":4,"comment":"quick"}`}, nil)
	want(t, user.do(t, call{path: user.path("/rate"), body: `{"score":6}`}), 400, "score")
	if got := user.shown(t).Conversation.Score; got != 4 {
		t.Errorf("rated %d", got)
	}
}

func TestCanvas_nobody_reaches_another_ones_conversation(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	mine, theirs := h.start(t, "{}"), h.start(t, "{}")
	want(t, h.bot(t, "pass", theirs.id, nil), 200, "")
	var l ownLine
	theirs.ok(t, call{path: theirs.path("/files?name=a.txt"), body: "secret"}, &l)
	for _, c := range []call{
		{method: http.MethodGet, path: theirs.path("")},
		{method: http.MethodGet, path: theirs.path("/events")},
		{path: theirs.path("/messages"), body: `{"message":"x"}`},
		{method: http.MethodPut, path: theirs.path("/messages/" + l.ID), body: `{"message":"x"}`},
		{method: http.MethodDelete, path: theirs.path("/messages/" + l.ID)},
		{path: theirs.path("/messages/" + l.ID + "/retry")},
		{path: theirs.path("/typing")},
		{path: theirs.path("/files?name=b"), body: "x"},
		{method: http.MethodGet, path: theirs.path("/files/" + l.Attachments[0].ID)},
		{path: theirs.path("/end")},
		{path: theirs.path("/rate"), body: `{"score":1}`},
	} {
		want(t, mine.do(t, c), 404, "no such conversation")
		want(t, h.visit(t).do(t, c), 401, "start a conversation first")
		want(t, h.do(t, call{method: c.method, path: c.path, body: c.body, header: header("Cookie", "contoso_visitor=x")}), 401, "start")
	}
	want(t, mine.do(t, call{method: http.MethodGet, path: mine.path("/files/" + l.Attachments[0].ID)}), 404, "no such file")
	want(t, mine.do(t, call{method: http.MethodDelete, path: mine.path("/messages/" + l.ID)}), 409, "")
	want(t, theirs.do(t, call{method: http.MethodGet, path: theirs.path("/files/" + l.Attachments[0].ID)}), 200, "secret")
	var none own
	h.visit(t).ok(t, call{method: http.MethodGet, path: "/api/canvas/conversation"}, &none)
	if none.Conversation != nil {
		t.Errorf("a stranger sees %+v", none)
	}
}

func TestCanvas_the_cookie_cannot_be_read_and_is_not_kept(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	v := h.start(t, "{}")
	home, err := url.Parse(h.url)
	if err != nil {
		t.Fatal(err)
	}
	token := v.client.Jar.Cookies(home)[0].Value
	if len(token) < 26 {
		t.Errorf("the token has %d characters", len(token))
	}
	var found bool
	if err := h.db.QueryRow(t.Context(), `SELECT EXISTS (SELECT 1 FROM contoso.visitor v WHERE v::text LIKE '%' || $1 || '%')`, token).Scan(&found); err != nil || found {
		t.Errorf("the token is kept: %v %v", found, err)
	}
	_, err = h.db.Exec(t.Context(), `UPDATE contoso.visitor SET seen_at = now() - interval '31 days'`)
	if err != nil {
		t.Fatal(err)
	}
	want(t, v.do(t, call{method: http.MethodGet, path: v.path("")}), 401, "")
}

func TestCanvas_files_edits_and_typing_while_people_have_control(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	v := h.start(t, `{"name":"Alex"}`)
	heard := v.ask(t, "to the copilot")
	file := call{path: v.path("/files?name=a.txt"), body: "x"}
	want(t, v.do(t, file), 409, "no files")
	want(t, v.do(t, call{method: http.MethodDelete, path: v.path("/messages/" + heard.ID)}), 409, "heard it already")
	v.ok(t, call{path: v.path("/typing")}, nil)
	want(t, h.bot(t, "typing", v.id, nil), 204, "")
	if !v.shown(t).Conversation.Typing {
		t.Error("the copilot's typing is not shown")
	}
	h.copilot.wait(t, 2) // what it has not heard when people take over is told later
	want(t, h.bot(t, "pass", v.id, nil), 200, "")
	v.ok(t, file, nil)
	own := v.ask(t, "helo")
	v.ok(t, call{method: http.MethodPut, path: v.path("/messages/" + own.ID), body: `{"message":"hello"}`}, nil)
	want(t, h.deed(t, v.id, "messages", `{"sender":"Ana","message":"hi"}`), 200, "")
	want(t, h.deed(t, v.id, "typing", `{"sender":"Ana"}`), 204, "")
	if c := v.shown(t).Conversation; !c.Typing || c.Agent != "Ana" {
		t.Errorf("got %+v, want Ana typing", c)
	}
	want(t, h.do(t, call{path: "/api/desk/conversations/" + v.id + "/files?name=b.txt&sender=Ana", body: "yours"}), 200, "")
	lines := v.shown(t).Lines
	var answer ownLine
	for _, l := range lines {
		if l.Message == "hi" {
			answer = l
		}
	}
	want(t, v.do(t, call{method: http.MethodDelete, path: v.path("/messages/" + answer.ID)}), 404, "no such message")
	want(t, h.do(t, call{method: http.MethodPut, path: "/api/desk/conversations/" + v.id + "/messages/" + answer.ID, body: `{"message":"hi there"}`}), 204, "")
	gone := h.do(t, call{method: http.MethodDelete, path: "/api/desk/conversations/" + v.id + "/messages/" + lines[len(lines)-1].ID})
	want(t, gone, 204, "")
	v.ok(t, call{path: v.path("/typing")}, nil)
	wanted := []string{"user:to the copilot", "passed", "user:", "user:hello", "joined", "agent:hi there", "agent:"}
	if diff := cmp.Diff(wanted, v.texts(t)); diff != "" {
		t.Error(diff)
	}
	h.copilot.wait(t, 2)
	for _, a := range h.copilot.asks(t) {
		if a.Event != "opened" && a.Event != "asked" && a.Event != "typing" {
			t.Errorf("the copilot was told %+v", a)
		}
	}
}

func TestCanvas_typing_is_told_to_the_copilot(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	v := h.start(t, "{}")
	h.copilot.wait(t, 1)
	eventually(t, "the typing", func() bool {
		v.ok(t, call{path: v.path("/typing")}, nil)
		return slices.Contains(h.copilot.texts(), "typing:")
	})
}

func TestCanvas_a_word_the_copilot_refused_can_be_told_again(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	v, l := h.refused(t)
	v.ok(t, call{path: v.path("/messages/" + l.ID + "/retry")}, nil)
	eventually(t, "the repetition", func() bool { return v.shown(t).Lines[0].State == "sent" })
}

func TestCanvas_is_apart_from_conversations_of_the_API(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	v := h.start(t, "{}")
	id := h.open(t, "")
	h.say(t, id, "hello")
	h.service.wait(t, 2)
	h.copilot.wait(t, 1)
	want(t, h.deed(t, id, "return", `{"sender":"Ana"}`), 409, "no copilot")
	for _, a := range h.copilot.asks(t) {
		if a.ConversationID != v.id {
			t.Errorf("the copilot was told of %+v", a)
		}
	}
	for _, p := range h.service.all() {
		if p.ConversationID != id {
			t.Errorf("the service was told of %+v", p)
		}
	}
	var census []struct{ ConversationID string }
	h.ok(t, call{method: http.MethodGet, path: "/api/chat/conversations?state=open"}, &census)
	if len(census) != 1 || census[0].ConversationID != id {
		t.Errorf("the census has %+v", census)
	}
}

func TestCanvas_is_off_without_a_webhook(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	for _, c := range []call{{path: "/api/canvas/start", body: "{}"}, {method: http.MethodGet, path: "/chat/"}} {
		if got := h.do(t, c); got.status != 404 {
			t.Errorf("%s: %d", c.path, got.status)
		}
	}
}

// What a copilot or the hub itself wrote down is not meant for the user.
func TestCanvas_tells_why_an_agent_ended(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	agent, several, copilot := h.start(t, "{}"), h.start(t, "{}"), h.start(t, "{}")
	want(t, h.deed(t, agent.id, "end", `{"sender":"Ana","reason":"solved"}`), 204, "")
	h.ok(t, call{path: "/api/desk/supervisor/end", body: `{"ids":["` + several.id + `"],"reason":"fire drill","sender":"Ana"}`}, nil)
	want(t, h.bot(t, "end", copilot.id, map[string]any{"reason": "bye"}), 200, "")
	for reason, v := range map[string]visit{"solved": agent, "fire drill": several, "": copilot} {
		if got := v.shown(t).Conversation; got.State != "ended" || got.Reason != reason {
			t.Errorf("got %+v, want the reason %q", got, reason)
		}
	}
}
