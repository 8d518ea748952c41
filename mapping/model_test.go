package mapping_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
)

// world is a small model of the mappings of a few conversations, beside the real
// ones.
type world struct {
	db    *pgxpool.Pool
	run   int // makes conversations fresh
	model []*modelled
}

type modelled struct {
	id           mapping.ID
	conversation activity.ConversationID
	state        mapping.State
	by           mapping.Closer
}

func (m *modelled) is(states ...mapping.State) bool { return slices.Contains(states, m.state) }

func (w *world) open(c activity.ConversationID) *modelled {
	for _, m := range w.model {
		if m.conversation == c && m.state.Open() {
			return m
		}
	}
	return nil
}

func (w *world) reserve(t *rapid.T) {
	c := activity.ConversationID(fmt.Sprintf("%d/%d", w.run, rapid.IntRange(0, 1).Draw(t, "conversation")))
	m, made, err := mapping.Reserve(t.Context(), w.db, sample(c))
	if err != nil {
		t.Fatal(err)
	}
	if was := w.open(c); was != nil {
		if made || m.ID != was.id {
			t.Fatalf("reserved mapping %d, made %t; %d is open", m.ID, made, was.id)
		}
		return
	}
	if !made {
		t.Fatalf("found mapping %d, and none is open", m.ID)
	}
	w.model = append(w.model, &modelled{id: m.ID, conversation: c, state: mapping.Opening})
}

// any is one of the mappings, of any age.
func (w *world) any(t *rapid.T) *modelled {
	return rapid.SampledFrom(w.model).Draw(t, "mapping")
}

// change does something to a mapping and expects the model's outcome.
func (w *world) change(do func(*rapid.T, *modelled) error, to mapping.State, from ...mapping.State) func(*rapid.T) {
	return func(t *rapid.T) {
		m := w.any(t)
		if err := do(t, m); err != nil {
			t.Fatal(err)
		}
		if m.is(from...) {
			m.state = to
		}
	}
}

func (w *world) closer(t *rapid.T, m *modelled, from ...mapping.State) mapping.Closer {
	by := rapid.SampledFrom([]mapping.Closer{mapping.ByUser, mapping.ByAgent, mapping.ByIdle, mapping.ByHost}).Draw(t, "by")
	if m.is(from...) && m.by == "" {
		m.by = by
	}
	return by
}

// check compares every mapping with its model.
func (w *world) check(t *rapid.T) {
	open := map[activity.ConversationID]int{}
	for _, m := range w.model {
		got, err := mapping.Get(t.Context(), w.db, m.id)
		if err != nil {
			t.Fatal(err)
		}
		if got.State != m.state || got.ClosedBy != m.by {
			t.Fatalf("mapping %d is %s by %q, want %s by %q", m.id, got.State, got.ClosedBy, m.state, m.by)
		}
		if got.State.Open() {
			if open[m.conversation]++; open[m.conversation] > 1 {
				t.Fatalf("conversation %s has two open mappings", m.conversation)
			}
		}
	}
}

// TestModel plays random steps of both sides.
func TestModel(t *testing.T) {
	t.Parallel()
	db := open(t)
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		w := &world{db: db, run: run}
		w.reserve(t) // every other step needs one
		ending := []mapping.State{mapping.Waiting, mapping.Active}
		closing := append([]mapping.State{mapping.Opening, mapping.Ending}, ending...)
		t.Repeat(map[string]func(*rapid.T){
			"":        w.check,
			"reserve": w.reserve,
			"open": w.change(func(t *rapid.T, m *modelled) error {
				return mapping.Opened(t.Context(), db, m.id, livechat.ConversationID(fmt.Sprintf("hub %d", m.id)), livechat.QueueState{})
			}, mapping.Waiting, mapping.Opening),
			"join": w.change(func(t *rapid.T, m *modelled) error {
				return mapping.Joined(t.Context(), db, m.id)
			}, mapping.Active, mapping.Waiting),
			"leave": w.change(func(t *rapid.T, m *modelled) error {
				return mapping.Left(t.Context(), db, m.id)
			}, mapping.Waiting, mapping.Active),
			"fail": w.change(func(t *rapid.T, m *modelled) error {
				return mapping.Fail(t.Context(), db, m.id)
			}, mapping.Failed, mapping.Opening),
			"end": w.change(func(t *rapid.T, m *modelled) error {
				return mapping.End(t.Context(), db, m.id, mapping.Outcome{By: w.closer(t, m, ending...)})
			}, mapping.Ending, ending...),
			"close": w.change(func(t *rapid.T, m *modelled) error {
				return mapping.Close(t.Context(), db, m.id, w.closer(t, m, closing...))
			}, mapping.Closed, closing...),
			"undone": func(t *rapid.T) { // what a transaction takes back has not happened
				m := w.any(t)
				tx, err := db.BeginTx(t.Context(), pgx.TxOptions{})
				if err != nil {
					t.Fatal(err)
				}
				_ = mapping.Close(t.Context(), tx, m.id, mapping.ByOperator)
				if err := tx.Rollback(t.Context()); err != nil {
					t.Fatal(err)
				}
			},
		})
	})
}
