package delivery_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

func TestR3_Order(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	const lanes, each = 20, 25
	s := &sink{fail: func(word) error {
		switch rand.IntN(10) {
		case 0:
			return errAway
		case 1:
			return peerError{unavailable: true, status: 503}
		}
		return nil
	}}
	d := &delivery.Destination[word]{Name: "x", Send: s.send}
	first, _ := begin(t, pool, quick(), "one", d)
	second, _ := begin(t, pool, quick(), "two", d)

	var wg sync.WaitGroup
	for l := range lanes {
		wg.Go(func() {
			for n := range each {
				put(t, []*delivery.Outbox{first, second}[n%2], d, delivery.Header{}, word{string(rune('a' + l)), n})
			}
		})
	}
	wg.Wait()
	eventually(t, "all delivered", func() bool { return s.total() >= lanes*each && idle(t, pool) })
	for l := range lanes {
		if diff := cmp.Diff(numbers(each), s.lane(string(rune('a'+l)))); diff != "" {
			t.Errorf("lane %d (-want +got):\n%s", l, diff)
		}
	}
}

func TestEnqueue(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	s := &sink{}
	d := &delivery.Destination[word]{Name: "x", Send: s.send}
	o, _ := begin(t, pool, quick(), "one", d)

	t.Run("rolled back", func(t *testing.T) {
		t.Parallel()
		errUndo := errors.New("undo")
		err := o.Transact(t.Context(), func(tx *delivery.Tx) error {
			if _, err := enqueue(t.Context(), tx, d, delivery.Header{Conversation: "undone"}, word{"undone", 1}); err != nil {
				return err
			}
			return errUndo
		})
		if !errors.Is(err, errUndo) {
			t.Fatalf("got %v, want the function's own error", err)
		}
		put(t, o, d, delivery.Header{}, word{"undone", 2})
		eventually(t, "the second delivered", func() bool { return len(s.lane("undone")) > 0 })
		if diff := cmp.Diff([]int{2}, s.lane("undone")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("fifty copies of a key at once", func(t *testing.T) {
		t.Parallel()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { put(t, o, d, delivery.Header{Scope: "s", Key: "k"}, word{"copies", 1}) })
		}
		wg.Wait()
		put(t, o, d, delivery.Header{Scope: "s", Key: "k2"}, word{"copies", 2})
		eventually(t, "the last delivered", func() bool { return len(s.lane("copies")) > 1 })
		if diff := cmp.Diff([]int{1, 2}, s.lane("copies")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("copies in one batch, in two scopes and without a key", func(t *testing.T) {
		t.Parallel()
		var items []delivery.Item
		for _, h := range []delivery.Header{{Scope: "b1", Key: "k"}, {Scope: "b1", Key: "k"}, {Scope: "b2", Key: "k"}, {}, {}} {
			h.Conversation = "batch"
			item, err := d.Item(h, word{"batch", len(items)})
			if err != nil {
				t.Fatal(err)
			}
			items = append(items, item)
		}
		var fresh []bool
		err := o.Transact(t.Context(), func(tx *delivery.Tx) (err error) {
			fresh, err = tx.Enqueue(t.Context(), items...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]bool{true, false, true, true, true}, fresh); diff != "" {
			t.Errorf("fresh (-want +got):\n%s", diff)
		}
		eventually(t, "four delivered", func() bool { return len(s.lane("batch")) == 4 })
		if diff := cmp.Diff([]int{0, 2, 3, 4}, s.lane("batch")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("unknown destination", func(t *testing.T) {
		t.Parallel()
		stranger := &delivery.Destination[word]{Name: "stranger"}
		err := o.Transact(t.Context(), func(tx *delivery.Tx) error {
			_, err := enqueue(t.Context(), tx, stranger, delivery.Header{Conversation: "c"}, word{})
			return err
		})
		if err == nil {
			t.Error("enqueued to a destination that does not exist")
		}
	})
}

// With the poll an hour away, what arrives was sent from memory: the first at
// birth, the second found by the owner itself.
func TestSendsFromMemory(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	sending, goOn := make(chan struct{}), make(chan struct{})
	s := &sink{}
	d := &delivery.Destination[word]{Name: "x", Send: func(ctx context.Context, w word) error {
		if w.N == 0 {
			close(sending)
			<-goOn
		}
		return s.send(ctx, w)
	}}
	c := quick()
	c.Poll = time.Hour
	o, _ := begin(t, pool, c, "one", d)
	eventually(t, "running", func() bool {
		// A lane is owned at birth only once Run gives out slots.
		put(t, o, d, delivery.Header{}, word{"probe", 1})
		return s.total() > 0
	})
	put(t, o, d, delivery.Header{}, word{"a", 0})
	<-sending
	put(t, o, d, delivery.Header{}, word{"a", 1})
	close(goOn)
	eventually(t, "both delivered", func() bool { return len(s.lane("a")) == 2 })
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	var mu sync.Mutex
	tried := map[string]int{}
	settled := map[string]delivery.Settlement{}
	failures := map[string]error{
		"refused": peerError{permanent: true, status: 403},
		"fault":   peerError{status: 500, ambiguous: true},
		"expired": errAway,
		"panic":   nil,
	}
	s := &sink{}
	d := &delivery.Destination[word]{
		Name: "x", Repeatable: true,
		Send: func(ctx context.Context, w word) error {
			mu.Lock()
			defer mu.Unlock()
			if w.Lane == "panic" && w.N == 0 {
				panic("poison")
			}
			if err := failures[w.Lane]; err != nil && w.N == 0 {
				tried[w.Lane]++
				return err
			}
			return s.send(ctx, w)
		},
	}
	d.Settled = func(_ context.Context, _ *delivery.Tx, w word, got delivery.Settlement) error {
		mu.Lock()
		defer mu.Unlock()
		settled[w.Lane] = got
		return nil
	}
	o, _ := begin(t, pool, quick(), "one", d)
	for lane := range failures {
		h := delivery.Header{}
		if lane == "expired" {
			h.Within = 5 * time.Second // for some tries on a busy machine
		}
		put(t, o, d, h, word{lane, 0})
		put(t, o, d, delivery.Header{}, word{lane, 1})
	}
	put(t, o, d, delivery.Header{Settle: true}, word{"fine", 0})
	eventually(t, "every lane idle", func() bool { return s.total() == 5 && idle(t, pool) })

	want := map[string]delivery.Settlement{
		"refused": {Class: delivery.Refused, Status: 403},
		"fault":   {Class: delivery.Fault, Status: 500, Ambiguous: true},
		"expired": {Class: delivery.Expired},
		"panic":   {Class: delivery.Fault, Ambiguous: true},
		"fine":    {Class: delivery.Delivered, Delivered: true},
	}
	if diff := cmp.Diff(want, settled); diff != "" {
		t.Errorf("settlements (-want +got):\n%s", diff)
	}
	if tried["refused"] != 1 || tried["fault"] != quick().Faults || tried["expired"] < 2 {
		t.Errorf("tries: %v, want one refused, %d faults, some expired", tried, quick().Faults)
	}
	var dead, attempts int
	err := pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM delivery WHERE outcome = 'dead'),
		(SELECT count(*) FROM attempt WHERE class = 'fault' AND status = 500 AND ambiguous)`).Scan(&dead, &attempts)
	if err != nil {
		t.Fatal(err)
	}
	if dead != 4 || attempts != quick().Faults {
		t.Errorf("recorded %d dead letters and %d faults, want 4 and %d", dead, attempts, quick().Faults)
	}
}

// What Settled enqueues is sent; what it refuses is settled again.
func TestSettledEnqueues(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	s := &sink{}
	var refusals atomic.Int32
	next := &delivery.Destination[word]{Name: "next", Send: s.send}
	first := &delivery.Destination[word]{Name: "first", Send: s.send}
	first.Settled = func(ctx context.Context, tx *delivery.Tx, w word, _ delivery.Settlement) error {
		if _, err := enqueue(ctx, tx, next, delivery.Header{Conversation: "b"}, word{"b", w.N}); err != nil {
			return err
		}
		if refusals.Add(1) == 1 {
			return errAway // the first settlement is rolled back, with what it enqueued
		}
		return nil
	}
	o, _ := begin(t, pool, quick(), "one", first, next)
	put(t, o, first, delivery.Header{Settle: true}, word{"a", 7})
	eventually(t, "settled", func() bool { return len(s.lane("b")) > 0 && idle(t, pool) })
	for _, lane := range []string{"a", "b"} {
		if diff := cmp.Diff([]int{7}, s.lane(lane)); diff != "" {
			t.Errorf("lane %s (-want +got):\n%s", lane, diff)
		}
	}
}

func TestConcurrencyCap(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	var inFlight, most atomic.Int32
	release := make(chan struct{})
	hung := &delivery.Destination[word]{Name: "hung", Concurrency: 3, Send: func(context.Context, word) error {
		n := inFlight.Add(1)
		defer inFlight.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-release
		return nil
	}}
	s := &sink{}
	healthy := &delivery.Destination[word]{Name: "healthy", Send: s.send}
	o, _ := begin(t, pool, quick(), "one", hung, healthy)
	for n := range 10 {
		put(t, o, hung, delivery.Header{}, word{string(rune('a' + n)), n})
	}
	eventually(t, "the cap reached", func() bool { return inFlight.Load() == 3 })
	put(t, o, healthy, delivery.Header{}, word{"h", 1})
	eventually(t, "the healthy peer served", func() bool { return s.total() == 1 })
	close(release)
	eventually(t, "all delivered", func() bool { return idle(t, pool) })
	if got := most.Load(); got != 3 {
		t.Errorf("%d sends in flight, want at most 3", got)
	}
}
