package delivery_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

func counts(tb testing.TB, pool *pgxpool.Pool) []delivery.Count {
	tb.Helper()
	all, err := delivery.Counts(tb.Context(), pool)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// count returns the counts of the one destination there is.
func count(tb testing.TB, pool *pgxpool.Pool) delivery.Count {
	tb.Helper()
	switch all := counts(tb, pool); len(all) {
	case 0:
		return delivery.Count{}
	case 1:
		return all[0]
	default:
		tb.Fatalf("destinations are %+v", all)
		return delivery.Count{}
	}
}

// conserved checks one reading.
func conserved(tb testing.TB, pool *pgxpool.Pool) {
	tb.Helper()
	for _, c := range counts(tb, pool) {
		if c.Accepted != c.Delivered+c.Dead+c.Held+c.Pending || min(c.Delivered, c.Dead, c.Held, c.Pending) < 0 {
			tb.Fatalf("lost count: %+v", c)
		}
	}
}

// TestCounts: every state is told apart, and what the peer has is what counts as
// delivered.
func TestCounts(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	if got := counts(t, pool); len(got) != 0 {
		t.Errorf("an empty database counts %+v", got)
	}
	s := &sink{fail: func(w word) error {
		switch {
		case w.Lane == "dead" && w.N < 2:
			return peerError{permanent: true}
		case w.Lane == "held" && w.N == 0:
			return peerError{ambiguous: true}
		case w.Lane == "parked":
			return blockedError{}
		case w.Lane == "away":
			return errAway
		}
		return nil
	}}
	d := &delivery.Destination[word]{Name: "sink", Send: s.send}
	c := quick()
	c.Ambiguous, c.GiveUp = delivery.Hold, 48*time.Hour
	o, _ := begin(t, pool, c, "a", d)
	for lane, n := range map[string]int{"fine": 5, "dead": 3, "held": 2, "parked": 4, "away": 6} {
		for i := range n {
			put(t, o, d, delivery.Header{}, word{lane, i})
		}
	}
	want := delivery.Count{Destination: "sink", Accepted: 20, Delivered: 7, Dead: 2, Held: 5, Pending: 6}
	var got delivery.Count
	eventually(t, "it settles", func() bool {
		conserved(t, pool)
		got = count(t, pool)
		got.Oldest = 0
		return got == want
	})
	if n := s.total(); int64(n) != got.Delivered {
		t.Errorf("the peer has %d, counted %d", n, got.Delivered)
	}
	run(t, pool, `UPDATE delivery SET created_at = now() - interval '1 hour' WHERE conversation = 'away' AND seq = 1`)
	run(t, pool, `UPDATE delivery SET created_at = now() - interval '1 day' WHERE conversation <> 'away'`)
	if age := count(t, pool).Oldest; age < time.Hour || age > 2*time.Hour {
		t.Errorf("the oldest is %s old", age)
	}
}

// TestR2_CountsUnderTraffic reads the counts all the while things go well, badly
// and into doubt, and are pruned.
func TestR2_CountsUnderTraffic(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	s := &sink{fail: func(w word) error {
		switch w.N % 5 {
		case 1:
			return peerError{permanent: true}
		case 2:
			return peerError{ambiguous: true}
		}
		return nil
	}}
	d := &delivery.Destination[word]{Name: "sink", Send: s.send}
	c := quick()
	c.Ambiguous = delivery.Hold
	o, _ := begin(t, pool, c, "a", d)
	b, _ := begin(t, pool, c, "b", d)
	const lanes, each = 10, 20
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for n := range each {
			for l := range lanes {
				put(t, []*delivery.Outbox{o, b}[l%2], d, delivery.Header{}, word{fmt.Sprint(l), n})
			}
		}
	}()
	readings, last := 0, delivery.Count{}
	eventually(t, "all have their outcome", func() bool {
		conserved(t, pool)
		now := count(t, pool)
		if now.Accepted < last.Accepted || now.Delivered < last.Delivered || now.Dead < last.Dead {
			t.Errorf("%+v after %+v", now, last)
		}
		if readings++; readings%3 == 0 {
			if _, err := delivery.Prune(t.Context(), pool, time.Millisecond, week); err != nil {
				t.Error(err)
			}
		}
		last = now
		return now.Accepted == lanes*each && now.Pending == 0
	})
	<-sent
	if n := int64(s.total()); last.Delivered != n || n != lanes*each*3/5 || last.Dead+last.Held != lanes*each*2/5 {
		t.Errorf("the peer has %d, counted %+v in %d readings", n, last, readings)
	}
}

func TestOutboxTellsItsMeter(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	s := &sink{fail: func(w word) error {
		if w.N == 1 {
			return peerError{permanent: true}
		}
		return nil
	}}
	d := &delivery.Destination[word]{
		Name: "sink", Send: s.send, Limits: delivery.Limits{Lane: delivery.Windows{{N: 2, Per: 5 * time.Second}}}, // less might pass on a busy machine
	}
	c, m := quick(), newMeter()
	c.Meter = m
	o, _ := begin(t, pool, c, "a", d)
	put(t, o, d, delivery.Header{}, word{"a", 0}, word{"a", 1}, word{"a", 2})
	eventually(t, "all are sent", func() bool { return idle(t, pool) })
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.attempts["sink delivered"] != 2 || m.attempts["sink refused"] != 1 || m.waited <= 0 {
		t.Errorf("metered %v, and a wait of %s", m.attempts, m.waited)
	}
}
