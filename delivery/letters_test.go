package delivery_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// moody is a sink that refuses some words until it is mended.
type moody struct {
	sink
	mood    sync.Mutex
	refuses []word
}

func newMoody(refuses ...word) *moody {
	m := &moody{refuses: refuses}
	m.fail = func(w word) error {
		m.mood.Lock()
		defer m.mood.Unlock()
		if slices.Contains(m.refuses, w) {
			return peerError{permanent: true, status: 400}
		}
		return nil
	}
	return m
}

func (m *moody) mend() {
	m.mood.Lock()
	defer m.mood.Unlock()
	m.refuses = nil
}

func letters(tb testing.TB, pool *pgxpool.Pool, f delivery.Filter) []delivery.Letter {
	tb.Helper()
	found, err := delivery.Letters(tb.Context(), pool, f, 100)
	if err != nil {
		tb.Fatal(err)
	}
	return found
}

// buried waits for so many letters.
func buried(tb testing.TB, pool *pgxpool.Pool, n int) []delivery.Letter {
	tb.Helper()
	eventually(tb, "letters", func() bool { return len(letters(tb, pool, delivery.Filter{})) == n })
	return letters(tb, pool, delivery.Filter{})
}

func order(f delivery.Filter) delivery.Order {
	return delivery.Order{Filter: f, Limit: 100, Actor: "ada", Subject: "a test"}
}

// audits returns how many decisions are on record.
func audits(tb testing.TB, pool *pgxpool.Pool) int {
	tb.Helper()
	var n int
	err := pool.QueryRow(tb.Context(), `SELECT count(*) FROM audit WHERE actor = 'ada' AND subject = 'a test'`).Scan(&n)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// TestRedrive: what was given up is sent once more behind what came since, in its
// own order, and only once however often it is asked for.
func TestRedrive(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	s := newMoody(word{"a", 0}, word{"a", 2}, word{"b", 0})
	d := &delivery.Destination[word]{Name: "x", Send: s.send}
	o, _ := begin(t, pool, quick(), "one", d)
	put(t, o, d, delivery.Header{Within: time.Hour}, word{"a", 0}, word{"a", 1}, word{"a", 2}, word{"a", 3}, word{"b", 0})
	buried(t, pool, 3)
	eventually(t, "the rest arrives", func() bool { return idle(t, pool) })
	s.mend()
	redriven, err := delivery.Redrive(t.Context(), pool, order(delivery.Filter{Conversation: "a"}))
	if err != nil || len(redriven) != 2 {
		t.Fatalf("redrove %+v, %v", redriven, err)
	}
	eventually(t, "both arrive, in order", func() bool { return slices.Equal(s.lane("a"), []int{1, 3, 0, 2}) })
	again, err := delivery.Redrive(t.Context(), pool, order(delivery.Filter{IDs: []int64{redriven[0].ID, redriven[1].ID}}))
	if err != nil || len(again) != 0 {
		t.Errorf("the second time redrove %+v, %v", again, err)
	}
	if n := audits(t, pool); n != 1 {
		t.Errorf("%d audit rows, want one for what changed something", n)
	}
	got, err := delivery.FindLetter(t.Context(), pool, redriven[0].ID)
	if err != nil || got.Outcome != "redriven" {
		t.Errorf("the letter is %+v, %v", got, err)
	}
	if left := letters(t, pool, delivery.Filter{}); len(left) != 1 || left[0].Conversation != "b" {
		t.Errorf("left: %+v", left)
	}
	eventually(t, "the lane is idle", func() bool { return idle(t, pool) })
	if got := len(s.lane("a")); got != 4 {
		t.Errorf("%d words arrived, want each once", got)
	}
}

// TestRedriveAtOnce: of many who redrive and drop a letter at the same time, one
// does it.
func TestRedriveAtOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	filled(t, pool, `
		INSERT INTO lane (destination, conversation, last_seq, acked_seq, epoch) VALUES ('x', 'a', 1, 1, 1);
		INSERT INTO delivery (destination, conversation, seq, key, payload, settle, outcome)
			VALUES ('x', 'a', 1, 'k', '{}', false, 'dead')`)
	var wg sync.WaitGroup
	var done atomic.Int64
	for n := range 16 {
		wg.Go(func() {
			decide := delivery.Redrive
			if n%2 == 0 {
				decide = delivery.Drop
			}
			decided, err := decide(t.Context(), pool, order(delivery.Filter{}))
			if err != nil {
				t.Error(err)
			}
			done.Add(int64(len(decided)))
		})
	}
	wg.Wait()
	got := lane(t, pool) // by who came first: dropped, or one copy
	if done.Load() != 1 || audits(t, pool) != 1 || got != "not parked 1/1" && got != "not parked 1/2" {
		t.Errorf("decided %d times, %d audit rows, the lane is %s", done.Load(), audits(t, pool), got)
	}
}

// TestRedriveHalted: a lane that stands still at its letter tries it in its own
// place, and what waited follows.
func TestRedriveHalted(t *testing.T) {
	t.Parallel()
	for action, want := range map[string][]int{"redrive": {0, 1, 2}, "drop": {1, 2}} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.DB(t, migrations.Schema())
			s := newMoody(word{"a", 0})
			c := quick()
			c.Poison = delivery.Halt
			d := &delivery.Destination[word]{Name: "x", Send: s.send}
			o, _ := begin(t, pool, c, "one", d)
			put(t, o, d, delivery.Header{}, word{"a", 0}, word{"a", 1}, word{"a", 2})
			id := buried(t, pool, 1)[0].ID
			s.mend()
			decide := map[string]func() ([]delivery.Letter, error){
				"redrive": func() ([]delivery.Letter, error) {
					return delivery.Redrive(t.Context(), pool, order(delivery.Filter{IDs: []int64{id}}))
				},
				"drop": func() ([]delivery.Letter, error) {
					return delivery.Drop(t.Context(), pool, order(delivery.Filter{IDs: []int64{id}}))
				},
			}[action]
			done, err := decide()
			if err != nil || len(done) != 1 || !done[0].Halts {
				t.Fatalf("decided %+v, %v; want the letter, halting its lane", done, err)
			}
			eventually(t, "the lane goes on", func() bool { return slices.Equal(s.lane("a"), want) && idle(t, pool) })
			if again, err := decide(); err != nil || len(again) != 0 || audits(t, pool) != 1 {
				t.Errorf("the second time: %+v, %v, %d audit rows", again, err, audits(t, pool))
			}
			last, err := delivery.LastDecision(t.Context(), pool, id)
			if err != nil || last.Action != action || last.Actor != "ada" {
				t.Errorf("on record: %+v, %v", last, err)
			}
			if got := len(s.lane("a")); got != len(want) {
				t.Errorf("%d words arrived, want %d", got, len(want))
			}
		})
	}
}

// TestRedriveParked: a lane whose peer wants no more stays parked; what was
// redriven waits in it, although the letter is the last one behind the cursor.
func TestRedriveParked(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	s := &sink{fail: func(w word) error {
		if w.N == 0 {
			return peerError{permanent: true, status: 400}
		}
		return blockedError{}
	}}
	d := &delivery.Destination[word]{Name: "x", Send: s.send}
	o, _ := begin(t, pool, quick(), "one", d)
	put(t, o, d, delivery.Header{}, word{"a", 0}, word{"a", 1}, word{"a", 2})
	letter := buried(t, pool, 1)[0]
	eventually(t, "the lane is parked", func() bool { return lane(t, pool) == "parked 1/3" })
	if letters(t, pool, delivery.Filter{})[0].Halts {
		t.Error("the letter is taken for what the lane stands still for")
	}
	if _, err := delivery.Redrive(t.Context(), pool, order(delivery.Filter{IDs: []int64{letter.ID}})); err != nil {
		t.Fatal(err)
	}
	if got := lane(t, pool); got != "parked 1/4" {
		t.Errorf("the lane is %s, want it parked with one more", got)
	}
}

// lane describes lane a of destination x.
func lane(tb testing.TB, pool *pgxpool.Pool) string {
	tb.Helper()
	var parked bool
	var acked, last int
	err := pool.QueryRow(tb.Context(), `SELECT parked_at IS NOT NULL, acked_seq, last_seq FROM lane
		WHERE destination = 'x' AND conversation = 'a'`).Scan(&parked, &acked, &last)
	if err != nil {
		tb.Fatal(err)
	}
	return fmt.Sprintf("%s %d/%d", map[bool]string{true: "parked", false: "not parked"}[parked], acked, last)
}

// TestLettersFilter: each filter leaves out what it says, and no more.
func TestLettersFilter(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	filled(t, pool, `
		INSERT INTO lane (destination, conversation, last_seq, acked_seq, epoch) VALUES ('x', 'a', 3, 3, 1), ('y', 'b', 1, 1, 1);
		INSERT INTO delivery (destination, conversation, seq, key, payload, settle, outcome, reason, buried_at) VALUES
			('x', 'a', 1, 'k1', '{}', false, 'dead', 'refused, status 400', now() - interval '3 hours'),
			('x', 'a', 2, 'k2', '{}', false, 'held', 'unavailable, status 503, ambiguous', now() - interval '2 hours'),
			('x', 'a', 3, 'k3', '{}', false, 'dropped', 'refused, status 400', now()),
			('y', 'b', 1, 'k4', '{}', false, 'dead', 'expired', now() - interval '1 hour')`)
	for name, tc := range map[string]struct {
		filter delivery.Filter
		want   []string
	}{
		"none":          {delivery.Filter{}, []string{"k4", "k2", "k1"}},
		"conversation":  {delivery.Filter{Conversation: "a"}, []string{"k2", "k1"}},
		"destination":   {delivery.Filter{Destination: "y"}, []string{"k4"}},
		"state":         {delivery.Filter{Outcome: "held"}, []string{"k2"}},
		"reason":        {delivery.Filter{Reason: "STATUS 400"}, []string{"k1"}},
		"no pattern":    {delivery.Filter{Reason: "%"}, nil},
		"older":         {delivery.Filter{OlderThan: 150 * time.Minute}, []string{"k1"}},
		"newer":         {delivery.Filter{NewerThan: 150 * time.Minute}, []string{"k4", "k2"}},
		"two together":  {delivery.Filter{Destination: "x", Outcome: "dead"}, []string{"k1"}},
		"nothing there": {delivery.Filter{Conversation: "c"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var keys []string
			for _, l := range letters(t, pool, tc.filter) {
				keys = append(keys, l.Key)
			}
			if diff := cmp.Diff(tc.want, keys); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("unknown id", func(t *testing.T) {
		t.Parallel()
		if _, err := delivery.FindLetter(t.Context(), pool, 999); !errors.Is(err, delivery.ErrNoLetter) {
			t.Errorf("got %v", err)
		}
	})
}

func filled(tb testing.TB, pool *pgxpool.Pool, sql string) {
	tb.Helper()
	if _, err := pool.Exec(tb.Context(), sql); err != nil {
		tb.Fatal(err)
	}
}
