package contoso_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

// A change is one event as the desk's page gets it.
type change struct {
	Seq          int64
	Conversation struct {
		ID, State string
		Unread    int
		LastLine  struct{ Message string }
	}
	Line *struct{ ID, From, Message, State string }
}

// follow reads events after a number until take returns false or the stream
// ends, which must be where an event does.
func (h hub) follow(tb testing.TB, lastEventID string, take func(change) bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+"/api/desk/events", nil)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", lastEventID)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		tb.Fatalf("content type is %q", got)
	}
	var id string
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if after, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			id = after
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var c change
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			tb.Fatal(err)
		}
		if id != fmt.Sprint(c.Seq) {
			tb.Fatalf("event %d has id %s", c.Seq, id)
		}
		if !take(c) {
			return
		}
	}
	if err := lines.Err(); err != nil && ctx.Err() == nil {
		tb.Errorf("the stream was cut off: %v", err)
	}
}

// Twelve writers in two processes; a reader that leaves and comes back at random
// to either process sees every number once, in order.
func TestEvents_resume_without_gap_or_double(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	db := pgtest.DB(t, contoso.Schema())
	hubs := []hub{
		run(t, db, contoso.Config{WebhookURL: peer.url}),
		run(t, db, contoso.Config{WebhookURL: peer.url}),
	}
	const writers, each = 12, 8
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range writers {
		wg.Go(func() {
			h := hubs[i%2]
			id := h.open(t, "")
			for n := range each {
				h.hear(t, id, fmt.Sprint("question ", n))
				h.say(t, id, fmt.Sprint("answer ", n))
			}
		})
	}
	// Each conversation: its opening, 8 questions, 8 answers and one joining,
	// and the delivery of those 9.
	const total = writers * (1 + each + 2*(each+1))
	var seen []int64
	lines := map[string]bool{}
	for reconnects := 0; len(seen) < total; reconnects++ {
		last, stay := "0", 1+rand.IntN(40)
		if len(seen) > 0 {
			last = fmt.Sprint(seen[len(seen)-1])
		}
		hubs[reconnects%2].follow(t, last, func(c change) bool {
			seen = append(seen, c.Seq)
			if c.Line != nil {
				lines[c.Line.ID] = true
			}
			stay--
			return stay > 0 && len(seen) < total
		})
		if t.Failed() || reconnects > total {
			t.Fatalf("saw %d of %d events", len(seen), total)
		}
	}
	for i, seq := range seen {
		if seq != int64(i+1) {
			t.Fatalf("event %d has number %d", i+1, seq)
		}
	}
	if want := writers * (2*each + 1); len(lines) != want {
		t.Errorf("saw %d lines, want %d", len(lines), want)
	}
}

func TestSnapshot_and_the_events_after_it_are_the_present(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	id := h.open(t, `{"user":{"name":"Alex"},"problem":"printer"}`)
	h.hear(t, id, "one")
	var list struct {
		Seq           int64
		Counts        struct{ Waiting, Active, Ended int }
		Conversations []struct {
			ID, State, Problem string
			Unread             int
			WaitingSince       time.Time
			LastLine           struct{ Message string }
		}
	}
	h.ok(t, call{method: http.MethodGet, path: "/api/desk/conversations"}, &list)
	if c := list.Conversations[0]; c.ID != id || c.State != "waiting" || c.Unread != 1 || c.LastLine.Message != "one" ||
		c.Problem != "printer" || c.WaitingSince.IsZero() || list.Counts.Waiting != 1 {
		t.Errorf("got %+v", list)
	}
	h.hear(t, id, "two")
	var got change
	h.follow(t, fmt.Sprint(list.Seq), func(c change) bool { got = c; return false })
	if got.Seq != list.Seq+1 || got.Line == nil || got.Line.Message != "two" || got.Conversation.Unread != 2 {
		t.Errorf("got %+v, want the second line and nothing before it", got)
	}
}

func TestRead_never_goes_back_and_counts_what_came_later(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	id := h.open(t, "")
	h.hear(t, id, "one")
	type thread struct {
		Seq          int64
		Conversation struct{ Unread int }
		Lines        []struct{ Position int64 }
	}
	look := func() (th thread) {
		h.ok(t, call{method: http.MethodGet, path: "/api/desk/conversations/" + id}, &th)
		return th
	}
	first := look().Lines[0].Position
	h.hear(t, id, "two")
	read := func(body string) { h.ok(t, call{path: "/api/desk/conversations/" + id + "/read", body: body}, nil) }
	read(fmt.Sprintf(`{"through":%d}`, first))
	if got := look().Conversation.Unread; got != 1 {
		t.Errorf("after reading the first of two: %d unread, want 1", got)
	}
	read("")
	before := look()
	if before.Conversation.Unread != 0 {
		t.Errorf("after reading all: %d unread", before.Conversation.Unread)
	}
	read(fmt.Sprintf(`{"through":%d}`, first))
	read("")
	if diff := cmp.Diff(before, look()); diff != "" {
		t.Errorf("reading again changed something: %s", diff)
	}
	if got := h.do(t, call{path: "/api/desk/conversations/nobody/read"}); got.status != http.StatusNotFound {
		t.Errorf("unknown conversation: %v, want 404", got)
	}
}

func TestEvents_end_when_the_server_drains(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	h.open(t, "")
	var stopped sync.WaitGroup
	defer stopped.Wait()
	h.follow(t, "0", func(change) bool {
		stopped.Go(h.stop) // cuts off what does not end by itself
		return true
	})
}
