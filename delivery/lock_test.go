package delivery_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// A lane whose row somebody keeps locked waits alone: the others' messages are
// acknowledged, and their leases renewed, meanwhile.
func TestLockedLaneHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	sending, goOn, long := make(chan struct{}, 2), make(chan struct{}), make(chan struct{})
	s := &sink{}
	d := &delivery.Destination[word]{Name: "x", Send: func(ctx context.Context, w word) error {
		switch w.Lane {
		case "locked":
			sending <- struct{}{}
			<-goOn
		case "long":
			sending <- struct{}{}
			<-long
		}
		return s.send(ctx, w)
	}}
	c := quick()
	c.Timeout = time.Minute
	o, _ := begin(t, pool, c, "one", d)
	put(t, o, d, delivery.Header{}, word{"locked", 0})
	put(t, o, d, delivery.Header{}, word{"long", 0})
	<-sending
	<-sending
	tx := lock(t, pool, "locked")
	close(goOn)
	put(t, o, d, delivery.Header{}, word{"free", 0}, word{"free", 1}, word{"free", 2})
	eventually(t, "the free lane's words delivered", func() bool { return len(s.lane("free")) == 3 })
	<-time.After(c.Lease * 6 / 5)
	begin(t, pool, c, "two", d)
	<-time.After(2 * c.Poll)
	close(long)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "every lane idle", func() bool { return idle(t, pool) })
	if diff := cmp.Diff([]int{0}, s.lane("long")); diff != "" {
		t.Errorf("a lane whose lease was renewed (-want +got):\n%s", diff)
	}
}

// An attempt whose lease cannot be renewed ends with it: whoever comes next may send
// from then on.
func TestAttemptEndsWithItsLease(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	sending, ended := make(chan struct{}), make(chan time.Time, 1)
	var again atomic.Bool
	d := &delivery.Destination[word]{Name: "x", Send: func(ctx context.Context, _ word) error {
		if again.Swap(true) {
			return nil
		}
		close(sending)
		<-ctx.Done()
		ended <- time.Now()
		return ctx.Err()
	}}
	c := quick()
	c.Lease, c.Timeout = time.Second, 30*time.Second
	o, _ := begin(t, pool, c, "one", d)
	put(t, o, d, delivery.Header{}, word{"a", 0})
	<-sending
	began := time.Now()
	tx := lock(t, pool, "a")
	took := (<-ended).Sub(began)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took > 25*c.Lease {
		t.Errorf("it went on for %s", took)
	}
	eventually(t, "every lane idle", func() bool { return idle(t, pool) })
}

// A transaction may enqueue to lanes in any order, while acknowledgements of the
// same lanes are written:
//
//	transaction       acknowledgements
//	lane b
//	                  lanes a and b
//	lane a
func TestNoDeadlockWithAcknowledgements(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	sending, goOn := make(chan struct{}, 3), make(map[string]chan struct{})
	for _, lane := range []string{"a", "b", "first"} {
		goOn[lane] = make(chan struct{})
	}
	s := &sink{}
	d := &delivery.Destination[word]{Name: "x", Send: func(ctx context.Context, w word) error {
		if w.N == 0 {
			sending <- struct{}{}
			<-goOn[w.Lane]
		}
		return s.send(ctx, w)
	}}
	o, _ := begin(t, pool, quick(), "one", d)
	for lane := range goOn {
		put(t, o, d, delivery.Header{}, word{lane, 0})
		<-sending
	}
	// While the acknowledgement of the first lane waits, those of a and b gather.
	first := lock(t, pool, "first")
	close(goOn["first"])
	eventually(t, "sent", func() bool { return s.total() == 1 })
	<-time.After(50 * time.Millisecond)
	var runs atomic.Int32
	locked, acking := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := o.Transact(t.Context(), func(tx *delivery.Tx) error {
			again := runs.Add(1) > 1
			if _, err := tx.Exec(t.Context(), `SET LOCAL deadlock_timeout = '10ms'`); err != nil { // it is the one to find it
				return err
			}
			if _, err := enqueue(t.Context(), tx, d, delivery.Header{Conversation: "b"}, word{"b", 1}); err != nil {
				return err
			}
			if !again {
				close(locked)
				<-acking
			}
			_, err := enqueue(t.Context(), tx, d, delivery.Header{Conversation: "a"}, word{"a", 1})
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-locked
	close(goOn["a"])
	close(goOn["b"])
	eventually(t, "sent", func() bool { return s.total() == 3 })
	<-time.After(50 * time.Millisecond)
	if err := first.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-time.After(50 * time.Millisecond)
	close(acking)
	wg.Wait()
	eventually(t, "all delivered", func() bool { return s.total() == 5 && idle(t, pool) })
	if n := runs.Load(); n > 1 {
		t.Errorf("the transaction ran %d times", n)
	}
}

// lock keeps a lane's row locked until the returned transaction ends.
func lock(tb testing.TB, db *pgxpool.Pool, lane string) pgx.Tx {
	tb.Helper()
	tx, err := db.Begin(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := tx.Exec(tb.Context(), `SELECT FROM lane WHERE conversation = $1 FOR UPDATE`, lane); err != nil {
		tb.Fatal(err)
	}
	return tx
}
