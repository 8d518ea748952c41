package livechattest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/livechat"
)

// next returns the events of the hub's next post, whose signature must be good.
func next(tb testing.TB, h Hub) []livechat.Inbound {
	tb.Helper()
	post := h.Webhook(tb)
	if err := h.Adapter.Verify(post.Header, post.Body, time.Now()); err != nil {
		tb.Fatal(err)
	}
	events, err := h.Adapter.Parse(post.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return events
}

// until collects events up to the first of a kind.
func until(tb testing.TB, h Hub, kind livechat.Kind) []livechat.Inbound {
	tb.Helper()
	var events []livechat.Inbound
	for range 10 {
		for _, e := range next(tb, h) {
			events = append(events, e)
			if e.Kind == kind {
				return events
			}
		}
	}
	tb.Fatalf("no %s among %d events", kind, len(events))
	return nil
}

func hearWords(t *testing.T, h Hub) {
	t.Helper()
	c := open(t, h, "k")
	send(t, h, c, "1", "the user's words do not come back")
	text := "Hello <b>Ada</b>\nhow can I help? 👋"
	h.Say(t, c, "Bo", text)
	events := until(t, h, livechat.KindMessage)
	said := events[len(events)-1]
	if said.ID == "" {
		t.Error("an agent's words have no id to tell a repeat by")
	}
	want := livechat.Inbound{
		Kind: livechat.KindMessage, ID: said.ID, Conversation: c, Sender: "Bo", Text: text, At: said.At,
		Message: said.Message, Format: said.Format,
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	h.Say(t, c, "Bo", "and again")
	if again := until(t, h, livechat.KindMessage); again[0].ID == said.ID {
		t.Error("two lines have one id")
	}
}

func hearEnd(t *testing.T, h Hub) {
	t.Helper()
	c := open(t, h, "k")
	h.Say(t, c, "Bo", "bye")
	h.End(t, c, "Bo")
	events := until(t, h, livechat.KindEnded)
	last := events[len(events)-1]
	if last.Conversation != c || last.Sender != "Bo" {
		t.Errorf("got %+v, want the end of %s by Bo", last, c)
	}
	if !slices.ContainsFunc(events, func(e livechat.Inbound) bool { return e.Text == "bye" }) {
		t.Error("the end overtook the agent's last words")
	}
}

func hearForged(t *testing.T, h Hub) {
	t.Helper()
	c := open(t, h, "k")
	h.Say(t, c, "Bo", "hello")
	post := h.Webhook(t)
	now := time.Now()
	if err := h.Adapter.Verify(post.Header, append(slices.Clone(post.Body), ' '), now); err == nil {
		t.Error("a changed body passed")
	}
	for _, off := range []time.Duration{-6 * time.Minute, 6 * time.Minute} {
		if err := h.Adapter.Verify(post.Header, post.Body, now.Add(off)); err == nil {
			t.Errorf("a post from %s away passed", off)
		}
	}
	if err := h.Adapter.Verify(nil, post.Body, now); err == nil {
		t.Error("an unsigned post passed")
	}
	for name := range post.Header {
		broken := post.Header.Clone()
		broken.Set(name, "v1,AAAA"+broken.Get(name))
		changed := h.Adapter.Verify(broken, post.Body, now)
		broken.Del(name)
		missing := h.Adapter.Verify(broken, post.Body, now)
		if (changed == nil) != (missing == nil) {
			t.Errorf("header %s matters only sometimes: changed %v, missing %v", name, changed, missing)
		}
	}
	if err := h.Adapter.Verify(post.Header, post.Body, now); err != nil {
		t.Errorf("the genuine post: %v", err)
	}
}

func hearPostIDs(t *testing.T, h Hub) {
	t.Helper()
	c := open(t, h, "k")
	h.Say(t, c, "Bo", "one")
	first := h.Webhook(t)
	h.Say(t, c, "Bo", "two")
	second := h.Webhook(t)
	id := h.Adapter.PostID(first.Header)
	if id == "" {
		return // the hub names its events only
	}
	if h.Adapter.PostID(second.Header) == id {
		t.Error("two posts have one id")
	}
	for name := range first.Header {
		broken := first.Header.Clone()
		broken.Set(name, "x"+broken.Get(name))
		if h.Adapter.PostID(broken) != id && h.Adapter.Verify(broken, first.Body, time.Now()) == nil {
			t.Errorf("a post passed under another id, by header %s", name)
		}
	}
}

func hearNonsense(t *testing.T, h Hub) {
	t.Helper()
	for _, body := range []string{``, `[]`, `"x"`, `{}`, `{"`, `null`, "\x00"} {
		events, err := h.Adapter.Parse([]byte(body))
		var invalid *livechat.InvalidError
		if len(events) > 0 {
			t.Errorf("%q says %+v", body, events)
		}
		if err != nil && !errors.As(err, &invalid) {
			t.Errorf("%q: %v, want an InvalidError or nothing", body, err)
		}
	}
}

func readBack(t *testing.T, h Hub) {
	t.Helper()
	since, ok := h.Adapter.(livechat.Since)
	if !ok {
		return // the hub cannot be asked
	}
	c := open(t, h, "k")
	send(t, h, c, "1", "user")
	h.Say(t, c, "Bo", "one")
	h.Say(t, c, "Bo", "two")
	said, err := since.Since(t.Context(), c, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	said = slices.DeleteFunc(said, func(e livechat.Inbound) bool { return e.Kind != livechat.KindMessage })
	var texts []string
	for _, e := range said {
		texts = append(texts, e.Text)
	}
	if diff := cmp.Diff([]string{"one", "two"}, texts); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	rest, err := since.Since(t.Context(), c, said[0].At)
	if err != nil {
		t.Fatal(err)
	}
	if len(rest) != 1 || rest[0].ID != said[1].ID {
		t.Errorf("after the first: %+v, want the second", rest)
	}
	heard := until(t, h, livechat.KindMessage)
	if heard[len(heard)-1].ID != said[0].ID {
		t.Error("the webhook and the read-back give one line two ids")
	}
}
