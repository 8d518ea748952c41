package delivery_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// What was perhaps sent by a process that died is ambiguous when it is given up,
// whoever gives it up and however often it was tried in between.
func TestDoubtSurvives(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		owner  string
		within time.Duration
		want   bool
	}{
		"a restart":                {"one/dead", time.Millisecond, true},
		"tries of the next owner":  {"two/dead", 300 * time.Millisecond, true},
		"not where there was none": {"", time.Millisecond, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.DB(t, migrations.Schema())
			settled := make(chan delivery.Settlement, 1)
			d := &delivery.Destination[word]{
				Name: "x",
				Send: func(context.Context, word) error { return peerError{unavailable: true, status: 503} },
				Settled: func(_ context.Context, _ *delivery.Tx, _ word, s delivery.Settlement) error {
					settled <- s
					return nil
				},
			}
			writer := delivery.New(pool, slog.New(slog.DiscardHandler), quick(), "writer", d)
			put(t, writer, d, delivery.Header{Within: row.within}, word{"a", 0})
			own(t, pool, row.owner)
			<-time.After(2 * time.Millisecond)
			begin(t, pool, quick(), "one", d)
			if s := <-settled; s.Class != delivery.Expired || s.Ambiguous != row.want {
				t.Errorf("settled as %+v, want expired and ambiguous %t", s, row.want)
			}
		})
	}
}

// What only waited for its turn when its owner died was not sent, and is in no
// doubt.
func TestWaitingForATurnLeavesNoDoubt(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	c := quick()
	c.Ambiguous = delivery.Hold // one doubt would hold it
	var sent atomic.Int32
	d := &delivery.Destination[word]{
		Name: "x", Limits: delivery.Limits{Shared: delivery.Window{N: 5, Per: time.Second}},
		Budget: func(word) string { return "tenant" },
		Send:   func(context.Context, word) error { sent.Add(1); return nil },
	}
	one, _ := begin(t, pool, c, "one", d)
	const burst = 8
	var lanes int32
	var waiting int64
	eventually(t, "lanes wait for their turn, and their owner dies", func() bool {
		if lanes < sent.Load()+burst/2 { // more at once than there are turns
			var words []word
			for range burst {
				lanes++
				words = append(words, word{fmt.Sprint(lanes), 0})
			}
			put(t, one, d, delivery.Header{}, words...)
		}
		tag, err := pool.Exec(t.Context(), `UPDATE lane SET owner = 'dead/dead', ready_at = now() WHERE unsent = epoch AND owner LIKE 'one/%'`)
		if err != nil {
			t.Fatal(err)
		}
		waiting += tag.RowsAffected()
		return waiting > 0
	})
	eventually(t, "all are sent", func() bool { return idle(t, pool) && sent.Load() == lanes })
	doubts := 0
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM attempt WHERE class = 'lost'`).Scan(&doubts); err != nil {
		t.Fatal(err)
	}
	if doubts > 0 {
		t.Errorf("%d of %d lanes that waited were in doubt", doubts, waiting)
	}
}

// A doubt is not forgotten by who takes the lane over and stops before it looks
// at it.
func TestDoubtOutlivesAHandOver(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	c := quick()
	c.Ambiguous = delivery.Hold // one doubt holds it
	s := &sink{}
	d := &delivery.Destination[word]{Name: "x", Send: s.send}
	writer := delivery.New(pool, slog.New(slog.DiscardHandler), c, "writer", d)
	put(t, writer, d, delivery.Header{}, word{"a", 0})
	own(t, pool, "gone/dead")
	stopping, stop := context.WithCancel(t.Context())
	stop()
	if err := delivery.New(pool, slog.New(slog.DiscardHandler), c, "one", d).Run(stopping); err != nil {
		t.Fatal(err)
	}
	begin(t, pool, c, "two", d)
	eventually(t, "decided", func() bool { return idle(t, pool) })
	if n := s.total(); n > 0 {
		t.Errorf("sent %d times, and may have been before", n)
	}
}

// What is in doubt too often is not sent by whoever gets it from an owner that
// stopped before it could give it up.
func TestDoubtedIsNotSent(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	s := &sink{}
	d := &delivery.Destination[word]{Name: "x", Send: s.send}
	writer := delivery.New(pool, slog.New(slog.DiscardHandler), quick(), "writer", d)
	put(t, writer, d, delivery.Header{}, word{"a", 0}, word{"a", 1})
	if _, err := pool.Exec(t.Context(), `UPDATE lane SET doubts = 2`); err != nil {
		t.Fatal(err)
	}
	begin(t, pool, quick(), "one", d)
	eventually(t, "decided", func() bool { return idle(t, pool) })
	if diff := cmp.Diff([]int{1}, s.lane("a")); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

// own makes every lane look as a dead owner left it; "" leaves them alone.
func own(tb testing.TB, pool *pgxpool.Pool, owner string) {
	tb.Helper()
	_, err := pool.Exec(tb.Context(), `UPDATE lane SET owner = NULLIF($1, ''), epoch = epoch + 1`, owner)
	if err != nil {
		tb.Fatal(err)
	}
}

// A replica takes back its own lanes, not those of one whose name begins alike.
func TestTakeBackKnowsItsName(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	sending, goOn := make(chan struct{}, 2), make(chan struct{})
	d := &delivery.Destination[word]{Name: "x", Send: func(context.Context, word) error {
		sending <- struct{}{}
		<-goOn
		return nil
	}}
	first, _ := begin(t, pool, quick(), "pod/a", d)
	put(t, first, d, delivery.Header{}, word{"a", 0})
	<-sending
	begin(t, pool, quick(), "pod", d)
	select {
	case <-sending:
		t.Error("the lane of a living replica was taken")
	case <-time.After(300 * time.Millisecond):
	}
	close(goOn)
}

type patientError struct{ after time.Duration }

func (patientError) Error() string               { return "come again later" }
func (patientError) Unavailable() bool           { return true }
func (e patientError) RetryAfter() time.Duration { return e.after }

// A peer that asks for more patience than there is does not hold the lane longer
// than an absent one.
func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	d := &delivery.Destination[word]{Name: "x", Send: func(context.Context, word) error {
		return patientError{365 * 24 * time.Hour}
	}}
	c := quick()
	c.GiveUp = 200 * time.Millisecond
	o, _ := begin(t, pool, c, "one", d)
	put(t, o, d, delivery.Header{}, word{"a", 0})
	eventually(t, "a dead letter", func() bool { return idle(t, pool) })
}

// A lease counts from when the lane was taken, not from when its transaction
// began.
func TestSlowTransactionHasItsWholeLease(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	sending, goOn := make(chan string, 2), make(chan struct{})
	var runs atomic.Bool // the first
	destination := func(replica string) *delivery.Destination[word] {
		return &delivery.Destination[word]{Name: "x", Send: func(_ context.Context, w word) error {
			switch {
			case w.Lane == "slow":
				sending <- replica
				<-goOn
			case replica == "one":
				runs.Store(true)
			}
			return nil
		}}
	}
	c := quick()
	c.Lease = 4 * time.Second // more than a busy machine stops for
	one := destination("one")
	first, _ := begin(t, pool, c, "one", one)
	begin(t, pool, c, "two", destination("two"))
	eventually(t, "running", func() bool {
		if idle(t, pool) {
			put(t, first, one, delivery.Header{}, word{"probe", 0})
		}
		return runs.Load()
	})
	err := first.Transact(t.Context(), func(tx *delivery.Tx) error {
		<-time.After(c.Lease)
		_, err := enqueue(t.Context(), tx, one, delivery.Header{Conversation: "slow"}, word{"slow", 0})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if owner := <-sending; owner != "one" {
		t.Errorf("sent by %s, want one", owner)
	}
	select {
	case owner := <-sending:
		t.Errorf("sent by %s as well", owner)
	case <-time.After(200 * time.Millisecond):
	}
	close(goOn)
}
