package delivery_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// TestR5_AmbiguousPolicy: what may have arrived is sent again as often as the policy
// says, ends with an outcome that says so, and blocks nothing.
func TestR5_AmbiguousPolicy(t *testing.T) {
	t.Parallel()
	perhaps := peerError{status: 502, unavailable: true, ambiguous: true}
	for name, tc := range map[string]struct {
		policy     delivery.Policy
		repeatable bool
		failures   []error // of the first word, one after another; then it is taken
		sends      int
		outcome    string // "" for delivered
	}{
		"retry once, and it helps":            {delivery.RetryOnce, false, []error{perhaps}, 2, ""},
		"retry once, and no more":             {delivery.RetryOnce, false, []error{perhaps, perhaps}, 2, "dead"},
		"a clear refusal between is no copy":  {delivery.RetryOnce, false, []error{perhaps, errAway, errAway}, 4, ""},
		"hold at once":                        {delivery.Hold, false, []error{perhaps}, 1, "held"},
		"hold does not mind a clear refusal":  {delivery.Hold, false, []error{errAway, errAway}, 3, ""},
		"a peer that folds copies is told on": {delivery.Hold, true, []error{perhaps, perhaps, perhaps}, 4, ""},
		"the default is to retry once":        {"", false, []error{perhaps, perhaps}, 2, "dead"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.DB(t, migrations.Schema())
			var mu sync.Mutex
			sends := 0
			s := &sink{fail: func(w word) error {
				mu.Lock()
				defer mu.Unlock()
				if w.N > 0 {
					return nil
				}
				if sends++; sends <= len(tc.failures) {
					return tc.failures[sends-1]
				}
				return nil
			}}
			c := quick()
			c.Ambiguous = tc.policy
			d := &delivery.Destination[word]{Name: "x", Send: s.send, Repeatable: tc.repeatable}
			var settled []delivery.Settlement
			d.Settled = func(_ context.Context, _ *delivery.Tx, _ word, got delivery.Settlement) error {
				mu.Lock()
				defer mu.Unlock()
				settled = append(settled, got)
				return nil
			}
			o, _ := begin(t, pool, c, "one", d)
			put(t, o, d, delivery.Header{}, word{"a", 0}, word{"a", 1})
			eventually(t, "the lane is idle", func() bool { return idle(t, pool) })
			mu.Lock()
			defer mu.Unlock()
			if sends != tc.sends || outcome(t, pool, 1) != tc.outcome || outcome(t, pool, 2) != "" {
				t.Errorf("%d sends, outcomes %q and %q; want %d, %q and none", sends, outcome(t, pool, 1), outcome(t, pool, 2), tc.sends, tc.outcome)
			}
			if tc.outcome == "" {
				return
			}
			if len(settled) != 1 || !settled[0].Ambiguous || settled[0].Held != (tc.outcome == "held") {
				t.Errorf("settled as %+v, want one that may have arrived", settled)
			}
		})
	}
}

// TestLostOwner: a process that dies with a lane may have sent its first word.
// That counts as a send of unknown outcome, and is on record.
func TestLostOwner(t *testing.T) {
	t.Parallel()
	for policy, want := range map[delivery.Policy]struct {
		got     []int
		outcome string
	}{
		delivery.RetryOnce: {[]int{0, 1}, ""},
		delivery.Hold:      {[]int{1}, "held"},
	} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			pool := pgtest.DB(t, migrations.Schema())
			s := &sink{}
			c := quick()
			c.Ambiguous = policy
			d := &delivery.Destination[word]{Name: "x", Send: s.send}
			writer := delivery.New(pool, slog.New(slog.DiscardHandler), c, "writer", d) // does not run
			put(t, writer, d, delivery.Header{}, word{"a", 0}, word{"a", 1})
			own(t, pool, "gone/dead")
			begin(t, pool, c, "one", d)
			eventually(t, "the lane is idle", func() bool { return s.total() == len(want.got) && idle(t, pool) })
			if got := s.lane("a"); !slices.Equal(got, want.got) || outcome(t, pool, 1) != want.outcome {
				t.Errorf("got %v, outcome %q; want %v, %q", got, outcome(t, pool, 1), want.got, want.outcome)
			}
			var lost int
			err := pool.QueryRow(t.Context(), `SELECT count(*) FROM attempt WHERE class = 'lost' AND ambiguous AND seq = 1`).Scan(&lost)
			if err != nil || lost != 1 {
				t.Errorf("%d lost attempts on record (%v), want 1", lost, err)
			}
		})
	}
}

// TestHalt: a lane stops at its dead letter, and others go on.
func TestHalt(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	s := &sink{fail: func(w word) error {
		if w == (word{"a", 0}) {
			return peerError{permanent: true, status: 400}
		}
		return nil
	}}
	c := quick()
	c.Poison = delivery.Halt
	d := &delivery.Destination[word]{Name: "x", Send: s.send}
	o, _ := begin(t, pool, c, "one", d)
	put(t, o, d, delivery.Header{}, word{"a", 0}, word{"a", 1}, word{"b", 0})
	eventually(t, "the lane stops", func() bool { return outcome(t, pool, 1) == "dead" && s.total() == 1 })
	put(t, o, d, delivery.Header{}, word{"a", 2}, word{"b", 1})
	eventually(t, "the other goes on", func() bool { return len(s.lane("b")) == 2 })
	if got := s.lane("a"); len(got) != 0 {
		t.Errorf("a halted lane said %v", got)
	}
	if _, err := delivery.Drop(t.Context(), pool, order(delivery.Filter{})); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the lane goes on", func() bool { return slices.Equal(s.lane("a"), []int{1, 2}) })
}

// TestPark: a peer that wants no more is left alone until somebody resumes the
// lane. Then all of it arrives, in order.
func TestPark(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	var mu sync.Mutex
	blocked, tries, parks := true, 0, 0
	s := &sink{fail: func(w word) error {
		mu.Lock()
		defer mu.Unlock()
		tries++
		if blocked && w.N > 0 {
			return blockedError{}
		}
		return nil
	}}
	d := &delivery.Destination[word]{Name: "x", Send: s.send}
	d.Parked = func(_ context.Context, _ *delivery.Tx, w word, got delivery.Settlement) error {
		mu.Lock()
		defer mu.Unlock()
		if parks++; w.N != 1 || !got.Held || got.Class != delivery.Unreachable || got.Status != 403 {
			t.Errorf("parked %+v as %+v", w, got)
		}
		return nil
	}
	o, _ := begin(t, pool, quick(), "one", d)
	put(t, o, d, delivery.Header{}, word{"a", 0}, word{"a", 1}, word{"a", 2})
	eventually(t, "the lane is parked", func() bool { return lane(t, pool) == "parked 1/3" })
	put(t, o, d, delivery.Header{}, word{"a", 3})
	<-time.After(20 * quick().Poll)
	mu.Lock()
	if blocked = false; tries != 2 || parks != 1 {
		t.Errorf("%d tries and told %d times, want none after the refusal", tries, parks)
	}
	mu.Unlock()
	resume(t, o, d, "a")
	eventually(t, "all arrive", func() bool { return slices.Equal(s.lane("a"), numbers(4)) })
	eventually(t, "the lane is idle", func() bool { return idle(t, pool) })
}

// blockedError is what a peer says that wants no more of a lane.
type blockedError struct{}

func (blockedError) Error() string     { return "status 403" }
func (blockedError) Unreachable() bool { return true }
func (blockedError) StatusCode() int   { return 403 }

func resume(tb testing.TB, o *delivery.Outbox, d *delivery.Destination[word], lane string) {
	tb.Helper()
	err := o.Transact(tb.Context(), func(tx *delivery.Tx) error { return tx.Resume(tb.Context(), d, lane) })
	if err != nil {
		tb.Fatal(err)
	}
}

// outcome returns a delivery's outcome in lane a of destination x, or "".
func outcome(tb testing.TB, pool *pgxpool.Pool, seq int) string {
	tb.Helper()
	var o string
	err := pool.QueryRow(tb.Context(), `SELECT COALESCE(outcome, '') FROM delivery
		WHERE destination = 'x' AND conversation = 'a' AND seq = $1`, seq).Scan(&o)
	if err != nil {
		tb.Fatal(fmt.Errorf("outcome of %d: %w", seq, err))
	}
	return o
}
