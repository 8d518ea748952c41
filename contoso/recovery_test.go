package contoso_test

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

func TestWebhook_goes_on_where_an_ended_process_stopped(t *testing.T) {
	t.Parallel()
	away, hung := true, make(chan struct{})
	var mu sync.Mutex
	peer := receive(t, func(n int, _ posted, w http.ResponseWriter) {
		mu.Lock()
		defer mu.Unlock()
		if n == 2 {
			close(hung)
		}
		if away && n > 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	db := pgtest.DB(t, contoso.Schema())
	first := run(t, db, contoso.Config{WebhookURL: peer.url})
	id := first.open(t, "")
	for _, text := range []string{"1", "2", "3"} {
		first.say(t, id, text)
	}
	select {
	case <-hung:
	case <-time.After(patience):
		t.Fatal("the first line was never tried")
	}
	first.stop()
	mu.Lock()
	away = false
	mu.Unlock()

	second := run(t, db, contoso.Config{WebhookURL: peer.url})
	eventually(t, "all lines to be sent", func() bool {
		lines := second.messages(t, "?conversationId="+id)
		return lines[0].State == "sent" && lines[1].State == "sent" && lines[2].State == "sent"
	})
	// At least once, in order: repetitions of the first, then the others.
	if diff := cmp.Diff([]string{"joined:", "message:1", "message:2", "message:3"}, slices.Compact(peer.texts())); diff != "" {
		t.Error(diff)
	}
}

func TestWebhook_a_hanging_attempt_does_not_hold_up_the_shutdown(t *testing.T) {
	t.Parallel()
	release, hung := make(chan struct{}), make(chan struct{})
	defer close(release)
	peer := receive(t, func(n int, _ posted, w http.ResponseWriter) {
		if n == 1 {
			close(hung)
			<-release
		}
		w.WriteHeader(http.StatusNoContent)
	})
	db := pgtest.DB(t, contoso.Schema())
	first := run(t, db, contoso.Config{WebhookURL: peer.url})
	id := first.open(t, "")
	first.say(t, id, "word")
	select {
	case <-hung:
	case <-time.After(patience):
		t.Fatal("nothing was tried")
	}
	first.stop()
	// Before the attempt's own time-out, which would have been a failure, and the
	// claim is given back.
	var failure string
	var due bool
	err := db.QueryRow(t.Context(), `SELECT failure, due_at <= now() FROM contoso.webhook WHERE attempts = 1`).Scan(&failure, &due)
	if err != nil || failure != "" || !due {
		t.Errorf("what was under way failed with %q, and is due: %t, %v", failure, due, err)
	}
	run(t, db, contoso.Config{WebhookURL: peer.url})
	peer.wait(t, 3)
	if diff := cmp.Diff([]string{"joined:", "joined:", "message:word"}, peer.texts()); diff != "" {
		t.Error(diff)
	}
}

// A claim that was made while the process was told to end is kept or given back:
// its lease would hold up the conversation for nothing.
func TestWebhook_a_shutdown_leaves_no_claim_behind(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	db := pgtest.DB(t, contoso.Schema())
	writer := run(t, db, contoso.Config{}) // nobody listens where it sends
	id := writer.open(t, "")
	writer.say(t, id, "in time")
	writer.stop()
	if _, err := db.Exec(t.Context(), `UPDATE contoso.webhook SET attempts = 0, due_at = now()`); err != nil {
		t.Fatal(err)
	}
	late, release := pgtest.Late(t, db, "UPDATE contoso.webhook w")
	h := run(t, late, contoso.Config{WebhookURL: peer.url})
	eventually(t, "the claim", func() bool {
		var attempts int
		err := db.QueryRow(t.Context(), `SELECT max(attempts) FROM contoso.webhook`).Scan(&attempts)
		return err == nil && attempts == 1
	})
	var stopped sync.WaitGroup
	stopped.Go(h.stop)
	eventually(t, "the process to end", func() bool { return !listens(t, h) })
	release()
	stopped.Wait()
	var leased int
	err := db.QueryRow(t.Context(), `SELECT count(*) FROM contoso.webhook WHERE state = 'queued' AND due_at > now()`).Scan(&leased)
	if err != nil || leased > 0 {
		t.Errorf("%d wait for a lease to end: %v", leased, err)
	}
	run(t, db, contoso.Config{WebhookURL: peer.url})
	peer.wait(t, 2)
	if diff := cmp.Diff([]string{"joined:", "message:in time"}, slices.Compact(peer.texts())); diff != "" {
		t.Error(diff)
	}
}

// listens reports whether a hub still takes connections: the first thing that ends.
func listens(tb testing.TB, h hub) bool {
	tb.Helper()
	conn, err := (&net.Dialer{}).DialContext(tb.Context(), "tcp", strings.TrimPrefix(h.url, "http://"))
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

// A killed process leaves its claim behind; its attempts count stays, and when
// the lease is over somebody else takes the line.
func TestWebhook_a_dead_process_gives_up_its_claim(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	db := pgtest.DB(t, contoso.Schema())
	writer := run(t, db, contoso.Config{}) // nobody listens where it sends
	id := writer.open(t, "")
	writer.say(t, id, "left behind")
	writer.stop()
	const claimed = `UPDATE contoso.webhook SET attempts = attempts + 1, due_at = now() + interval '1 second'`
	began := time.Now() // the lease begins later
	if _, err := db.Exec(t.Context(), claimed); err != nil {
		t.Fatal(err)
	}
	run(t, db, contoso.Config{WebhookURL: peer.url})
	peer.wait(t, 2)
	if waited := time.Since(began); waited < 500*time.Millisecond {
		t.Errorf("taken after %v, want the lease to be respected", waited)
	}
	if diff := cmp.Diff([]string{"joined:", "message:left behind"}, peer.texts()); diff != "" {
		t.Error(diff)
	}
}
