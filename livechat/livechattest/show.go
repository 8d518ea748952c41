package livechattest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/liaison-skill/liaison/livechat"
)

// peer is the hub at another address.
func (h Canvas) peer() peer {
	return peer{secrets: h.Secrets, calls: func(by caller, url string) map[string]error {
		return canvasCalls(by, h.At(url))
	}}
}

func canvasCalls(by caller, a CanvasAdapter) map[string]error {
	errs := map[string]error{
		"show": by(func(ctx context.Context) error {
			return a.Show(ctx, livechat.BotMessage{Conversation: "c", Key: "1", Text: "hello"})
		}),
		"pass": by(func(ctx context.Context) error {
			return a.Pass(ctx, livechat.Passing{Conversation: "c", Key: "1"})
		}),
		"finish": by(func(ctx context.Context) error { return a.Finish(ctx, "c", "1") }),
	}
	if can, ok := a.(livechat.BotTyping); ok {
		errs["typing"] = by(func(ctx context.Context) error { return can.ShowTyping(ctx, "c") })
	}
	return errs
}

// start opens the chat and hears of it.
func (h Canvas) start(tb testing.TB) livechat.ConversationID {
	tb.Helper()
	c := h.Open(tb, livechat.User{Name: "Ada"})
	h.heard(tb, livechat.CanvasOpened)
	return c
}

func (h Canvas) show(tb testing.TB, c livechat.ConversationID, key, text string) {
	tb.Helper()
	err := h.Adapter.Show(tb.Context(), livechat.BotMessage{Conversation: c, Key: key, Sender: "Copilot", Text: text})
	if err != nil {
		tb.Fatal(err)
	}
}

func (h Canvas) pass(tb testing.TB, c livechat.ConversationID) {
	tb.Helper()
	if err := h.Adapter.Pass(tb.Context(), livechat.Passing{Conversation: c, Key: "pass"}); err != nil {
		tb.Fatal(err)
	}
}

func showOnce(t *testing.T, h Canvas) {
	t.Helper()
	c := h.start(t)
	for _, key := range []string{"1", "2", "1", "3", "3"} {
		h.show(t, c, key, "text "+key)
	}
	want := []Seen{{Sender: "Copilot", Text: "text 1"}, {Sender: "Copilot", Text: "text 2"}, {Sender: "Copilot", Text: "text 3"}}
	if diff := cmp.Diff(want, h.Seen(t, c)); diff != "" {
		t.Errorf("the user sees (-want +got):\n%s", diff)
	}
}

func showLiteral(t *testing.T, h Canvas) {
	t.Helper()
	c := h.start(t)
	for i, format := range []livechat.Format{livechat.Plain, livechat.Markdown} {
		text := "a <b> & \"c\"\nline two — Grüße 👩‍👩‍👧 مرحبا {{ secret }} **x**"
		err := h.Adapter.Show(t.Context(), livechat.BotMessage{Conversation: c, Key: "k" + string(format), Text: text, Format: format})
		if err != nil {
			t.Fatal(err)
		}
		if seen := h.Seen(t, c); len(seen) != i+1 || seen[i].Text != text {
			t.Errorf("the user sees %+v", seen)
		}
	}
}

func showChoices(t *testing.T, h Canvas) {
	t.Helper()
	can, ok := h.Adapter.(livechat.Chooses)
	if !ok {
		return
	}
	c := h.start(t)
	var choices []livechat.Choice
	for i := range can.MaxChoices() {
		choices = append(choices, livechat.Choice{Title: string(rune('A' + i)), Value: "value " + string(rune('A'+i))})
	}
	err := h.Adapter.Show(t.Context(), livechat.BotMessage{Conversation: c, Key: "1", Sender: "Copilot", Text: "Which?", Choices: choices})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Seen{{Sender: "Copilot", Text: "Which?", Choices: choices}}, h.Seen(t, c)); diff != "" {
		t.Errorf("the user sees (-want +got):\n%s", diff)
	}
}

func showUnknown(t *testing.T, h Canvas) {
	t.Helper()
	wantGone(t, h.Adapter.Show(t.Context(), livechat.BotMessage{Conversation: "nobody", Key: "1", Text: "hello"}))
	if can, ok := h.Adapter.(livechat.BotTyping); ok {
		wantGone(t, can.ShowTyping(t.Context(), "nobody"))
	}
}

func showEnded(t *testing.T, h Canvas) {
	t.Helper()
	c := h.start(t)
	h.Leave(t, c)
	wantGone(t, h.Adapter.Show(t.Context(), livechat.BotMessage{Conversation: c, Key: "1", Text: "hello"}))
	if can, ok := h.Adapter.(livechat.BotTyping); ok {
		wantGone(t, can.ShowTyping(t.Context(), c))
	}
}

func showLate(t *testing.T, h Canvas) {
	t.Helper()
	passed, taken := h.start(t), h.start(t)
	h.pass(t, passed)
	h.TakeOver(t, taken, "Bo")
	for _, c := range []livechat.ConversationID{passed, taken} {
		wantLate(t, h.Adapter.Show(t.Context(), livechat.BotMessage{Conversation: c, Key: "1", Text: "hello"}))
		if can, ok := h.Adapter.(livechat.BotTyping); ok {
			wantLate(t, can.ShowTyping(t.Context(), c))
		}
		if got := h.Seen(t, c); len(got) > 0 {
			t.Errorf("the user sees %+v", got)
		}
	}
	h.Return(t, taken, "Bo", "", "")
	h.show(t, taken, "2", "back")
}

func showTyping(t *testing.T, h Canvas) {
	t.Helper()
	can, ok := h.Adapter.(livechat.BotTyping)
	if !ok {
		return
	}
	c := h.start(t)
	if err := can.ShowTyping(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if !h.SeesTyping(t, c) {
		t.Error("the user does not see it")
	}
	h.show(t, c, "1", "done")
	if h.SeesTyping(t, c) {
		t.Error("the user sees typing behind the words")
	}
}

func passAll(t *testing.T, h Canvas) {
	t.Helper()
	c := h.start(t)
	h.show(t, c, "1", "I get a person")
	want := livechat.Passing{
		Conversation: c, Problem: "the <printer>", Summary: "it burns", Note: "be quick", Queue: "hardware", Skills: []string{"fire", "water"},
		Language: "ja", Variables: map[string]string{"Floor": "3", "a b": "<c>"},
		Transcript: []livechat.Line{
			{Sender: "Ada", Side: livechat.SideUser, Text: "a person", At: time.Date(2026, 11, 20, 20, 52, 4, 0, time.UTC)},
			{Side: livechat.SideCopilot, Text: "I get one"},
		},
	}
	given := want
	given.Key = "k"
	if _, told := h.Told(t, c); told {
		t.Error("people have control before")
	}
	if err := h.Adapter.Pass(t.Context(), given); err != nil {
		t.Fatal(err)
	}
	got, told := h.Told(t, c)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || !told {
		t.Errorf("people are told (-want +got):\n%s", diff)
	}
	h.Answer(t, c, "Bo", "hello")
	seen := h.Seen(t, c)
	if diff := cmp.Diff(Seen{Sender: "Bo", Text: "hello"}, seen[len(seen)-1]); diff != "" {
		t.Errorf("the user sees (-want +got):\n%s", diff)
	}
}

// passTwice repeats a passing, also when the copilot has control again.
func passTwice(t *testing.T, h Canvas) {
	t.Helper()
	c := h.start(t)
	h.pass(t, c)
	h.pass(t, c)
	h.Answer(t, c, "Bo", "hello")
	h.Return(t, c, "Bo", "", "")
	h.pass(t, c)
	h.show(t, c, "1", "the copilot again")
	if _, told := h.Told(t, c); told {
		t.Error("a late repetition took control from the copilot")
	}
}

func passGone(t *testing.T, h Canvas) {
	t.Helper()
	wantGone(t, h.Adapter.Pass(t.Context(), livechat.Passing{Conversation: "nobody", Key: "1"}))
	c := h.start(t)
	h.Leave(t, c)
	wantGone(t, h.Adapter.Pass(t.Context(), livechat.Passing{Conversation: c, Key: "1"}))
}

func finishTwice(t *testing.T, h Canvas) {
	t.Helper()
	c, left := h.start(t), h.start(t)
	h.Leave(t, left)
	if err := h.Adapter.Finish(t.Context(), left, "end"); err != nil {
		t.Errorf("after the user left: %v", err)
	}
	for range 2 {
		if err := h.Adapter.Finish(t.Context(), c, "end"); err != nil {
			t.Fatal(err)
		}
	}
	wantGone(t, h.Adapter.Show(t.Context(), livechat.BotMessage{Conversation: c, Key: "1", Text: "hello"}))
}

func finishLate(t *testing.T, h Canvas) {
	t.Helper()
	c := h.start(t)
	h.pass(t, c)
	wantLate(t, h.Adapter.Finish(t.Context(), c, "end"))
	h.Answer(t, c, "Bo", "still here")
}

func finishUnknown(t *testing.T, h Canvas) {
	t.Helper()
	wantGone(t, h.Adapter.Finish(t.Context(), "nobody", "end"))
}
