package chaos

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/sandbox"
)

// TestR1_Chaos does to the service whatever can be done to it, and then holds all
// that it accepted against all that arrived.
func TestR1_Chaos(t *testing.T) {
	t.Parallel()
	span, long := span(t, 5*time.Second)
	p := plan{
		seed: seed(t), span: span, replicas: 3, conversations: 30,
		userEvery: time.Second, agentEvery: 2 * time.Second, visitEvery: 500 * time.Millisecond,
		lease: 2 * time.Second, timeout: 1500 * time.Millisecond, drizzle: 0.02, durable: true,
	}
	if long {
		p.conversations, p.userEvery, p.agentEvery, p.visitEvery = 200, 2*time.Second, 5*time.Second, time.Second
	}
	run(t, p)
}

// TestR4_Definite allows only faults whose outcome the service can know. Then there
// is exactly one copy of everything, on both sides.
func TestR4_Definite(t *testing.T) {
	t.Parallel()
	span, long := span(t, 3*time.Second)
	p := plan{
		seed: seed(t), span: span, replicas: 2, conversations: 20,
		userEvery: time.Second, agentEvery: 2 * time.Second, visitEvery: 500 * time.Millisecond,
		lease: 8 * time.Second, timeout: 8 * time.Second, drizzle: 0.05, definite: true,
	}
	if long {
		p.span = span / 4
		p.conversations, p.userEvery, p.agentEvery, p.visitEvery = 200, 2*time.Second, 5*time.Second, time.Second
	}
	run(t, p)
}

// run lets a world talk and suffer, then settle, and judges what is left.
func run(t *testing.T, p plan) {
	t.Helper()
	w := newWorld(t, p)
	l := newLoad(t, w)
	if err := l.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.weather.begin(p.drizzle)
	w.books(t, t.Context()) // they are balanced, and exist, before anything else

	n := &nemesis{tb: t, w: w, tally: &tally{counts: map[string]int{}}}
	suffering, relief := context.WithTimeout(t.Context(), p.span)
	defer relief()
	talking, hush := context.WithTimeout(t.Context(), p.span+2*time.Minute)
	defer hush()
	began := time.Now()
	spoken := make(chan struct{})
	go func() {
		defer close(spoken)
		var both sync.WaitGroup
		both.Go(func() { l.comeAndGo(talking, suffering, p.visitEvery) })
		l.run(talking, suffering)
		both.Wait()
	}()
	audited := make(chan int, 1)
	go func() { audited <- w.audit(t, suffering) }()
	watched := make(chan struct{})
	watching, blink := context.WithCancel(t.Context())
	defer func() { blink(); <-watched }()
	go func() {
		defer close(watched)
		w.watchClock(watching)
	}()
	n.rage(suffering)
	if err := w.revive(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-spoken
	samples := <-audited
	raged := time.Since(began)
	settled := w.settle(t)
	e := w.gather(t, int(l.visitors.Load()))
	v := judge(e)
	w.checkPlaces(v)
	states := v.checkTies(w, e)
	if p.definite && len(v.copies) > 0 {
		v.blame("R4", "copies without an ambiguous attempt: %v", v.copies)
	}
	t.Log(w.describe(l, n.tally, e, v, facts{raged: raged, settled: settled, samples: samples, states: states}))
	if len(v.wrong) == 0 {
		return
	}
	for _, line := range v.wrong[:min(len(v.wrong), 20)] {
		t.Error(line)
	}
	t.Errorf("%d violations with %s=%d; the history is in %s", len(v.wrong), seedVariable, p.seed, e.keep(t, v.wrong))
}

// audit samples R2 until ctx ends, and returns how often.
func (w *world) audit(tb testing.TB, ctx context.Context) int {
	tb.Helper()
	samples := 0
	for pause(ctx, 500*time.Millisecond) {
		if w.books(tb, ctx) {
			samples++
		}
	}
	return samples
}

// books checks that the store balances and holds whatever was accepted. It
// reports whether the database answered.
func (w *world) books(tb testing.TB, ctx context.Context) bool {
	tb.Helper()
	accepted := map[direction]int{toHub: w.history.countAccepted(toHub), toTeams: w.history.countAccepted(toTeams)}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	all, err := balances(ctx, w.db)
	if err != nil {
		return false
	}
	for _, b := range all {
		if problem := b.problem(); problem != "" {
			tb.Errorf("R2: %s (%s=%d)", problem, seedVariable, w.plan.seed)
		}
		if n := accepted[b.direction()]; b.Stored < n {
			tb.Errorf("R1: %d words for %s were accepted, %d deliveries are stored (%s=%d)", n, b.Destination, b.Stored, seedVariable, w.plan.seed)
		}
	}
	return true
}

// settle waits until nothing is pending.
func (w *world) settle(tb testing.TB) time.Duration {
	tb.Helper()
	began := time.Now()
	pending := 0
	if !within(tb.Context(), time.Minute, func() bool {
		all, err := balances(tb.Context(), w.db)
		pending = 0
		for _, b := range all {
			pending += b.Pending
		}
		return err == nil && pending == 0
	}) {
		tb.Errorf("R2: %d deliveries are pending a minute after the last fault (%s=%d)", pending, seedVariable, w.plan.seed)
	}
	return time.Since(began)
}

// gather collects what the run left behind.
func (w *world) gather(tb testing.TB, visitors int) evidence {
	tb.Helper()
	e := evidence{words: w.history.sorted(), at: map[wordLane][]wordID{}, fates: map[wordID]fate{}, notices: map[direction]int{}, ties: map[int][]tie{}, lease: w.plan.lease, timeout: w.plan.timeout, most: mostCopies}
	w.history.mu.Lock()
	e.arrivals, e.blows = w.history.arrivals, w.history.blows
	w.history.mu.Unlock()
	all, err := fates(tb.Context(), w.db, w.plan.timeout)
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range all {
		if id, ok := findWord(f.Key); ok {
			e.fates[id] = f
		}
		if f.Key == "" {
			e.notices[balance{Destination: f.Destination}.direction()]++
		}
	}
	byUser, err := ties(tb.Context(), w.db)
	if err != nil {
		tb.Fatal(err)
	}
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	for c := range w.plan.conversations + visitors {
		e.ties[c] = byUser[w.sandbox.User(userName(c)).ID()]
		if chat := w.hub.byUser[userName(c)]; chat != nil {
			e.at[wordLane{c, toHub}] = chat.words
		}
		for _, line := range w.sandbox.User(userName(c)).Lines() {
			if id, ok := findWord(line.Text); ok && line.Author == sandbox.ByAgent {
				at := wordLane{c, toTeams}
				e.at[at] = append(e.at[at], id)
			}
		}
	}
	return e
}

var panicked = regexp.MustCompile(`DATA RACE|(?m)^panic:|^fatal error:|goroutine \d+ \[running`)

// checkPlaces asks the hub, the sandbox, the network and the replicas whether
// anything was odd.
func (w *world) checkPlaces(v *verdict) {
	for _, odd := range w.hub.strange {
		v.blame("hub", "%s", odd)
	}
	for _, odd := range w.sandbox.Violations() {
		v.blame("sandbox", "%s", odd)
	}
	for _, odd := range w.net.strange {
		v.blame("network", "a request that came from nobody: %s", odd)
	}
	for _, r := range w.replicas {
		for _, odd := range r.odd {
			v.blame("replica", "%s; it logged:\n%s", odd, r.tail())
		}
		text, err := os.ReadFile(filepath.Clean(r.logPath))
		if err != nil {
			v.blame("replica", "%v", err)
		}
		if at := panicked.FindIndex(text); at != nil {
			v.blame("replica", "%s broke:\n%s", r.name, text[at[0]:min(len(text), at[0]+4<<10)])
		}
	}
}

// facts are what a report tells beside the evidence.
type facts struct {
	raged, settled time.Duration
	samples        int            // of the books
	states         map[string]int // conversations by their state and who closed them
}

// describe makes the report.
func (w *world) describe(l *load, n *tally, e evidence, v *verdict, took facts) string {
	var r report
	fmt.Fprintf(&r.b, "chaos with %s=%d, %s\n", seedVariable, w.plan.seed, took.raged.Round(time.Second))
	r.line("conversations, replicas, lease", "%d, %d, %s", w.plan.conversations, w.plan.replicas, w.plan.lease)
	r.line("visitors", "%d; all conversations: %v", l.visitors.Load(), took.states)
	r.line("posts", "%d, answered %v; words posted twice %d", l.posts.Load(), l.statuses, l.copies.Load())
	r.line("  from post to answer", "%s", percentiles(l.answers))
	for _, to := range []direction{toHub, toTeams} {
		states := map[string]int{}
		for id, f := range e.fates {
			if id.to == to {
				states[f.State]++
			}
		}
		r.line("to "+to.String(), "accepted %d; now %v; copies %d", w.history.countAccepted(to), states, v.copies[to])
		r.line("  from accepted to arrived", "%s", percentiles(latencies(e)[to]))
	}
	r.line("causes of copies", "%v; at most %d of one message", v.explained, v.most)
	n.mu.Lock()
	r.counts(n.counts)
	n.mu.Unlock()
	r.line("kills a minute", "%.0f", float64(n.get(kills))/took.raged.Minutes())
	r.line("from a start to ready", "%s", n.slowestStart())
	r.line("from a kill to the next attempt", "%s", percentiles(orphans(e)))
	r.faults(w.weather.counts())
	repeats, notices := 0, 0
	for _, c := range w.hub.chats {
		repeats, notices = repeats+c.repeats, notices+c.notices
	}
	r.line("at the hub", "repeated calls folded %d, notices of dead lines %d", repeats, notices)
	r.line("books balanced", "%d times", took.samples)
	r.line("settled after", "%s", took.settled.Round(time.Millisecond))
	r.line("violations", "%d", len(v.wrong))
	return r.b.String()
}
