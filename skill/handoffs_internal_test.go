package skill

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// What a copilot hands over is cut to the lengths of a turn, and so fits into any
// hub's context.
func TestOffer_is_cut(t *testing.T) {
	t.Parallel()
	long := " " + strings.Repeat("x", 2*maxSummary)
	carry, err := offer{Problem: long, Summary: long, Queue: long, Transcript: []offerLine{{Role: "user", Text: long}}}.context()
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		text string
		want int
	}{
		"problem": {carry.Problem, maxSummary}, "summary": {carry.Summary, maxSummary},
		"queue": {carry.Queue, maxHint}, "a line": {carry.Transcript[0].Text, maxLine},
	} {
		if n := utf8.RuneCountInString(row.text); n > row.want || n < row.want-1 || row.text[0] != 'x' {
			t.Errorf("%s has %d characters, want %d", name, n, row.want)
		}
	}
}
