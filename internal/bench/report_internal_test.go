package bench

import (
	"strings"
	"testing"
	"time"
)

// made is a report whose every figure is the same.
func made(rate int, delay, cost time.Duration) *Report {
	one := func() *result {
		r := &result{messages: rate, took: time.Second, cpu: usage{service: cost * time.Duration(rate), database: cost}}
		r.accept.add(delay)
		r.arrive.add(delay)
		r.after.add(delay)
		return r
	}
	r := &Report{
		scale: Options{Short: true}.scale(), opening: one(), cells: map[cell]*result{}, bare: map[int]*result{},
		memory: map[int]*result{}, cycles: map[int]*result{}, paced: map[kind]*result{}, compared: map[compared]*result{},
		peak: 64 << 20, plans: []plan{{name: "fetch", calls: 3, total: time.Second, scans: []string{"Seq Scan lane"}, reads: true}},
	}
	for _, workers := range r.scale.workers {
		r.bare[workers], r.memory[workers], r.cycles[workers] = one(), one(), one()
		for _, conversations := range r.scale.conversations {
			for _, kind := range directions() {
				r.cells[cell{kind, workers, conversations}] = one()
			}
		}
	}
	for _, kind := range directions() {
		r.paced[kind], r.compared[compared{kind, false}], r.compared[compared{kind, true}] = one(), one(), one()
	}
	return r
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		report *Report
		want   string
		missed bool
	}{
		{made(8000, time.Millisecond, 100*time.Microsecond), "8,000/s; target at least 4,000/s: met (x2.00)", false},
		{made(8000, time.Millisecond, 100*time.Microsecond), "0.10 ms; target at most 0.50 ms: met (x5.00)", false},
		{made(8000, time.Millisecond, 100*time.Microsecond), "64 MB; target at most 128 MB: met (x2.00)", false},
		{made(8000, 0, 100*time.Microsecond), "0.00 ms; target at most 3.00 ms: met\n", false},
		{made(2000, 30*time.Millisecond, time.Millisecond), "2,000/s; target at least 4,000/s: missed (x0.50)", true},
		{made(2000, 30*time.Millisecond, time.Millisecond), "30.00 ms; target at most 20.00 ms: missed (x0.67)", true},
	} {
		text := row.report.judged()
		if !strings.Contains(text, row.want) || row.missed != strings.Contains(text, "missed") {
			t.Errorf("verdicts without %q:\n%s", row.want, text)
		}
	}
}

func TestTheWorstCellCounts(t *testing.T) {
	t.Parallel()
	r := made(8000, time.Millisecond, 100*time.Microsecond)
	slow := r.cells[cell{agentSays, 64, 100}]
	slow.messages = 1000
	if got := r.worst(agentSays, 64); got != slow {
		t.Errorf("worst makes %f a second", got.rate())
	}
	if got := r.worst(userSays, 64); got.rate() != 8000 {
		t.Errorf("worst of the other way makes %f a second", got.rate())
	}
}

func TestReportIsComplete(t *testing.T) {
	t.Parallel()
	r := made(5000, time.Millisecond, time.Millisecond)
	var text, markdown strings.Builder
	if err := r.Text(&text); err != nil {
		t.Fatal(err)
	}
	if err := r.Markdown(&markdown); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"user to agent", "pass-through/s", "reads it whole", "begin to arrival", "5,000", "missed"} {
		if !strings.Contains(text.String(), want) || !strings.Contains(markdown.String(), want) {
			t.Errorf("a report lacks %q", want)
		}
	}
	for row := range strings.Lines(text.String()) {
		if strings.TrimRight(row, " \n") != strings.TrimSuffix(row, "\n") {
			t.Errorf("blanks at the end of %q", row)
		}
	}
}

func TestGrouped(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is written %s", n, got)
		}
	}
}
