package livechattest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/livechat"
)

func file(key, name, content string) livechat.File {
	sum := sha256.Sum256([]byte(content))
	return livechat.File{
		Key: key, Sender: "Ada", Name: name, ContentType: "text/plain", Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:]),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil },
	}
}

// abilities returns a call of each optional ability that an adapter has.
func abilities(a livechat.Adapter) map[string]func(context.Context) error {
	all := map[string]func(context.Context) error{}
	if can, ok := a.(livechat.Since); ok {
		all["since"] = func(ctx context.Context) error { _, err := can.Since(ctx, "c", time.Time{}); return err }
	}
	if can, ok := a.(livechat.Typing); ok {
		all["typing"] = func(ctx context.Context) error { return can.Typing(ctx, "c") }
	}
	if can, ok := a.(livechat.Attach); ok {
		all["attach"] = func(ctx context.Context) error { return can.Attach(ctx, "c", file("1", "a.txt", "hello")) }
	}
	if can, ok := a.(livechat.Amend); ok {
		all["edit"] = func(ctx context.Context) error { return can.Edit(ctx, "c", "1", "hello") }
		all["delete"] = func(ctx context.Context) error { return can.Delete(ctx, "c", "1") }
	}
	if can, ok := a.(livechat.Queueing); ok {
		all["position"] = func(ctx context.Context) error { _, err := can.Position(ctx, "c"); return err }
	}
	if can, ok := a.(livechat.Available); ok {
		all["availability"] = func(ctx context.Context) error { _, err := can.Availability(ctx, ""); return err }
	}
	if can, ok := a.(livechat.Rate); ok {
		all["rate"] = func(ctx context.Context) error { return can.Rate(ctx, "c", livechat.Rating{Key: "1", Score: 5}) }
	}
	if can, ok := a.(livechat.Report); ok {
		all["report"] = func(ctx context.Context) error {
			return can.Report(ctx, "c", livechat.News{Kind: livechat.NewsUnreachable})
		}
	}
	if can, ok := a.(livechat.Census); ok {
		all["conversations"] = func(ctx context.Context) error { _, err := can.Conversations(ctx); return err }
		all["status"] = func(ctx context.Context) error { _, err := can.Status(ctx, "c"); return err }
	}
	return all
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func typing(t *testing.T, h Hub) {
	t.Helper()
	can, ok := h.Adapter.(livechat.Typing)
	if !ok {
		return
	}
	c := open(t, h, "k")
	for range 3 {
		must(t, can.Typing(t.Context(), c))
	}
	wantPermanent(t, can.Typing(t.Context(), "nobody's"))
}

func amend(t *testing.T, h Hub) {
	t.Helper()
	can, ok := h.Adapter.(livechat.Amend)
	if !ok {
		return
	}
	c := open(t, h, "k")
	for _, key := range []string{"1", "2", "3"} {
		send(t, h, c, key, "word "+key)
	}
	h.Say(t, c, "Bo", "the agent's words stay")
	for range 2 { // the second time nothing happens
		must(t, can.Edit(t.Context(), c, "1", "better <b>"))
		must(t, can.Delete(t.Context(), c, "2"))
	}
	left := slices.DeleteFunc(h.Lines(t, c), func(text string) bool { return text == "" })
	if diff := cmp.Diff([]string{"better <b>", "word 3"}, left); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	wantPermanent(t, can.Edit(t.Context(), c, "2", "too late"))
	wantPermanent(t, can.Edit(t.Context(), c, "unheard", "x"))
	wantPermanent(t, can.Delete(t.Context(), c, "unheard"))
	wantPermanent(t, can.Delete(t.Context(), "nobody's", "1"))
	must(t, h.Adapter.End(t.Context(), livechat.Ending{Conversation: c, Key: "k"}))
	wantPermanent(t, can.Edit(t.Context(), c, "1", "after the end"))
}

func attach(t *testing.T, h Hub) {
	t.Helper()
	can, ok := h.Adapter.(livechat.Attach)
	if !ok {
		return
	}
	c := open(t, h, "k")
	large := strings.Repeat("0123456789abcdef", 50_000) // several buffers
	for _, f := range []livechat.File{
		file("1", "a <b>.txt", "hello"), file("2", "Grüße.txt", large), file("1", "a <b>.txt", "hello"),
	} {
		must(t, can.Attach(t.Context(), c, f))
	}
	want := []Given{{"a <b>.txt", "text/plain", "hello"}, {"Grüße.txt", "text/plain", large}}
	if diff := cmp.Diff(want, h.Files(t, c)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	wantPermanent(t, can.Attach(t.Context(), "nobody's", file("1", "a.txt", "hello")))
	must(t, h.Adapter.End(t.Context(), livechat.Ending{Conversation: c, Key: "k"}))
	wantPermanent(t, can.Attach(t.Context(), c, file("3", "a.txt", "hello")))
}

func queueing(t *testing.T, h Hub) {
	t.Helper()
	can, ok := h.Adapter.(livechat.Queueing)
	if !ok {
		return
	}
	first, second := open(t, h, "a"), open(t, h, "b")
	for c, want := range map[livechat.ConversationID]int{first: 1, second: 2} {
		if got, err := can.Position(t.Context(), c); err != nil || got.Position != want {
			t.Errorf("position is %+v, %v, want %d", got, err, want)
		}
	}
	h.Say(t, first, "Bo", "hello")
	if got, err := can.Position(t.Context(), first); err != nil || got != (livechat.QueueState{}) {
		t.Errorf("with an agent: %+v, %v", got, err)
	}
	if got, err := can.Position(t.Context(), second); err != nil || got.Position != 1 {
		t.Errorf("once the first is served: %+v, %v", got, err)
	}
	_, err := can.Position(t.Context(), "nobody's")
	wantPermanent(t, err)
}

func available(t *testing.T, h Hub) {
	t.Helper()
	can, ok := h.Adapter.(livechat.Available)
	if !ok {
		return
	}
	for _, queue := range []string{"", "nobody's"} {
		if got, err := can.Availability(t.Context(), queue); err != nil || !got.Open && got.Position > 0 {
			t.Errorf("queue %q: %+v, %v", queue, got, err)
		}
	}
}

func rate(t *testing.T, h Hub) {
	t.Helper()
	can, ok := h.Adapter.(livechat.Rate)
	if !ok {
		return
	}
	c := open(t, h, "k")
	for range 2 {
		must(t, can.Rate(t.Context(), c, livechat.Rating{Key: "1", Score: 4, Comment: "good <b>"}))
	}
	must(t, h.Adapter.End(t.Context(), livechat.Ending{Conversation: c, Key: "k"}))
	must(t, can.Rate(t.Context(), c, livechat.Rating{Key: "2", Score: 1}))
	for _, score := range []int{0, 6} {
		wantPermanent(t, can.Rate(t.Context(), c, livechat.Rating{Key: "3", Score: score}))
	}
	wantPermanent(t, can.Rate(t.Context(), "nobody's", livechat.Rating{Key: "1", Score: 5}))
}

func report(t *testing.T, h Hub) {
	t.Helper()
	can, ok := h.Adapter.(livechat.Report)
	if !ok {
		return
	}
	c := open(t, h, "k")
	var said []string
	for _, text := range []string{"one", "two", "three"} {
		h.Say(t, c, "Bo", text)
		said = append(said, last(t, h, livechat.KindMessage).Message)
	}
	want := []livechat.News{
		{Kind: livechat.NewsFailed, Message: said[0], Reason: "refused"},
		{Kind: livechat.NewsUnknown, Message: said[1]},
		{Kind: livechat.NewsUnreachable},
	}
	for _, n := range want {
		must(t, can.Report(t.Context(), c, n))
		must(t, can.Report(t.Context(), c, n)) // the second time nothing happens
	}
	must(t, can.Report(t.Context(), c, livechat.News{Kind: livechat.NewsUnknown, Message: said[0]})) // it is known
	if diff := cmp.Diff(want, h.News(t, c)); diff != "" {
		t.Errorf("news (-want +got):\n%s", diff)
	}
	wantPermanent(t, can.Report(t.Context(), c, livechat.News{Kind: livechat.NewsFailed, Message: "nobody's"}))
	wantPermanent(t, can.Report(t.Context(), "nobody's", want[2]))
	must(t, h.Adapter.End(t.Context(), livechat.Ending{Conversation: c, Key: "k"}))
	must(t, can.Report(t.Context(), c, livechat.News{Kind: livechat.NewsReachable}))
	if diff := cmp.Diff(want[:2], h.News(t, c)); diff != "" {
		t.Errorf("after the end (-want +got):\n%s", diff)
	}
}

func census(t *testing.T, h Hub) {
	t.Helper()
	can, ok := h.Adapter.(livechat.Census)
	if !ok {
		return
	}
	want := map[livechat.ConversationID]string{open(t, h, "a"): "a", open(t, h, "b"): "b"}
	over := open(t, h, "c")
	must(t, h.Adapter.End(t.Context(), livechat.Ending{Conversation: over, Key: "c"}))
	all, err := can.Conversations(t.Context())
	must(t, err)
	got := map[livechat.ConversationID]string{}
	for _, s := range all {
		got[s.Conversation] = s.Key
		if s.Ended || s.OpenedAt.IsZero() {
			t.Errorf("among the open ones: %+v", s)
		}
		if one, err := can.Status(t.Context(), s.Conversation); err != nil || one != s {
			t.Errorf("status is %+v, %v; in the list it is %+v", one, err, s)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("open conversations and their keys (-want +got):\n%s", diff)
	}
	if got, err := can.Status(t.Context(), over); err != nil || !got.Ended {
		t.Errorf("of what has ended: %+v, %v", got, err)
	}
	_, err = can.Status(t.Context(), "nobody's")
	wantPermanent(t, err)
}
