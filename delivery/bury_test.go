package delivery_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// TestParkedLanesEnd: what waits too long for a peer that wants no more is given
// up, and on record; what is younger waits on. Nothing is lost count of.
func TestParkedLanesEnd(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	s := &sink{fail: func(w word) error {
		if w.Lane == "fine" {
			return nil
		}
		return blockedError{}
	}}
	d := &delivery.Destination[word]{Name: "x", Send: s.send}
	o, stop := begin(t, pool, quick(), "one", d)
	put(t, o, d, delivery.Header{}, word{"old", 0}, word{"old", 1}, word{"both", 0}, word{"fine", 0})
	eventually(t, "two lanes are parked", func() bool { c := count(t, pool); return c.Held == 3 && c.Delivered == 1 })
	age(t, pool, month+time.Hour)
	put(t, o, d, delivery.Header{}, word{"both", 1}, word{"young", 0})
	eventually(t, "a third is", func() bool { return count(t, pool).Held == 5 })
	stop()

	if did := prune(t, pool); did.Buried != 3 {
		t.Errorf("pruned %+v", did)
	}
	conserved(t, pool)
	want := delivery.Count{Destination: "x", Accepted: 6, Delivered: 1, Dead: 3, Held: 2}
	if diff := cmp.Diff(want, count(t, pool)); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"both 1 dead 1", "both 2 - 0", "old 1 dead 1", "old 2 dead 0", "young 1 - 1"}, left(t, pool)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	var noted int
	if err := pool.QueryRow(t.Context(), `SELECT (detail ->> 'letters')::int FROM audit WHERE action = 'bury'`).Scan(&noted); err != nil || noted != 3 {
		t.Errorf("on record are %d, %v", noted, err)
	}
	if did := prune(t, pool); did != (delivery.Pruned{}) {
		t.Errorf("a second time pruned %+v", did)
	}

	age(t, pool, month)
	prune(t, pool)
	conserved(t, pool)
	if diff := cmp.Diff([]string{"both 2 dead 0", "young 1 dead 1"}, left(t, pool)); diff != "" {
		t.Errorf("a month later are left (-want +got):\n%s", diff)
	}
}

// TestParkedLaneBeginsAnew: behind what was given up, the peer is asked again.
func TestParkedLaneBeginsAnew(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	s := &sink{fail: func(w word) error {
		if w.N == 0 {
			return blockedError{}
		}
		return nil
	}}
	d := &delivery.Destination[word]{Name: "x", Send: s.send}
	o, _ := begin(t, pool, quick(), "one", d)
	put(t, o, d, delivery.Header{}, word{"a", 0})
	eventually(t, "the lane is parked", func() bool { return count(t, pool).Held == 1 })
	age(t, pool, month+time.Hour)
	prune(t, pool)
	put(t, o, d, delivery.Header{}, word{"a", 1})
	eventually(t, "the next arrives", func() bool { return len(s.lane("a")) == 1 })
}

// TestPruneForEver: what is kept for ever is kept, and what tells repeats is not.
func TestPruneForEver(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	s := &sink{}
	d := &delivery.Destination[word]{Name: "x", Send: s.send}
	o, _ := begin(t, pool, quick(), "one", d)
	put(t, o, d, delivery.Header{Scope: "s", Key: "k"}, word{"a", 0})
	eventually(t, "it is delivered", func() bool { return idle(t, pool) })
	if err := o.Unheard(t.Context(), "s", "like", "k"); err != nil {
		t.Fatal(err)
	}
	age(t, pool, 12*month)
	run(t, pool, `UPDATE unheard SET at = now() - interval '2 minutes'`)
	did, err := delivery.Prune(t.Context(), pool, 0, week)
	if err != nil || did != (delivery.Pruned{Accepted: 1}) {
		t.Errorf("pruned %+v, %v", did, err)
	}
	var notes int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM unheard`).Scan(&notes); err != nil || notes != 0 {
		t.Errorf("%d notes are left, %v", notes, err)
	}
}
