package delivery_test

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// A stage is a real outbox beside its model.
type stage struct {
	rules

	pool         *pgxpool.Pool
	name         string // begins its lanes' names: all cases share a database
	to           *delivery.Destination[word]
	runs, writes *delivery.Outbox // writes does not run: what it leaves, runs takes
	peer         *actor
	scripts      map[int]*script // the model's
	queues       map[string]*queue
	accepted     map[string]bool
	promised     map[int]int // how often each word was: redriving does it again
	words        int
}

func (s *stage) transact(t *rapid.T, o *delivery.Outbox, f func(*delivery.Tx) error) {
	if err := o.Transact(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// still waits until no lane has anything to do.
func (s *stage) still(t *rapid.T) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for {
		var busy int
		err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM lane
			WHERE starts_with(conversation, $1) AND ready_at IS NOT NULL`, s.name).Scan(&busy)
		if err != nil {
			t.Fatal(err)
		}
		if busy == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d lanes of %s are still busy", busy, s.name)
		}
	}
}

// lost says who does a step: the replica that runs, or one that dies over it.
func (s *stage) lost(t *rapid.T) (bool, *delivery.Outbox) {
	if rapid.IntRange(0, 2).Draw(t, "owner lost") < 2 {
		return false, s.runs
	}
	s.still(t)
	return true, s.writes
}

// lose lets the owner of what tx made busy go away, perhaps when it had sent it.
func (s *stage) lose(t *rapid.T, tx *delivery.Tx) error {
	_, err := tx.Exec(t.Context(), `UPDATE lane SET owner = 'gone/dead', epoch = epoch + 1
		WHERE starts_with(conversation, $1) AND ready_at IS NOT NULL`, s.name)
	return err
}

// play lets the model do what the real one does meanwhile. What is pending in a
// queue that may send was left by the owner that was lost, if one was.
func (s *stage) play(lost, sent bool) {
	for _, q := range s.queues {
		if q.pending() && !q.parked && lost {
			q.lose()
			if sent {
				s.peer.mu.Lock()
				s.peer.copies[q.promises[q.acked].n]++
				s.peer.mu.Unlock()
			}
		}
		s.rules.play(q, s.scripts)
	}
}

// put enqueues a few words, some under keys that were accepted before.
func (s *stage) put(t *rapid.T) {
	lost, by := s.lost(t)
	sent := lost && rapid.Bool().Draw(t, "sent before")
	var items []delivery.Item
	var want []bool
	for range rapid.IntRange(1, 4).Draw(t, "words") {
		item, fresh := s.word(t)
		items, want = append(items, item), append(want, fresh)
	}
	var got []bool
	s.transact(t, by, func(tx *delivery.Tx) (err error) {
		if got, err = tx.Enqueue(t.Context(), items...); err != nil || !lost {
			return err
		}
		return s.lose(t, tx)
	})
	if !slices.Equal(got, want) {
		t.Fatalf("new are %v, want %v", got, want)
	}
	s.play(lost, sent)
}

// word makes one up, and reports whether its key is new.
func (s *stage) word(t *rapid.T) (delivery.Item, bool) {
	answers := []answer{taken, refused, refused, unavailable, fault, fault, perhaps, arrived, unreachable, unreachable}
	w := word{s.name + rapid.SampledFrom([]string{"a", "b"}).Draw(t, "lane"), s.words}
	key := fmt.Sprint(rapid.IntRange(0, 30).Draw(t, "key"))
	said := script(rapid.SliceOfN(rapid.SampledFrom(answers), 0, 4).Draw(t, "answers"))
	s.words++
	h := delivery.Header{Conversation: w.Lane, Scope: s.name, Key: key, Settle: rapid.Bool().Draw(t, "settle")}
	item, err := s.to.Item(h, w)
	if err != nil {
		t.Fatal(err)
	}
	if s.accepted[key] {
		return item, false
	}
	own := slices.Clone(said)
	s.peer.mu.Lock()
	s.peer.scripts[w.N] = &own
	s.peer.mu.Unlock()
	s.accepted[key], s.scripts[w.N], s.promised[w.N] = true, &said, 1
	if s.queues[w.Lane] == nil {
		s.queues[w.Lane] = &queue{}
	}
	s.queues[w.Lane].promises = append(s.queues[w.Lane].promises, &promise{n: w.N})
	return item, true
}

// lane is one of those there are.
func (s *stage) lane(t *rapid.T) (string, *queue) {
	if len(s.queues) == 0 {
		return "", nil
	}
	name := rapid.SampledFrom(slices.Sorted(maps.Keys(s.queues))).Draw(t, "lane")
	return name, s.queues[name]
}

func (s *stage) resume(t *rapid.T) {
	name, q := s.lane(t)
	if q == nil {
		return
	}
	s.still(t)
	lost, by := s.lost(t)
	sent := lost && rapid.Bool().Draw(t, "sent before")
	s.transact(t, by, func(tx *delivery.Tx) error {
		if err := tx.Resume(t.Context(), s.to, name); err != nil || !lost {
			return err
		}
		return s.lose(t, tx)
	})
	q.resume()
	s.play(lost, sent)
}

// decide redrives or drops one letter of a lane, or all.
func (s *stage) decide(t *rapid.T) {
	name, q := s.lane(t)
	if q == nil || len(q.letters()) == 0 {
		return
	}
	s.still(t)
	places := q.letters()
	f := delivery.Filter{Conversation: name}
	letters := s.letters(t, name)
	if rapid.Bool().Draw(t, "one letter") {
		i := rapid.IntRange(0, len(places)-1).Draw(t, "letter")
		places, f.IDs = places[i:i+1], []int64{letters[i].ID}
	}
	do := delivery.Drop
	if rapid.Bool().Draw(t, "redrive") {
		do = delivery.Redrive
		for _, i := range places {
			s.promised[q.promises[i].n]++
		}
		q.redrive(places)
	} else {
		q.drop(places)
	}
	found, err := do(t.Context(), s.pool, delivery.Order{Filter: f, Limit: 100, Actor: "model"})
	if err != nil || len(found) != len(places) {
		t.Fatalf("decided on %d letters (%v), want %d", len(found), err, len(places))
	}
	s.play(false, false)
}

// letters returns a lane's in their order.
func (s *stage) letters(t *rapid.T, name string) []delivery.Letter {
	letters, err := delivery.Letters(t.Context(), s.pool, delivery.Filter{Conversation: name}, 100)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(letters, func(a, b delivery.Letter) int { return int(a.Seq - b.Seq) })
	return letters
}

// TestModel plays random steps of everybody who has to do with lanes, and compares
// what the peer was sent and what is stored with the model. Cases are short: each
// waits for real attempts.
func TestModel(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	cases := 0
	rapid.Check(t, func(rt *rapid.T) {
		cases++
		c := quick()
		c.Poll, c.BackoffMax, c.Faults = 3*time.Millisecond, 2*time.Millisecond, 2
		c.Ambiguous = rapid.SampledFrom([]delivery.Policy{delivery.RetryOnce, delivery.Hold}).Draw(rt, "ambiguous")
		c.Poison = rapid.SampledFrom([]delivery.Poison{delivery.Skip, delivery.Halt}).Draw(rt, "poison")
		s := &stage{
			rules: rules{c.Ambiguous, c.Poison, c.Faults}, pool: pool, name: fmt.Sprintf("%d/", cases),
			peer:    &actor{scripts: map[int]*script{}, sent: map[string][]int{}, copies: map[int]int{}},
			scripts: map[int]*script{}, queues: map[string]*queue{}, accepted: map[string]bool{}, promised: map[int]int{},
		}
		s.to = &delivery.Destination[word]{Name: "x", Send: s.peer.send}
		var stop func()
		s.runs, stop = begin(t, pool, c, "one", s.to)
		defer stop()
		s.writes = delivery.New(pool, slog.New(slog.DiscardHandler), c, "two", s.to)
		steps := map[string]func(*rapid.T){"put": s.put, "resume": s.resume, "decide": s.decide}
		names := []string{"put", "put", "resume", "decide"}
		for _, step := range rapid.SliceOfN(rapid.SampledFrom(names), 5, 25).Draw(rt, "steps") {
			steps[step](rt)
		}
		s.still(rt)
		s.check(rt)
	})
}
