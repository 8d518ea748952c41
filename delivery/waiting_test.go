package delivery_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// waitingError is a message that is not ready.
type waitingError struct{ after time.Duration }

func (waitingError) Error() string                   { return "not ready" }
func (waitingError) Waiting() bool                   { return true }
func (e waitingError) RetryAfter() time.Duration     { return e.after }
func (waitingError) Unavailable() (unavailable bool) { return true }

// TestWaiting: what waits for something of ours keeps its lane in order, holds up no
// other lane, and is no attempt: neither the record nor the breaker counts it.
func TestWaiting(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	var ready atomic.Bool
	var looks atomic.Int32
	s := &sink{fail: func(w word) error {
		if w.Lane == "waits" && w.N == 0 && !ready.Load() {
			looks.Add(1)
			return waitingError{time.Millisecond}
		}
		return nil
	}}
	d := &delivery.Destination[word]{Name: "x", Breaks: true, Send: s.send}
	c := quick()
	c.Backoff, c.BackoffMax = time.Minute, time.Hour // a breaker that opened would stay so
	o, _ := begin(t, pool, c, "one", d)
	put(t, o, d, delivery.Header{}, word{"waits", 0}, word{"waits", 1})
	eventually(t, "it is looked for again and again", func() bool { return looks.Load() > 10 })
	put(t, o, d, delivery.Header{}, word{"goes", 0})
	eventually(t, "another lane goes on", func() bool { return len(s.lane("goes")) == 1 })
	if got := s.lane("waits"); len(got) > 0 {
		t.Errorf("sent %v before its time", got)
	}
	ready.Store(true)
	eventually(t, "it is sent", func() bool { return idle(t, pool) })
	if got := s.lane("waits"); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("sent %v", got)
	}
	var attempts int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM attempt`).Scan(&attempts); err != nil || attempts != 3 {
		t.Errorf("%d attempts on record, %v; want 3", attempts, err)
	}
}

// TestWaiting_ends when patience does.
func TestWaiting_ends(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	settled := make(chan delivery.Settlement, 1)
	d := &delivery.Destination[word]{
		Name: "x",
		Send: func(context.Context, word) error { return waitingError{time.Millisecond} },
		Settled: func(_ context.Context, _ *delivery.Tx, _ word, s delivery.Settlement) error {
			settled <- s
			return nil
		},
	}
	c := quick()
	c.GiveUp = 100 * time.Millisecond
	o, _ := begin(t, pool, c, "one", d)
	put(t, o, d, delivery.Header{}, word{"a", 0})
	select {
	case s := <-settled:
		if s.Delivered || s.Class != delivery.Waiting {
			t.Errorf("settled as %+v", s)
		}
	case <-time.After(time.Minute):
		t.Error("it waits for ever")
	}
}

// TestExtend: a Send may take longer than others, but not longer than its delivery
// is worth.
func TestExtend(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	left := make(chan [2]time.Duration, 2)
	d := &delivery.Destination[word]{Name: "x", Send: func(ctx context.Context, _ word) error {
		short, _ := ctx.Deadline()
		ctx, cancel := delivery.Extend(ctx, time.Hour)
		defer cancel()
		long, _ := ctx.Deadline()
		delivery.Receive(ctx, "kept")
		left <- [2]time.Duration{time.Until(short), time.Until(long)}
		return nil
	}}
	c := quick()
	o, _ := begin(t, pool, c, "one", d)
	put(t, o, d, delivery.Header{Key: "a"}, word{"a", 0})
	if got := <-left; got[0] > c.Timeout || got[1] < 59*time.Minute {
		t.Errorf("%s, extended to %s", got[0], got[1])
	}
	eventually(t, "its receipt is kept", func() bool {
		receipt, err := delivery.ReceiptOf(t.Context(), pool, d, "a", "a")
		return err == nil && receipt == "kept"
	})
	put(t, o, d, delivery.Header{Within: time.Minute}, word{"b", 0})
	if got := <-left; got[1] > time.Minute {
		t.Errorf("extended to %s, beyond its time", got[1])
	}
	ctx, cancel := delivery.Extend(t.Context(), time.Minute)
	defer cancel()
	if at, ok := ctx.Deadline(); !ok || time.Until(at) > time.Minute {
		t.Error("elsewhere it is no timeout")
	}
}
