package delivery_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

func TestNothingIsSentBeforeRun(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	s := &sink{}
	d := &delivery.Destination[word]{Name: "x", Send: s.send}
	idleOne := delivery.New(pool, slog.New(slog.DiscardHandler), quick(), "writer", d)
	put(t, idleOne, d, delivery.Header{}, word{"a", 0}, word{"a", 1})
	if n := s.total(); n != 0 {
		t.Fatalf("%d sent by an outbox that does not run", n)
	}
	begin(t, pool, quick(), "sender", d)
	eventually(t, "both delivered", func() bool { return len(s.lane("a")) == 2 })
}

// An attempt in flight finishes and is recorded, what waits behind it is left
// for others at once.
func TestDrain(t *testing.T) {
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
	first, stop := begin(t, pool, quick(), "one", d)
	eventually(t, "running", func() bool {
		put(t, first, d, delivery.Header{}, word{"probe", 1})
		return s.total() > 0
	})
	put(t, first, d, delivery.Header{}, word{"a", 0}, word{"a", 1})
	<-sending
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	select {
	case <-stopped:
		t.Fatal("stopped while an attempt was in flight")
	case <-time.After(50 * time.Millisecond):
	}
	close(goOn)
	<-stopped
	if diff := cmp.Diff([]int{0}, s.lane("a")); diff != "" {
		t.Fatalf("after the drain (-want +got):\n%s", diff)
	}
	c := quick()
	c.Lease = time.Hour // waiting for a lease to run out would take too long
	begin(t, pool, c, "two", d)
	eventually(t, "the rest delivered", func() bool { return len(s.lane("a")) == 2 })
}

// A claim that was made while the outbox was told to end is given back: its lease
// would hold up the lane for nothing. It has a second to end, which a machine that stops
// may miss now and then.
func TestDrainLeavesNoClaimBehind(t *testing.T) {
	t.Parallel()
	for range 3 {
		if claimGivenBack(t) {
			return
		}
	}
	t.Error("each time the lane is held by an owner that has ended")
}

// claimGivenBack ends an outbox in the middle of a claim, and reports whether the lane is
// free then.
func claimGivenBack(t *testing.T) (free bool) {
	t.Helper()
	pool := pgtest.DB(t, migrations.Schema())
	s := &sink{}
	d := &delivery.Destination[word]{Name: "x", Send: s.send}
	put(t, delivery.New(pool, slog.New(slog.DiscardHandler), quick(), "writer", d), d, delivery.Header{}, word{"a", 0})
	late, release := pgtest.Late(t, pool, "UPDATE lane AS l")
	c := quick()
	c.Lease, c.Drain = time.Hour, time.Minute // waiting for a lease to run out would take too long
	_, stop := begin(t, late, c, "one", d)
	lane := func(sql string) (is bool) {
		t.Helper()
		if err := pool.QueryRow(t.Context(), `SELECT `+sql+` FROM lane`).Scan(&is); err != nil {
			t.Fatal(err)
		}
		return is
	}
	eventually(t, "the claim", func() bool { return lane(`owner IS NOT NULL AND ready_at > now()`) })
	time.AfterFunc(100*time.Millisecond, release)
	stop()
	if !lane(`ready_at IS NULL OR ready_at <= now()`) {
		return false
	}
	begin(t, pool, c, "two", d)
	eventually(t, "delivered", func() bool { return len(s.lane("a")) == 1 })
	return true
}

// While the first owner's attempt hangs:
//
//	first            second
//	send 0 …
//	                 takes the lane, epoch+1
//	… send 0 ends
//	settle: the epoch is not its own, nothing is written
//	                 send 0, ack, send 1, ack
func TestStalledOwnerRecordsNothing(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	sending, goOn := make(chan struct{}), make(chan struct{})
	stalled := &delivery.Destination[word]{Name: "x", Send: func(context.Context, word) error {
		close(sending)
		<-goOn // deaf to its context, like a frozen process
		return peerError{permanent: true, status: 400}
	}}
	first, stop := begin(t, pool, quick(), "one", stalled)
	put(t, first, stalled, delivery.Header{}, word{"a", 0}, word{"a", 1})
	<-sending
	tag, err := pool.Exec(t.Context(), `UPDATE lane
		SET owner = 'two/before', epoch = epoch + 1, ready_at = now() + interval '1 hour'`)
	if err != nil || tag.RowsAffected() != 1 {
		t.Fatal(tag, err)
	}
	close(goOn)
	stop()
	var cursor, dead int
	err = pool.QueryRow(t.Context(), `SELECT acked_seq, (SELECT count(*) FROM delivery WHERE outcome IS NOT NULL) FROM lane`).
		Scan(&cursor, &dead)
	if err != nil {
		t.Fatal(err)
	}
	if cursor != 0 || dead != 0 {
		t.Errorf("the stalled owner moved the cursor to %d and buried %d deliveries it did not own", cursor, dead)
	}
	s := &sink{}
	healthy := &delivery.Destination[word]{Name: "x", Send: s.send}
	begin(t, pool, quick(), "two", healthy) // takes back what its last run held
	eventually(t, "the second owner delivered", func() bool { return len(s.lane("a")) == 2 && idle(t, pool) })
}

// An attempt that takes longer than the lease keeps the lane.
func TestLongAttemptKeepsItsLane(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	s := &sink{}
	goOn := make(chan struct{})
	d := &delivery.Destination[word]{Name: "x", Send: func(ctx context.Context, w word) error {
		if w.N == 0 {
			<-goOn
		}
		return s.send(ctx, w)
	}}
	c := quick()
	c.Timeout = time.Minute
	first, _ := begin(t, pool, c, "one", d)
	put(t, first, d, delivery.Header{}, word{"a", 0}, word{"a", 1})
	begin(t, pool, c, "two", d)
	<-time.After(c.Lease * 6 / 5)
	close(goOn)
	eventually(t, "both delivered", func() bool { return len(s.lane("a")) >= 2 && idle(t, pool) })
	if diff := cmp.Diff([]int{0, 1}, s.lane("a")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
