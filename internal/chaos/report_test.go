package chaos

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"
)

// percentiles describes durations.
func percentiles(all []time.Duration) string {
	if len(all) == 0 {
		return "none"
	}
	sorted := slices.Sorted(slices.Values(all))
	at := func(p float64) time.Duration {
		return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))].Round(time.Millisecond)
	}
	return fmt.Sprintf("p50 %s, p99 %s, most %s", at(0.50), at(0.99), at(1))
}

// A report is what a run prints.
type report struct{ b strings.Builder }

func (r *report) line(name, format string, args ...any) {
	fmt.Fprintf(&r.b, "  %-36s %s\n", name, fmt.Sprintf(format, args...))
}

// counts prints a map in the order of its keys.
func (r *report) counts(m map[string]int) {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		r.line(name, "%d", m[name])
	}
}

// faults prints how often each fault hit.
func (r *report) faults(hits [legs][kinds]int) {
	for l := range legs {
		var parts []string
		for k := slow; k < kinds; k++ {
			if n := hits[l][k]; n > 0 {
				parts = append(parts, fmt.Sprintf("%s %d", k, n))
			}
		}
		if len(parts) > 0 {
			r.line("faults on the way to "+l.String(), "%s (and %d fine)", strings.Join(parts, ", "), hits[l][fine])
		}
	}
}

// orphans returns how long after its sender's death an attempt that had not been
// answered was made again.
func orphans(e evidence) []time.Duration {
	died := map[incarnation]time.Time{}
	for _, b := range e.blows {
		if b.kind == "kill" {
			died[b.to] = b.since
		}
	}
	next := map[wordID][]*arrival{}
	for _, a := range e.arrivals {
		next[a.word] = append(next[a.word], a)
	}
	var all []time.Duration
	for _, a := range e.arrivals {
		at, dead := died[a.by]
		if !dead || a.call != "" || a.at.After(at) || a.over.Before(at) {
			continue
		}
		var again *arrival
		for _, b := range next[a.word] {
			if b.by != a.by && b.at.After(at) && (again == nil || b.at.Before(again.at)) {
				again = b
			}
		}
		if again != nil {
			all = append(all, again.at.Sub(at))
		}
	}
	return all
}

// latencies returns how long accepted words took to their peers.
func latencies(e evidence) map[direction][]time.Duration {
	accepted := map[wordID]time.Time{}
	for _, w := range e.words {
		accepted[w.id] = w.accepted
	}
	first := map[wordID]time.Time{}
	for _, a := range e.arrivals {
		if at, ok := first[a.word]; a.done && (!ok || a.at.Before(at)) {
			first[a.word] = a.at
		}
	}
	all := map[direction][]time.Duration{}
	for id, at := range first {
		if !accepted[id].IsZero() {
			all[id.to] = append(all[id.to], max(0, at.Sub(accepted[id])))
		}
	}
	return all
}

// keep writes the history to a file and returns its name.
func (e evidence) keep(tb testing.TB, wrong []string) string {
	tb.Helper()
	dir := os.Getenv(keepVariable)
	if dir == "" {
		dir = os.TempDir()
	}
	f, err := os.CreateTemp(dir, "chaos-history-*.txt")
	if err != nil {
		tb.Log(err)
		return "nowhere"
	}
	defer f.Close()
	type entry struct {
		at   time.Time
		text string
	}
	var all []entry
	for _, w := range e.words {
		f := e.fates[w.id]
		all = append(all, entry{w.sent, fmt.Sprintf("%-12s said; accepted %s after %d posts; %s %s as number %d in %s", w.id, w.accepted.Format(clock), w.posts, f.State, f.Reason, f.Seq, f.Lane)})
	}
	for _, a := range e.arrivals {
		what := a.call
		if what == "" {
			what = fmt.Sprintf("%-12s to %s", a.word, a.word.to)
		}
		all = append(all, entry{a.at, fmt.Sprintf("%s by %s: %s; done %t, answered %t, over %s", what, a.by, a.fault, a.done, a.clean, a.over.Format(clock))})
	}
	for _, b := range e.blows {
		all = append(all, entry{b.since, fmt.Sprintf("%-12s %s until %s", b.kind, b.to, b.until.Format(clock))})
	}
	slices.SortStableFunc(all, func(a, b entry) int { return a.at.Compare(b.at) })
	for _, line := range wrong {
		fmt.Fprintln(f, "WRONG", line)
	}
	for _, x := range all {
		fmt.Fprintln(f, x.at.Format(clock), x.text)
	}
	name, err := filepath.Abs(f.Name())
	if err != nil {
		return f.Name()
	}
	return name
}
