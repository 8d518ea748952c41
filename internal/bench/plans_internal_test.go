package bench

import (
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
		{"Node Type": "Index Scan", "Relation Name": "lane", "Index Name": "lane_ready", "Index Cond": "(a = b)", "Actual Loops": 1},
		{"Node Type": "Bitmap Heap Scan", "Relation Name": "lane", "Actual Loops": 1},
		{"Node Type": "Seq Scan", "Relation Name": "lane", "Actual Loops": 0}]}}`
	g.notice("duration: 1.500 ms  plan:\n" + claim)
	g.notice("duration: 0.500 ms  plan:\n" + claim)
	g.notice(`duration: 3 ms  plan: {"Query Text": "SELECT a, b FROM t WHERE c = d", "Plan":
		{"Node Type": "Seq Scan", "Relation Name": "t", "Actual Loops": 1}}`)
	g.notice(`duration: 1 ms  plan: {"Query Text": "SELECT e", "Plan":
		{"Node Type": "Index Scan", "Relation Name": "t", "Index Name": "t_part", "Actual Loops": 1}}`)
	want := []plan{
		{name: "claim", calls: 2, total: 2 * time.Millisecond, scans: []string{"Index Scan lane_ready", "Bitmap Heap Scan lane"}},
		{name: "SELECT a, b FROM t WHERE", calls: 1, total: 3 * time.Millisecond, scans: []string{"Seq Scan t WHOLE"}, reads: true},
		{name: "SELECT e", calls: 1, total: time.Millisecond, scans: []string{"Index Scan t_part WHOLE"}, reads: true},
	}
	if diff := cmp.Diff(want, g.all(), cmp.AllowUnexported(plan{})); diff != "" {
		t.Errorf("plans (-want +got):\n%s", diff)
	}
}
