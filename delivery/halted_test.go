package delivery_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// halted returns a lane that stands still at its first word, with another behind.
func halted(t *testing.T) (*pgxpool.Pool, *delivery.Outbox, *delivery.Destination[word], *sink) {
	t.Helper()
	pool := pgtest.DB(t, migrations.Schema())
	s := &sink{fail: func(w word) error {
		if w.N == 0 {
			return peerError{status: 400, permanent: true}
		}
		return nil
	}}
	d := &delivery.Destination[word]{Name: "x", Send: s.send}
	c := quick()
	c.Poison = delivery.Halt
	o, _ := begin(t, pool, c, "one", d)
	put(t, o, d, delivery.Header{}, word{"a", 0}, word{"a", 1})
	buried(t, pool, 1)
	return pool, o, d, s
}

// TestResumeLeavesHaltedLanes: a lane that waits for a decision about its letter
// goes on with that decision only.
func TestResumeLeavesHaltedLanes(t *testing.T) {
	t.Parallel()
	pool, o, d, s := halted(t)
	resume(t, o, d, "a")
	if got := letters(t, pool, delivery.Filter{}); len(got) != 1 || !got[0].Halts {
		t.Errorf("after a user wrote, letters are %+v", got)
	}
	if _, err := delivery.Drop(t.Context(), pool, order(delivery.Filter{})); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the lane goes on", func() bool { return len(s.lane("a")) == 1 && idle(t, pool) })
}

// TestRedrivenInPlaceHasItsPatience: a peer that is away at the first try of an old
// letter is waited for as for a new one.
func TestRedrivenInPlaceHasItsPatience(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	var tries atomic.Int64
	s := &sink{fail: func(word) error {
		switch n := tries.Add(1); {
		case n == 1:
			return peerError{status: 400, permanent: true}
		case n <= 3:
			return peerError{status: 503, unavailable: true}
		}
		return nil
	}}
	d := &delivery.Destination[word]{Name: "x", Send: s.send}
	c := quick()
	c.Poison = delivery.Halt
	o, _ := begin(t, pool, c, "one", d)
	put(t, o, d, delivery.Header{}, word{"a", 0})
	buried(t, pool, 1)
	age(t, pool, 2*c.GiveUp)
	if _, err := delivery.Redrive(t.Context(), pool, order(delivery.Filter{})); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it arrives", func() bool { return len(s.lane("a")) == 1 && idle(t, pool) })
}

// TestHaltingLetterStays: without its letter, nobody could make a lane go on.
func TestHaltingLetterStays(t *testing.T) {
	t.Parallel()
	pool, _, _, s := halted(t)
	age(t, pool, 3*month)
	prune(t, pool)
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		_, err := delivery.Forget(t.Context(), tx, delivery.LaneID{Destination: "x", Conversation: "a"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := letters(t, pool, delivery.Filter{}); len(got) != 1 || !got[0].Halts {
		t.Fatalf("letters are %+v, want the one the lane halts at", got)
	}
	if _, err := delivery.Drop(t.Context(), pool, order(delivery.Filter{})); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the lane goes on", func() bool { return len(s.lane("a")) == 1 && idle(t, pool) })
}

// TestUnsettledIsDoubted: what was delivered, but not recorded before the process
// had to end, may have arrived: it is not sent again as if it had not.
func TestUnsettledIsDoubted(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	s := &sink{}
	tried := make(chan struct{})
	first := sync.OnceFunc(func() { close(tried) })
	var well atomic.Bool
	d := &delivery.Destination[word]{Name: "x", Send: s.send}
	d.Settled = func(context.Context, *delivery.Tx, word, delivery.Settlement) error {
		if well.Load() {
			return nil
		}
		first()
		return errors.New("sick database")
	}
	c := quick()
	c.Ambiguous = delivery.Hold
	o, stop := begin(t, pool, c, "one", d)
	put(t, o, d, delivery.Header{Settle: true}, word{"a", 0})
	<-tried
	stop()
	well.Store(true)
	begin(t, pool, c, "one", d)
	eventually(t, "it is held", func() bool { return outcome(t, pool, 1) == "held" })
	if s.total() != 1 {
		t.Errorf("sent %d times, want once", s.total())
	}
}
