package bench

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Text writes the tables and the verdicts.
func (r *Report) Text(w io.Writer) error {
	for i, part := range r.parts() {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s\n\n%s", part.title, indent(part.body))
	}
	_, err := fmt.Fprintf(w, "\nTargets\n\n%s", indent(r.judged()))
	return err
}

const introduction = `# Benchmarks

Written by ` + "`make bench`" + `; do not edit but for the last parts, *The desk* and *Conversations at rest*. The figures are one run's, on the machine below.

`

// Markdown writes docs/benchmarks.md.
func (r *Report) Markdown(w io.Writer) error {
	fmt.Fprint(w, introduction)
	for _, part := range r.parts() {
		fmt.Fprintf(w, "## %s\n\n%s```\n%s```\n\n", part.title, paragraph(part.note), part.body)
	}
	_, err := fmt.Fprintf(w, "## Targets\n\n%s```\n%s```\n", paragraph(targetsNote), r.judged())
	return err
}

const targetsNote = `Each figure against what was asked of two cores with PostgreSQL on them; of several cells the worst one counts, and
"x" is how many times better than asked. Costs that grow by less than a fifth count as flat.`

// A part is a table with what has to be known to read it.
type part struct{ title, note, body string }

func (r *Report) parts() []part {
	return []part{
		{"Machine", "", r.machineTable()},
		{"Throughput", throughputNote, r.cellTable()},
		{"Bounds, in the same run", boundsNote, r.boundsTable()},
		{"Starts and ends", cyclesNote, r.cycleTable()},
		{"Delay at " + strconv.Itoa(r.scale.pace) + " messages a second", delayNote, r.delayTable()},
		{"Memory of the service", "", r.memoryTable()},
		{"With and without a past", pastNote, r.pastTable()},
		{"Statements beside a past and a backlog", plansNote, r.planTable()},
	}
}

const (
	throughputNote = `` + "`liaison serve`" + ` as a process of its own, authentication on, between a hub and a connector that answer at once.
Each of so many senders posts its next message when it has the 2xx of the last; a row ends when everything has arrived, once and in
order, or the run fails. Delays are from the begin of the post to the arrival at the peer. Costs are processor time for one message, in
µs: of the service, of PostgreSQL, and of the generator with its peers, which share the cores with both.`

	boundsNote = `Commits are single-row inserts of a message's size, each its own transaction, through pgx on the same server. The
pass-through is the least Go that forwards an activity to the hub: no token is checked, nothing is kept, order is not.`

	cyclesNote = `A user asks for a person and, when the copilot has the hub's id, ends it again. The delay is from the begin of the first
post to that answer at the skill host.`

	delayNote = `Messages begin at an even pace whatever becomes of them. What arrived before its sender had read the 2xx counts as 0 in "2xx
to arrival".`

	pastNote = `Two services take turns, one with a new database and one with finished deliveries and all that is kept of them:
mappings, lanes, attempts, keys, transcripts.`

	plansNote = `As auto_explain reports what the service ran in this process: its prepared statements with their arguments. The times are the
database's, measuring included. WHOLE is a table, or an index, read from end to end; lanes are taken back once, when a service starts.`
)

func (r *Report) machineTable() string {
	m := r.machine
	return table(func(row func(...any)) {
		row("processor", fmt.Sprintf("%s, %d cores, %s", m.cpu, m.cores, m.system))
		row("memory", m.memory)
		row("disk", fmt.Sprintf("%s; an fsync of 8 KiB takes %s, so one writer alone does at most %s/s", m.disk, ms(m.sync), grouped(int(perSecond(1, m.sync)))))
		row("load average", m.load+" when the run began; 0 is a machine of one's own")
		row("others", fmt.Sprintf("%.2f of %d cores went to programs that have no part in this, while the table below was measured", r.others(), m.cores))
		row("Go, PostgreSQL", m.golang+", "+m.database+" over a Unix socket, fsync on, its own defaults")
		row("date", fmt.Sprintf("%s, took %s", m.date.UTC().Format("2006-01-02 15:04 MST"), r.took.Round(time.Second)))
		row("command", "make bench"+map[bool]string{true: " BENCH=short"}[r.short])
	})
}

// others is how many cores somebody else used while cells were measured.
func (r *Report) others() float64 {
	var used, lasted time.Duration
	for _, c := range r.cells {
		used, lasted = used+c.cpu.others(), lasted+c.lasted
	}
	return ratio(used.Seconds(), lasted.Seconds())
}

func (r *Report) cellTable() string {
	return table(func(row func(...any)) {
		row("at once", "conversations", "way", "msg/s", "x commits", "x memory", "p50 ms", "p95 ms", "p99 ms", "service µs", "database µs", "bench µs")
		for _, workers := range r.scale.workers {
			for _, conversations := range r.scale.conversations {
				for _, kind := range directions() {
					c := r.cells[cell{kind, workers, conversations}]
					row(workers, grouped(conversations), kind, grouped(int(c.rate())),
						writeTimes(ratio(c.rate(), r.bare[workers].rate())), writeTimes(ratio(c.rate(), r.memory[workers].rate())),
						short(c.arrive.quantile(0.5)), short(c.arrive.quantile(0.95)), short(c.arrive.quantile(0.99)),
						micro(c.cpu.service, c), micro(c.cpu.database, c), micro(c.cpu.bench, c))
				}
			}
		}
	})
}

func (r *Report) boundsTable() string {
	return table(func(row func(...any)) {
		row("at once", "commits/s", "p50 ms", "p99 ms", "pass-through/s", "p50 ms", "p99 ms", "its µs")
		for _, workers := range r.scale.workers {
			b, m := r.bare[workers], r.memory[workers]
			row(workers, grouped(int(b.rate())), short(b.arrive.quantile(0.5)), short(b.arrive.quantile(0.99)),
				grouped(int(m.rate())), short(m.arrive.quantile(0.5)), short(m.arrive.quantile(0.99)), micro(m.cpu.service, m))
		}
	})
}

func (r *Report) cycleTable() string {
	return table(func(row func(...any)) {
		row("at once", "starts with ends/s", "p50 ms", "p95 ms", "p99 ms", "service µs", "database µs")
		row("opening", fmt.Sprintf("%.0f starts/s", r.opening.rate()), short(r.opening.arrive.quantile(0.5)), short(r.opening.arrive.quantile(0.95)),
			short(r.opening.arrive.quantile(0.99)), micro(r.opening.cpu.service, r.opening), micro(r.opening.cpu.database, r.opening))
		for _, workers := range r.scale.workers {
			c := r.cycles[workers]
			pairs := &result{messages: c.messages / 2}
			row(workers, grouped(int(c.rate()/2)), short(c.arrive.quantile(0.5)), short(c.arrive.quantile(0.95)), short(c.arrive.quantile(0.99)),
				micro(c.cpu.service, pairs), micro(c.cpu.database, pairs))
		}
	})
}

func (r *Report) delayTable() string {
	return table(func(row func(...any)) {
		row("way", "from", "p50 ms", "p95 ms", "p99 ms", "worst ms", "service µs", "generator late ms")
		for _, kind := range directions() {
			p := r.paced[kind]
			for _, s := range []struct {
				name string
				*sample
			}{{"begin to 2xx", &p.accept}, {"2xx to arrival", &p.after}, {"begin to arrival", &p.arrive}} {
				row(kind, s.name, short(s.quantile(0.5)), short(s.quantile(0.95)), short(s.quantile(0.99)), short(s.quantile(1)),
					micro(p.cpu.service, p), short(p.late))
			}
		}
	})
}

func (r *Report) memoryTable() string {
	return table(func(row func(...any)) {
		row(grouped(r.scale.mostConversations())+" conversations open, after all of the above", writeMemory(float64(r.resident)))
		row("at its peak", writeMemory(float64(r.peak)))
	})
}

func (r *Report) pastTable() string {
	return table(func(row func(...any)) {
		row("finished", "way", "msg/s", "p50 ms", "p99 ms", "service µs", "database µs")
		for _, old := range []bool{false, true} {
			for _, kind := range directions() {
				c := r.compared[compared{kind, old}]
				finished := map[bool]int{true: r.scale.history}[old]
				row(grouped(finished), kind, grouped(int(c.rate())), short(c.arrive.quantile(0.5)), short(c.arrive.quantile(0.99)),
					micro(c.cpu.service, c), micro(c.cpu.database, c))
			}
		}
	})
}

func (r *Report) planTable() string {
	return table(func(row func(...any)) {
		row("statement", "ran", "mean ms", "reads", "")
		for _, p := range r.plans {
			verdict := ""
			if p.reads {
				verdict = "reads it whole"
			}
			row(p.name, p.calls, short(each(p.total, p.calls)), strings.Join(p.scans, ", "), verdict)
		}
	})
}

func (r *Report) judged() string {
	var b strings.Builder
	for _, v := range r.verdicts() {
		fmt.Fprintln(&b, v)
	}
	return b.String()
}

// table aligns what fill hands to row.
func table(fill func(row func(cells ...any))) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fill(func(cells ...any) {
		texts := make([]string, len(cells))
		for i, c := range cells {
			texts[i] = fmt.Sprint(c)
		}
		fmt.Fprintln(w, strings.Join(texts, "\t"))
	})
	_ = w.Flush() // into memory
	var trimmed strings.Builder
	for row := range strings.Lines(b.String()) {
		fmt.Fprintln(&trimmed, strings.TrimRight(row, " \n"))
	}
	return trimmed.String()
}

// grouped writes a number with commas.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func short(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond)) }

func micro(d time.Duration, r *result) string {
	return strconv.FormatInt(each(d, r.messages).Microseconds(), 10)
}

func paragraph(text string) string {
	if text == "" {
		return ""
	}
	return text + "\n\n"
}

func indent(text string) string {
	var b strings.Builder
	for row := range strings.Lines(text) {
		b.WriteString("  " + row)
	}
	return b.String()
}
