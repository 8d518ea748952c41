package livechattest

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/livechat"
)

func opening(key string) livechat.Opening {
	return livechat.Opening{
		Key: key, Problem: "printer on fire", Channel: "msteams", Reference: "7",
		User:      livechat.User{ID: "u1", Name: "Ada", Email: "ada@example.com", Locale: "en-GB", TimeZone: "Europe/London"},
		Variables: map[string]string{"order": "42"},
	}
}

func open(tb testing.TB, h Hub, key string) livechat.ConversationID {
	tb.Helper()
	id, err := h.Adapter.Open(tb.Context(), opening(key))
	if err != nil {
		tb.Fatal(err)
	}
	if id == "" {
		tb.Fatal("opened a conversation without an id")
	}
	return id
}

func send(tb testing.TB, h Hub, c livechat.ConversationID, key, text string) {
	tb.Helper()
	if err := h.Adapter.Send(tb.Context(), livechat.Message{Conversation: c, Key: key, Sender: "Ada", Text: text}); err != nil {
		tb.Fatal(err)
	}
}

func openOnce(t *testing.T, h Hub) {
	t.Helper()
	ids := make([]livechat.ConversationID, 10)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			id, err := h.Adapter.Open(t.Context(), opening("k"))
			if err != nil {
				t.Error(err)
			}
			ids[i] = id
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("one key opened several conversations: %v", ids)
		}
	}
}

func openTwo(t *testing.T, h Hub) {
	t.Helper()
	if a, b := open(t, h, "a"), open(t, h, "b"); a == b {
		t.Errorf("two keys opened one conversation, %q", a)
	}
}

func sendOnce(t *testing.T, h Hub) {
	t.Helper()
	c := open(t, h, "k")
	for _, key := range []string{"1", "1", "2", "3", "2"} {
		send(t, h, c, key, "word "+key)
	}
	if diff := cmp.Diff([]string{"word 1", "word 2", "word 3"}, h.Lines(t, c)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func sendUnknown(t *testing.T, h Hub) {
	t.Helper()
	err := h.Adapter.Send(t.Context(), livechat.Message{Conversation: "nobody's", Key: "1", Sender: "Ada", Text: "hello"})
	wantPermanent(t, err)
}

func sendEnded(t *testing.T, h Hub) {
	t.Helper()
	c := open(t, h, "k")
	if err := h.Adapter.End(t.Context(), livechat.Ending{Conversation: c, Key: "k"}); err != nil {
		t.Fatal(err)
	}
	wantPermanent(t, h.Adapter.Send(t.Context(), livechat.Message{Conversation: c, Key: "1", Sender: "Ada", Text: "hello"}))
}

// sendLongest says what the adapter says its hub takes, of characters that take
// the most room on the way.
func sendLongest(t *testing.T, h Hub) {
	t.Helper()
	can, ok := h.Adapter.(livechat.Limited)
	if !ok {
		return
	}
	limit, unit := can.MaxText()
	c := open(t, h, "k")
	for i, char := range []string{"<", "漢", "🙂"} {
		text := strings.Repeat(char, limit/unit.Len(char))
		send(t, h, c, char, text)
		if got := h.Lines(t, c); len(got) != i+1 || got[i] != text {
			t.Errorf("%q was not taken %d times", char, limit/unit.Len(char))
		}
	}
}

func sendLiteral(t *testing.T, h Hub) {
	t.Helper()
	c := open(t, h, "k")
	text := "a <b> & \"c\"\nline two — Grüße 👩‍👩‍👧 مرحبا {{ secret }} **x**"
	send(t, h, c, "1", text)
	if diff := cmp.Diff([]string{text}, h.Lines(t, c)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func endTwice(t *testing.T, h Hub) {
	t.Helper()
	c := open(t, h, "k")
	for range 2 {
		if err := h.Adapter.End(t.Context(), livechat.Ending{Conversation: c, Key: "k", Reason: "user"}); err != nil {
			t.Fatal(err)
		}
	}
}

// endByKey ends what was opened although the answer was never seen.
func endByKey(t *testing.T, h Hub) {
	t.Helper()
	c := open(t, h, "k")
	if err := h.Adapter.End(t.Context(), livechat.Ending{Key: "k"}); err != nil {
		t.Fatal(err)
	}
	wantPermanent(t, h.Adapter.Send(t.Context(), livechat.Message{Conversation: c, Key: "1", Sender: "Ada", Text: "hello"}))
}

func endUnopened(t *testing.T, h Hub) {
	t.Helper()
	if err := h.Adapter.End(t.Context(), livechat.Ending{Key: "k"}); err != nil {
		t.Fatal(err)
	}
	if id, err := h.Adapter.Open(t.Context(), opening("k")); err == nil {
		t.Errorf("a late repeat of an abandoned opening opened %q", id)
	}
}

// peer is the hub at another address.
func (h Hub) peer() peer {
	return peer{secrets: h.Secrets, calls: func(by caller, url string) map[string]error {
		return h.calls(by, h.At(url))
	}}
}

func (Hub) calls(by caller, a livechat.Adapter) map[string]error {
	errs := map[string]error{
		"open": by(func(ctx context.Context) error {
			_, err := a.Open(ctx, opening("k"))
			return err
		}),
		"send": by(func(ctx context.Context) error {
			return a.Send(ctx, livechat.Message{Conversation: "c", Key: "1", Sender: "Ada", Text: "hello"})
		}),
		"end": by(func(ctx context.Context) error {
			return a.End(ctx, livechat.Ending{Conversation: "c", Key: "k"})
		}),
	}
	for name, call := range abilities(a) {
		errs[name] = by(call)
	}
	return errs
}
