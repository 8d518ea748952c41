package bridgemodel

import (
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// A script is what happens in one talk.
type script struct {
	Inline, Strict bool
	Steps          []step
}

// A step is one thing that somebody does.
type step struct {
	Kind    string
	N       int // which of several ways
	Replica int // where it is posted
	Overlap bool
	Faults  []fault
}

// A size says how large worlds are: where there is time, as large as talks hide
// each other's waits.
type size struct{ talks, fewest, most int }

// kinds are the steps, the likelier the more often.
var kinds = []string{
	"start", "start", "start", "say", "say", "say", "say", "say", "press", "leave",
	"agent says", "agent says", "agent says", "agent says", "agent joins", "agent joins", "agent leaves", "agent transfers",
	"agent ends", "agent ends", "again", "again", "fault", "fault", "block", "time",
}

func steps() *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		s := step{
			Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), N: rapid.IntRange(0, 1<<12).Draw(t, "n"),
			Replica: rapid.IntRange(0, 1).Draw(t, "replica"), Overlap: rapid.IntRange(0, 4).Draw(t, "overlap") == 4,
		}
		switch {
		case s.Kind == "fault":
			s.Faults = rapid.SliceOfN(rapid.SampledFrom([]fault{slow, away, refuse, vague, lost, silent, belated}), 1, 3).Draw(t, "faults")
		case s.Kind == "time" && s.N%24 == 0:
			s.Kind = "die"
		case s.Kind == "time" && s.N%24 == 1:
			s.Kind = "deploy"
		}
		return s
	})
}

func (z size) scripts() *rapid.Generator[script] {
	return rapid.Custom(func(t *rapid.T) script {
		s := script{Inline: rapid.IntRange(0, 3).Draw(t, "inline") == 3, Strict: rapid.Bool().Draw(t, "strict")}
		s.Steps = append(s.Steps, step{Kind: "start", N: 1})
		s.Steps = append(s.Steps, rapid.SliceOfN(steps(), z.fewest, z.most).Draw(t, "steps")...)
		return s
	})
}

// forVariable says how long worlds are made, as in 10m.
const forVariable = "TEST_MODEL_FOR"

// TestModel plays worlds until its time is up. -rapid.seed brings back the steps,
// not how they interleave.
func TestModel(t *testing.T) {
	t.Parallel()
	span, err := time.ParseDuration(os.Getenv(forVariable))
	z := size{talks: 48, fewest: 30, most: 90}
	if err != nil {
		span, z = 4*time.Second, size{talks: 8, fewest: 5, most: 30}
	}
	fresh := stage(t, pgtest.DB(t, migrations.Schema()))
	began, worlds, played := time.Now(), 0, int64(0)
	t.Cleanup(func() {
		t.Logf("%d worlds, %d steps, %s a step", worlds, played, time.Since(began)/time.Duration(max(1, played)))
	})
	rapid.Check(t, func(rt *rapid.T) {
		if time.Since(began) > span {
			return
		}
		w := fresh()
		w.play(t, rapid.SliceOfN(z.scripts(), z.talks, z.talks).Draw(rt, "scripts"))
		worlds, played = worlds+1, played+w.steps.Load()
		if wrong, history := w.check(t); len(wrong) > 0 {
			rt.Fatalf("%s\n\n%s", strings.Join(wrong, "\n"), history)
		}
	})
}
