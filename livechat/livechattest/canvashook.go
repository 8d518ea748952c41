package livechattest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/liaison-skill/liaison/livechat"
)

// heard returns the next event, which must be of a kind. Typing that nobody waits
// for is passed over.
func (h Canvas) heard(tb testing.TB, kind livechat.CanvasKind) livechat.CanvasEvent {
	tb.Helper()
	for range 10 {
		post := h.Webhook(tb)
		if err := h.Adapter.Verify(post.Header, post.Body, time.Now()); err != nil {
			tb.Fatal(err)
		}
		events, err := h.Adapter.ParseCanvas(post.Body)
		if err != nil || len(events) != 1 {
			tb.Fatalf("got %+v and %v, want one event", events, err)
		}
		if events[0].Kind == livechat.CanvasTyping && kind != livechat.CanvasTyping {
			continue
		}
		if events[0].Kind != kind {
			tb.Fatalf("got %+v, want %s", events[0], kind)
		}
		return events[0]
	}
	tb.Fatal("nothing but typing")
	return livechat.CanvasEvent{}
}

func (h Canvas) wantEvent(tb testing.TB, want livechat.CanvasEvent) livechat.CanvasEvent {
	tb.Helper()
	got := h.heard(tb, want.Kind)
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(livechat.CanvasEvent{}, "ID", "User", "At"), cmpopts.EquateEmpty()); diff != "" {
		tb.Errorf("(-want +got):\n%s", diff)
	}
	return got
}

func hearAsked(t *testing.T, h Canvas) {
	t.Helper()
	user := livechat.User{Name: "Ada <b>", Email: "ada@contoso.example", Locale: "de-DE", TimeZone: "Europe/Berlin"}
	c := h.Open(t, user)
	opened := h.wantEvent(t, livechat.CanvasEvent{Kind: livechat.CanvasOpened, Conversation: c})
	if diff := cmp.Diff(user, opened.User, cmpopts.IgnoreFields(livechat.User{}, "ID", "Client")); diff != "" || opened.User.ID == "" {
		t.Errorf("the user is %+v", opened.User)
	}
	ids := map[string]bool{opened.ID: true}
	for _, text := range []string{"one\ntwo <b>", "3 👋", "4"} {
		h.Ask(t, c, text)
		e := h.wantEvent(t, livechat.CanvasEvent{Kind: livechat.CanvasAsked, Conversation: c, Text: text})
		if e.ID == "" || ids[e.ID] || e.User != opened.User {
			t.Errorf("got %+v", e)
		}
		ids[e.ID] = true
	}
}

func hearPressed(t *testing.T, h Canvas) {
	t.Helper()
	if _, ok := h.Adapter.(livechat.Chooses); !ok {
		return
	}
	c := h.start(t)
	choice := livechat.Choice{Title: "Orders", Value: "orders, please"}
	err := h.Adapter.Show(t.Context(), livechat.BotMessage{Conversation: c, Key: "1", Text: "Which?", Choices: []livechat.Choice{choice}})
	if err != nil {
		t.Fatal(err)
	}
	h.Press(t, c, choice)
	h.wantEvent(t, livechat.CanvasEvent{Kind: livechat.CanvasAsked, Conversation: c, Text: choice.Title, Value: choice.Value})
}

func hearTyping(t *testing.T, h Canvas) {
	t.Helper()
	c := h.start(t)
	h.Type(t, c)
	h.wantEvent(t, livechat.CanvasEvent{Kind: livechat.CanvasTyping, Conversation: c})
}

func hearNothing(t *testing.T, h Canvas) {
	t.Helper()
	c := h.start(t)
	h.pass(t, c)
	h.Ask(t, c, "for people")
	h.Answer(t, c, "Bo", "hello")
	h.Ask(t, c, "for Bo")
	h.End(t, c, "Bo", "solved")
	h.wantEvent(t, livechat.CanvasEvent{Kind: livechat.CanvasEnded, Conversation: c, Reason: "solved"})
}

func hearReturned(t *testing.T, h Canvas) {
	t.Helper()
	c := h.start(t)
	h.pass(t, c)
	h.Ask(t, c, "answered")
	h.Answer(t, c, "Bo", "hello")
	h.Ask(t, c, "one")
	h.Ask(t, c, "two")
	h.Return(t, c, "Bo", "done", "it was the fuse")
	h.wantEvent(t, livechat.CanvasEvent{
		Kind: livechat.CanvasReturned, Conversation: c, Pending: []string{"one", "two"}, Reason: "done", Summary: "it was the fuse",
	})
	h.Ask(t, c, "three")
	h.wantEvent(t, livechat.CanvasEvent{Kind: livechat.CanvasAsked, Conversation: c, Text: "three"})
}

func hearTakenOver(t *testing.T, h Canvas) {
	t.Helper()
	c := h.start(t)
	h.Ask(t, c, "to the copilot")
	h.wantEvent(t, livechat.CanvasEvent{Kind: livechat.CanvasAsked, Conversation: c, Text: "to the copilot"})
	h.TakeOver(t, c, "Bo")
	h.Ask(t, c, "to Bo")
	h.Return(t, c, "Bo", "", "")
	h.wantEvent(t, livechat.CanvasEvent{Kind: livechat.CanvasReturned, Conversation: c, Pending: []string{"to Bo"}})
}

func hearEnds(t *testing.T, h Canvas) {
	t.Helper()
	left := h.start(t)
	h.Leave(t, left)
	h.wantEvent(t, livechat.CanvasEvent{Kind: livechat.CanvasEnded, Conversation: left})
	ended := h.start(t)
	h.Ask(t, ended, "one more thing")
	h.heard(t, livechat.CanvasAsked)
	h.pass(t, ended)
	h.End(t, ended, "Bo", "solved")
	h.wantEvent(t, livechat.CanvasEvent{Kind: livechat.CanvasEnded, Conversation: ended, Reason: "solved"})
}

func hearForgedCanvas(t *testing.T, h Canvas) {
	t.Helper()
	h.Open(t, livechat.User{})
	post, now := h.Webhook(t), time.Now()
	if err := h.Adapter.Verify(post.Header, append(slices.Clone(post.Body), ' '), now); err == nil {
		t.Error("a changed body passed")
	}
	if err := h.Adapter.Verify(nil, post.Body, now); err == nil {
		t.Error("an unsigned post passed")
	}
	for _, off := range []time.Duration{-6 * time.Minute, 6 * time.Minute} {
		if err := h.Adapter.Verify(post.Header, post.Body, now.Add(off)); err == nil {
			t.Errorf("a post from %s away passed", off)
		}
	}
	if err := h.Adapter.Verify(post.Header, post.Body, now); err != nil {
		t.Errorf("the genuine post: %v", err)
	}
}

func hearNonsenseCanvas(t *testing.T, h Canvas) {
	t.Helper()
	for _, body := range []string{``, `[]`, `"x"`, `{}`, `{"`, `null`, "\x00", `{"event":"asked"}`, `{"conversationId":"c","event":"survey"}`} {
		events, err := h.Adapter.ParseCanvas([]byte(body))
		var invalid *livechat.InvalidError
		if len(events) > 0 {
			t.Errorf("%q says %+v", body, events)
		}
		if err != nil && !errors.As(err, &invalid) {
			t.Errorf("%q: %v, want an InvalidError or nothing", body, err)
		}
	}
}
