package bridgemodel

import (
	"slices"
	"testing"

	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// What worlds brought to light, each in the fewest steps.
func TestFound(t *testing.T) {
	t.Parallel()
	away := step{Kind: "fault", N: 1, Faults: slices.Repeat([]fault{away}, 10_000)}
	for name, steps := range map[string][]step{
		// While the notice of the end waited for Teams, the user began anew. The end
		// that the copilot was then told, out of turn, ended what had begun.
		"an end does not reach a new beginning": {
			{Kind: "start", N: 1}, {Kind: "say"}, away, {Kind: "agent ends"}, {Kind: "start", N: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := stage(t, pgtest.DB(t, migrations.Schema()))()
			w.play(t, []script{{Steps: steps}})
			if wrong, history := w.check(t); len(wrong) > 0 {
				t.Errorf("%q\n%s", wrong, history)
			}
		})
	}
}
