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
	for name, s := range map[string]script{
		// While the notice of the end waited for Teams, the user began anew. The end
		// that the copilot was then told, out of turn, ended what had begun.
		"an end does not reach a new beginning": {Steps: []step{
			{Kind: "start", N: 1}, {Kind: "say"}, away, {Kind: "agent ends"}, {Kind: "start", N: 1},
		}},
		// A start came between the two looks at a message. The answer that nobody has
		// the user ended what had begun.
		"a message beside a start is the hub's": {Steps: []step{{Kind: "start", N: 1}, {Kind: "say too early"}}},
		// A host that takes answers in the response repeated a message of a
		// conversation that was over, and got the words back that the hub has.
		"what the hub has is not given back": {Inline: true, Steps: []step{
			{Kind: "start", N: 1}, {Kind: "say"}, {Kind: "leave", N: 1}, {Kind: "again", N: 1},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := stage(t, pgtest.DB(t, migrations.Schema()))()
			w.play(t, []script{s})
			if wrong, history := w.check(t); len(wrong) > 0 {
				t.Errorf("%q\n%s", wrong, history)
			}
		})
	}
}
