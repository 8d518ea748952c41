package livechattest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

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

// away is a hub that does not listen: nothing was done, it may be tried again.
func away(t *testing.T, h Hub) {
	t.Helper()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, err := range calls(t.Context(), h.At(gone.URL)) {
		got := ask(err)
		if err == nil || got.permanent || got.ambiguous || !got.unavailable {
			t.Errorf("%s: %v is %+v, want unavailable only", name, err, got)
		}
		wantNoSecret(t, h, err)
	}
}

func statuses(t *testing.T, h Hub) {
	t.Helper()
	for status, want := range map[int]answers{
		400: {permanent: true}, 401: {permanent: true}, 403: {permanent: true}, 422: {permanent: true}, 302: {permanent: true},
		408: {ambiguous: true}, 429: {unavailable: true}, 500: {ambiguous: true}, 502: {ambiguous: true, unavailable: true},
		503: {unavailable: true}, 504: {ambiguous: true, unavailable: true},
	} {
		broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"error":"` + strings.Join(h.Secrets, " ") + `"}`))
		}))
		t.Cleanup(broken.Close)
		for name, err := range calls(t.Context(), h.At(broken.URL)) {
			if diff := cmp.Diff(want, ask(err), cmp.AllowUnexported(answers{})); err == nil || diff != "" {
				t.Errorf("%s, status %d: %v (-want +got):\n%s", name, status, err, diff)
			}
			wantNoSecret(t, h, err)
		}
	}
}

// silence is a hub that takes a request and says nothing: it may have done it.
func silence(t *testing.T, h Hub) {
	t.Helper()
	done := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-done:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(done) })
	for name, err := range calls(t.Context(), h.At(silent.URL)) {
		if got := ask(err); err == nil || got.permanent || !got.ambiguous {
			t.Errorf("%s: %v is %+v, want ambiguous", name, err, got)
		}
	}
}

// calls makes each call once, none of them patiently.
func calls(ctx context.Context, a livechat.Adapter) map[string]error {
	briefly := func(call func(ctx context.Context) error) error {
		ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		return call(ctx)
	}
	errs := map[string]error{
		"open": briefly(func(ctx context.Context) error {
			_, err := a.Open(ctx, opening("k"))
			return err
		}),
		"send": briefly(func(ctx context.Context) error {
			return a.Send(ctx, livechat.Message{Conversation: "c", Key: "1", Sender: "Ada", Text: "hello"})
		}),
		"end": briefly(func(ctx context.Context) error {
			return a.End(ctx, livechat.Ending{Conversation: "c", Key: "k"})
		}),
	}
	for name, call := range abilities(a) {
		errs[name] = briefly(call)
	}
	return errs
}

// answers are what an error says about itself.
type answers struct{ permanent, unavailable, ambiguous bool }

func ask(err error) answers {
	var p interface{ Permanent() bool }
	var u interface{ Unavailable() bool }
	var a interface{ Ambiguous() bool }
	return answers{
		permanent:   errors.As(err, &p) && p.Permanent(),
		unavailable: errors.As(err, &u) && u.Unavailable(),
		ambiguous:   errors.As(err, &a) && a.Ambiguous(),
	}
}

func wantPermanent(tb testing.TB, err error) {
	tb.Helper()
	if err == nil || !ask(err).permanent {
		tb.Errorf("got %v, want a permanent error", err)
	}
}

func wantNoSecret(tb testing.TB, h Hub, err error) {
	tb.Helper()
	for _, secret := range h.Secrets {
		if err != nil && strings.Contains(err.Error(), secret) {
			tb.Errorf("%v holds a secret", err)
		}
	}
}
