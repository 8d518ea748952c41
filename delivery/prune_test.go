package delivery_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

const (
	week  = 7 * 24 * time.Hour
	month = 30 * 24 * time.Hour
)

func run(tb testing.TB, pool *pgxpool.Pool, sql string, args ...any) {
	tb.Helper()
	if _, err := pool.Exec(tb.Context(), sql, args...); err != nil {
		tb.Fatal(err)
	}
}

// age makes everything that is on record so much older.
func age(tb testing.TB, pool *pgxpool.Pool, by time.Duration) {
	tb.Helper()
	for _, sql := range []string{
		`UPDATE delivery SET created_at = created_at - $1::interval`,
		`UPDATE attempt SET began_at = began_at - $1::interval`,
		`UPDATE accepted SET accepted_at = accepted_at - $1::interval`,
	} {
		run(tb, pool, sql, by)
	}
}

func prune(tb testing.TB, pool *pgxpool.Pool) delivery.Pruned {
	tb.Helper()
	did, err := delivery.Prune(tb.Context(), pool, month, week)
	if err != nil {
		tb.Fatal(err)
	}
	return did
}

// left lists the deliveries on record, with the number of their attempts.
func left(tb testing.TB, pool *pgxpool.Pool) []string {
	tb.Helper()
	rows, err := pool.Query(tb.Context(), `
		SELECT conversation || ' ' || seq || ' ' || COALESCE(outcome, '-') || ' ' || (
			SELECT count(*) FROM attempt AS a
			WHERE (a.destination, a.conversation, a.seq) = (d.destination, d.conversation, d.seq))
		FROM delivery AS d
		ORDER BY 1`)
	if err != nil {
		tb.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// TestPrune: what is over goes at its age, letters nobody decided about at twice
// that, and what is pending never.
func TestPrune(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	s := &sink{fail: func(w word) error {
		switch {
		case w.Lane == "letter" && w.N == 1:
			return peerError{permanent: true, status: 400}
		case w.Lane == "away":
			return errAway
		}
		return nil
	}}
	d := &delivery.Destination[word]{Name: "sink", Send: s.send}
	o, stop := begin(t, pool, quick(), "a", d)
	put(t, o, d, delivery.Header{}, word{"fine", 0}, word{"letter", 0}, word{"letter", 1}, word{"decided", 0}, word{"away", 0})
	eventually(t, "all but one are over", func() bool {
		c := count(t, pool)
		return c.Pending == 1 && c.Delivered == 3 && c.Dead == 1
	})
	stop()
	run(t, pool, `UPDATE delivery SET outcome = 'redriven' WHERE conversation = 'decided'`)
	run(t, pool, `DELETE FROM attempt WHERE conversation = 'away'`)
	before := count(t, pool)

	for _, step := range []struct {
		older time.Duration
		lanes int64
		want  []string
	}{
		{month - time.Hour, 0, []string{"away 1 - 0", "decided 1 redriven 1", "fine 1 - 1", "letter 1 - 1", "letter 2 dead 1"}},
		{2 * time.Hour, 2, []string{"away 1 - 0", "letter 2 dead 1"}},
		{month - 2*time.Hour, 0, []string{"away 1 - 0", "letter 2 dead 1"}},
		{2 * time.Hour, 1, []string{"away 1 - 0"}},
	} {
		age(t, pool, step.older)
		did := prune(t, pool)
		if diff := cmp.Diff(step.want, left(t, pool)); diff != "" || did.Lanes != step.lanes {
			t.Fatalf("pruned %+v, left (-want +got):\n%s", did, diff)
		}
		if did := prune(t, pool); did != (delivery.Pruned{}) {
			t.Errorf("a second time pruned %+v", did)
		}
		after := count(t, pool)
		before.Oldest, after.Oldest = 0, 0
		if diff := cmp.Diff(before, after); diff != "" {
			t.Fatalf("counts changed (-before +after):\n%s", diff)
		}
		if step.lanes == 2 {
			before = count(t, pool)
		}
	}
}

// TestPruneKeepsWhatWasAccepted: a repeat within a week has no effect, also where
// its lane is long gone; a lane that was pruned begins anew.
func TestPruneKeepsWhatWasAccepted(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	s := &sink{}
	d := &delivery.Destination[word]{Name: "sink", Send: s.send}
	o, _ := begin(t, pool, quick(), "a", d)
	h := delivery.Header{Scope: "s", Key: "k"}
	put(t, o, d, h, word{"a", 0})
	eventually(t, "it arrives", func() bool { return idle(t, pool) })
	run(t, pool, `UPDATE delivery SET created_at = created_at - interval '31 days'`)
	run(t, pool, `UPDATE accepted SET accepted_at = accepted_at - interval '6 days 23 hours'`)
	if did := prune(t, pool); did != (delivery.Pruned{Deliveries: 1, Attempts: 1, Lanes: 1}) {
		t.Fatalf("pruned %+v", did)
	}
	put(t, o, d, h, word{"a", 1})
	put(t, o, d, delivery.Header{}, word{"a", 2})
	eventually(t, "the new one arrives", func() bool { return len(s.lane("a")) == 2 })
	run(t, pool, `UPDATE accepted SET accepted_at = accepted_at - interval '1 hour'`)
	if did := prune(t, pool); did != (delivery.Pruned{Accepted: 1}) {
		t.Fatalf("pruned %+v", did)
	}
	put(t, o, d, h, word{"a", 3})
	eventually(t, "after a week it is new", func() bool { return len(s.lane("a")) == 3 })
	if got := s.lane("a"); !slices.Equal(got, []int{0, 2, 3}) {
		t.Errorf("got %v", got)
	}
}

// TestPruneUnderTraffic prunes everything as soon as it is over, by two pruners,
// while lanes come, go and come again.
func TestPruneUnderTraffic(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	s := &sink{}
	d := &delivery.Destination[word]{Name: "sink", Send: s.send}
	o, _ := begin(t, pool, quick(), "a", d)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	pruners := make(chan error, 2)
	for range cap(pruners) {
		go func() {
			for ctx.Err() == nil {
				if _, err := delivery.Prune(context.WithoutCancel(ctx), pool, time.Nanosecond, week); err != nil {
					pruners <- err
					return
				}
			}
			pruners <- nil
		}()
	}
	const lanes, each = 10, 30
	var slowest time.Duration
	for n := range each {
		began := time.Now()
		for l := range lanes {
			put(t, o, d, delivery.Header{}, word{fmt.Sprint(l), n})
		}
		slowest = max(slowest, time.Since(began)/lanes)
		conserved(t, pool)
	}
	eventually(t, "all arrive", func() bool { return s.total() >= lanes*each && idle(t, pool) })
	cancel()
	for range cap(pruners) {
		if err := <-pruners; err != nil {
			t.Error(err)
		}
	}
	for l := range lanes {
		if diff := cmp.Diff(numbers(each), s.lane(fmt.Sprint(l))); diff != "" {
			t.Errorf("lane %d (-want +got):\n%s", l, diff)
		}
	}
	if slowest > 2*time.Second {
		t.Errorf("a promise took %s while pruning", slowest)
	}
	if c := count(t, pool); c.Accepted != lanes*each || c.Delivered != lanes*each {
		t.Errorf("counts are %+v", c)
	}
}

// TestPruneWaitsForNobody: rows that somebody has locked are left for later.
func TestPruneWaitsForNobody(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	s := &sink{}
	d := &delivery.Destination[word]{Name: "sink", Send: s.send}
	o, stop := begin(t, pool, quick(), "a", d)
	put(t, o, d, delivery.Header{Scope: "s", Key: "k"}, word{"a", 0})
	eventually(t, "it arrives", func() bool { return idle(t, pool) })
	stop()
	age(t, pool, 2*month)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT FROM lane FOR NO KEY UPDATE`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	did, err := delivery.Prune(ctx, pool, month, week)
	if err != nil || did != (delivery.Pruned{Accepted: 1, Deliveries: 1, Attempts: 1}) {
		t.Errorf("pruned %+v, %v", did, err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}
