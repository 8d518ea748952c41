package livechattest

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/livechat"
)

// last is the event that until waited for.
func last(tb testing.TB, h Hub, kind livechat.Kind) livechat.Inbound {
	tb.Helper()
	events := until(tb, h, kind)
	return events[len(events)-1]
}

func hearChanges(t *testing.T, h Hub) {
	t.Helper()
	c := open(t, h, "k")
	expect := func(kind livechat.Kind, sender, to string) {
		t.Helper()
		if e := last(t, h, kind); e.Conversation != c || e.Sender != sender || e.To != to || e.ID == "" {
			t.Errorf("got %+v, want %s by %s to %q", e, kind, sender, to)
		}
	}
	if h.Join != nil {
		h.Join(t, c, "Bo")
		h.Join(t, c, "Bo") // who is there joins nothing
		expect(livechat.KindJoined, "Bo", "")
	}
	if h.Type != nil {
		h.Say(t, c, "Bo", "hello")
		expect(livechat.KindMessage, "Bo", "")
		h.Type(t, c, "Bo")
		expect(livechat.KindTyping, "Bo", "")
	}
	if h.Transfer != nil {
		h.Transfer(t, c, "Bo", "Cy")
		expect(livechat.KindTransferred, "Bo", "Cy")
	}
	if h.Leave != nil {
		h.Leave(t, c, "Cy")
		expect(livechat.KindLeft, "Cy", "")
	}
}

func hearAmendments(t *testing.T, h Hub) {
	t.Helper()
	if h.Edit == nil || h.Delete == nil {
		return
	}
	c := open(t, h, "k")
	h.Say(t, c, "Bo", "helo")
	said := last(t, h, livechat.KindMessage)
	if said.Message == "" {
		t.Fatal("a message that can be edited has no id")
	}
	h.Edit(t, c, said.Message, "hello <b>")
	if e := last(t, h, livechat.KindEdited); e.Message != said.Message || e.Text != "hello <b>" || e.ID == said.ID {
		t.Errorf("edited: got %+v", e)
	}
	h.Delete(t, c, said.Message)
	if e := last(t, h, livechat.KindDeleted); e.Message != said.Message || e.Text != "" {
		t.Errorf("deleted: got %+v", e)
	}
}

func hearFile(t *testing.T, h Hub) {
	t.Helper()
	if h.Give == nil {
		return
	}
	c := open(t, h, "k")
	given := Given{"report <b>.txt", "text/plain", "all is well"}
	h.Give(t, c, "Bo", given)
	e := last(t, h, livechat.KindMessage)
	if len(e.Files) != 1 || e.Sender != "Bo" || e.Text != "" {
		t.Fatalf("got %+v, want one file of Bo's and no text", e)
	}
	f := e.Files[0]
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.URL, http.NoBody)
	must(t, err)
	client := http.Client{Timeout: patience}
	resp, err := client.Do(req)
	must(t, err)
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	must(t, err)
	if diff := cmp.Diff(given, Given{f.Name, f.ContentType, string(content)}); diff != "" || f.Size != int64(len(content)) {
		t.Errorf("size %d (-want +got):\n%s", f.Size, diff)
	}
}

func hearConclusion(t *testing.T, h Hub) {
	t.Helper()
	if h.Conclude == nil {
		return
	}
	c := open(t, h, "k")
	h.Conclude(t, c, "Bo", "solved", "it was the fuse")
	e := last(t, h, livechat.KindEnded)
	want := livechat.Inbound{
		Kind: livechat.KindEnded, ID: e.ID, Conversation: c, Sender: "Bo", Reason: "solved", Summary: "it was the fuse", At: e.At,
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// readEvents compares what is read back with what the webhooks said: nothing is
// missing, nothing new, and each event is the one it was.
func readEvents(t *testing.T, h Hub) {
	t.Helper()
	since, ok := h.Adapter.(livechat.Since)
	if !ok {
		return
	}
	type mark struct {
		Kind    livechat.Kind
		ID      string
		Message string
	}
	marks := func(events []livechat.Inbound) (all []mark) {
		for _, e := range events {
			all = append(all, mark{e.Kind, e.ID, e.Message})
		}
		return all
	}
	c := open(t, h, "k")
	h.Say(t, c, "Bo", "helo")
	heard := until(t, h, livechat.KindMessage)
	if h.Edit != nil {
		h.Edit(t, c, heard[len(heard)-1].Message, "hello")
	}
	if h.Transfer != nil {
		h.Transfer(t, c, "Bo", "Cy")
	}
	h.End(t, c, "Cy")
	heard = append(heard, until(t, h, livechat.KindEnded)...)
	read, err := since.Since(t.Context(), c, time.Time{})
	must(t, err)
	if diff := cmp.Diff(marks(heard), marks(read)); diff != "" {
		t.Errorf("heard and read back (-want +got):\n%s", diff)
	}
}
