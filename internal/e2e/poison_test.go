package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestR18_Poison: a line that Teams never takes is given up after few tries. It
// blocks no other conversation, and its own goes on or stands still, as configured.
// Redriven twice, it arrives once.
func TestR18_Poison(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		poison string
		fault  sandbox.Fault
		told   string   // to the agent
		before []string // what arrives before anybody decides
		want   []string
	}{
		"a refusal is skipped": {
			"skip", sandbox.Fault{Status: http.StatusBadRequest, Times: 1}, "failed", []string{"behind"}, []string{"behind", "poison", "last"},
		},
		"a fault is skipped": {
			"skip", sandbox.Fault{Status: http.StatusInternalServerError, Times: 2}, "unknown", []string{"behind"}, []string{"behind", "poison", "last"},
		},
		"a refusal halts its lane": {
			"halt", sandbox.Fault{Status: http.StatusBadRequest, Times: 1}, "failed", nil, []string{"poison", "behind", "last"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Config{}, "LIAISON_DELIVERY_POISON="+tc.poison)
			mine, other := w.escalate(t, "Megan"), w.escalate(t, "Lee")
			w.agentSays(t, mine.hub, "hello") // behind the notice that somebody joined
			sandboxtest.WaitLine(t, mine.user, sandbox.ByAgent, "hello")
			tc.fault.Conversation = string(mine.user.Conversation())
			w.sandbox.Fault(sandbox.Connector, tc.fault)
			w.agentSays(t, mine.hub, "poison")
			w.agentSays(t, mine.hub, "behind")
			w.agentSays(t, other.hub, "elsewhere")
			sandboxtest.WaitLine(t, other.user, sandbox.ByAgent, "elsewhere")
			var letters []delivery.Letter
			eventually(t, "a dead letter", func() bool {
				letters = w.letters(t)
				return len(letters) == 1 && len(w.spoken(mine.user)) == len(tc.before)+1
			})
			if tries := w.tries(t, letters[0]); tries != tc.fault.Times {
				t.Errorf("it was tried %d times, want %d", tries, tc.fault.Times)
			}
			eventually(t, "the agent told", func() bool {
				return slices.Equal(w.reported(t, mine.hub), []string{tc.told})
			})
			w.redrive(t, letters[0].ID, 1)
			sandboxtest.WaitLine(t, mine.user, sandbox.ByAgent, "poison")
			w.redrive(t, letters[0].ID, 0)
			w.agentSays(t, mine.hub, "last")
			sandboxtest.WaitLine(t, mine.user, sandbox.ByAgent, "last")
			want := []string{"**Bo**: hello"}
			for _, word := range tc.want {
				want = append(want, "**Bo**: "+word)
			}
			if diff := cmp.Diff(want, w.spoken(mine.user)); diff != "" {
				t.Errorf("in Teams (-want +got):\n%s", diff)
			}
			if left := w.letters(t); len(left) != 0 {
				t.Errorf("letters are left: %+v", left)
			}
		})
	}
}

func (w *world) letters(tb testing.TB) []delivery.Letter {
	tb.Helper()
	letters, err := delivery.Letters(tb.Context(), w.db, delivery.Filter{}, 10)
	if err != nil {
		tb.Fatal(err)
	}
	return letters
}

// redrive orders it as an operator does, and wants so many letters found.
func (w *world) redrive(tb testing.TB, id int64, want int) {
	tb.Helper()
	found, err := delivery.Redrive(tb.Context(), w.db, delivery.Order{
		Filter: delivery.Filter{IDs: []int64{id}}, Limit: 10, Actor: "ada", Subject: fmt.Sprint("letter ", id),
	})
	if err != nil || len(found) != want {
		tb.Errorf("redriven %+v, %v; want %d", found, err, want)
	}
}

func (w *world) tries(tb testing.TB, l delivery.Letter) int {
	tb.Helper()
	var n int
	err := w.db.QueryRow(tb.Context(), `SELECT count(*) FROM attempt WHERE destination = $1 AND conversation = $2 AND seq = $3`,
		l.Destination, l.Conversation, l.Seq).Scan(&n)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}
