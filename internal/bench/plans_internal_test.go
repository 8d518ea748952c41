package bench

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNotice(t *testing.T) {
	t.Parallel()
	var g planLog
	g.notice("something else")
	g.notice("duration: 1.500 ms  plan:\nnot JSON")
	const claim = `{"Query Text": "UPDATE lane … k.doubtful", "Plan": {"Node Type": "ModifyTable", "Relation Name": "lane", "Actual Loops": 1, "Plans": [
		{"Node Type": "Index Scan", "Relation Name": "lane", "Index Name": "lane_ready", "Actual Loops": 1},
		{"Node Type": "Seq Scan", "Relation Name": "lane", "Actual Loops": 0}]}}`
	g.notice("duration: 1.500 ms  plan:\n" + claim)
	g.notice("duration: 0.500 ms  plan:\n" + claim)
	g.notice(`duration: 3 ms  plan: {"Query Text": "SELECT a, b FROM t WHERE c = d", "Plan":
		{"Node Type": "Seq Scan", "Relation Name": "t", "Actual Loops": 1}}`)
	want := []plan{
		{name: "claim", calls: 2, total: 2 * time.Millisecond, scans: []string{"Index Scan lane_ready"}},
		{name: "SELECT a, b FROM t WHERE", calls: 1, total: 3 * time.Millisecond, scans: []string{"Seq Scan t"}, reads: true},
	}
	if diff := cmp.Diff(want, g.all(), cmp.AllowUnexported(plan{})); diff != "" {
		t.Errorf("plans (-want +got):\n%s", diff)
	}
}

// TestStatementsUseIndexes runs the service beside a past and a backlog. More of
// both is measured by `make bench`.
func TestStatementsUseIndexes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs PostgreSQL; left out by -short")
	}
	scale := Options{Short: true}.scale()
	scale.history, scale.pending, scale.bare = 40_000, 4_000, 200*time.Millisecond
	plans := explainedOnce(t, scale)
	for _, p := range plans {
		t.Logf("%-32s ran %5d times, %s each: %v", p.name, p.calls, ms(each(p.total, p.calls)), p.scans)
		if p.reads {
			t.Errorf("%s reads a whole table: %v", p.name, p.scans)
		}
	}
	for _, name := range []string{
		"enqueue", "claim", "fetch", "move cursors", "find mappings by conversation", "find mappings by hub conversation", "append transcript",
	} {
		if !slices.ContainsFunc(plans, func(p plan) bool { return p.name == name }) {
			t.Errorf("%s was not seen", name)
		}
	}
}
