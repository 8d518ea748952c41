package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A nemesis does what can go wrong. Each of its hands draws from a stream of its
// own.
type nemesis struct {
	tb    testing.TB
	w     *world
	tally *tally
}

// A tally counts what was done.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
	starts []time.Duration // from a start to being ready
}

func (t *tally) add(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[what]++
}

func (t *tally) get(what string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts[what]
}

// What is tallied.
const (
	kills        = "kills"
	killsLoaded  = "kills under load"
	killsMid     = "kills in the middle of an attempt"
	stopsShort   = "stops shorter than the lease"
	stopsLong    = "stops longer than the lease"
	terminations = "terminations"
	fastRestarts = "PostgreSQL restarts, fast"
	atOnce       = "PostgreSQL restarts, at once"
	spellsCast   = "spells of bad weather"
)

// rage strikes until ctx ends.
func (n *nemesis) rage(ctx context.Context) {
	var hands sync.WaitGroup
	for _, r := range n.w.replicas {
		rng := stream(n.w.plan.seed, "nemesis of "+r.name)
		if n.w.plan.definite {
			hands.Go(func() { n.stun(ctx, r, rng) })
		} else {
			hands.Go(func() { n.harass(ctx, r, rng) })
		}
	}
	hands.Go(func() { n.storm(ctx, stream(n.w.plan.seed, "storm")) })
	if n.w.postgres != nil {
		hands.Go(func() { n.quake(ctx, stream(n.w.plan.seed, "quake")) })
	}
	hands.Wait()
}

// stun stops a replica now and then, for less than its lease allows.
func (n *nemesis) stun(ctx context.Context, r *replica, rng *rand.Rand) {
	for pause(ctx, between(rng, time.Second, 6*time.Second)) {
		n.freeze(ctx, r, between(rng, 50*time.Millisecond, n.w.plan.lease/5))
		n.tally.add(stopsShort)
	}
}

// harass makes one replica's lives short.
func (n *nemesis) harass(ctx context.Context, r *replica, rng *rand.Rand) {
	for pause(ctx, between(rng, 100*time.Millisecond, 1500*time.Millisecond)) {
		ended := true
		switch draw := rng.IntN(100); {
		case draw < 40:
			n.kill(r)
		case draw < 82:
			n.killAmid(ctx, r, leg(rng.IntN(int(legEntra))), stage(rng.IntN(int(stages))))
		case draw < 90:
			n.freeze(ctx, r, between(rng, 50*time.Millisecond, n.w.plan.lease*4/5))
			n.tally.add(stopsShort)
			ended = false
		case draw < 95:
			n.freeze(ctx, r, between(rng, n.w.plan.lease*5/4, n.w.plan.lease*5/2))
			n.tally.add(stopsLong)
			ended = false
		default:
			n.terminate(ctx, r)
		}
		if !ended {
			continue
		}
		// Most come back at once, under their name; the lanes of the others are
		// taken over by those that live.
		if rng.IntN(4) == 0 {
			pause(ctx, between(rng, 0, n.w.plan.lease*3/2))
		}
		n.bringBack(ctx, r)
	}
}

// bringBack starts a replica until it serves.
func (n *nemesis) bringBack(ctx context.Context, r *replica) {
	for ctx.Err() == nil {
		r.end(syscall.SIGKILL)
		began := time.Now()
		if err := r.start(ctx); err != nil {
			n.tb.Errorf("start %s: %v", r.name, err)
			return
		}
		if r.await(ctx, 20*time.Second) {
			n.tally.mu.Lock()
			n.tally.starts = append(n.tally.starts, time.Since(began))
			n.tally.mu.Unlock()
			return
		}
	}
}

// kill ends a life at any moment.
func (n *nemesis) kill(r *replica) {
	now := r.now()
	n.killed(r, now, n.w.net.busy(now))
	<-r.ended
}

// killed strikes and notes it.
func (n *nemesis) killed(r *replica, i incarnation, busy bool) {
	loaded := busy && r.took.Load() > 0
	at := time.Now()
	if !r.strike(i, syscall.SIGKILL) {
		return
	}
	n.w.history.struck(blow{kind: "kill", to: i, since: at, until: time.Now()})
	n.tally.add(kills)
	if loaded {
		n.tally.add(killsLoaded)
	}
}

// killAmid ends a life in the middle of an attempt, or at any moment if there is
// none in time.
func (n *nemesis) killAmid(ctx context.Context, r *replica, l leg, s stage) {
	now := r.now()
	n.w.net.set(trap{by: now, leg: l, stage: s, spring: func() {
		n.killed(r, now, true)
		n.tally.add(killsMid)
	}})
	select {
	case <-r.ended:
	case <-time.After(700 * time.Millisecond):
	case <-ctx.Done():
	}
	n.w.net.unset(now)
	n.kill(r)
}

// freeze stops a replica for a while.
func (n *nemesis) freeze(ctx context.Context, r *replica, d time.Duration) {
	since := time.Now()
	r.freeze()
	pause(ctx, d)
	r.thaw()
	n.w.history.struck(blow{kind: "freeze", to: r.now(), since: since, until: time.Now()})
}

// terminate asks a replica to end, which it must do in time and without an error.
func (n *nemesis) terminate(ctx context.Context, r *replica) {
	n.tally.add(terminations)
	r.strike(r.now(), syscall.SIGTERM)
	select {
	case <-r.ended:
	case <-time.After(time.Minute):
		n.tb.Errorf("%s does not end when it is asked to", r.now())
	case <-ctx.Done():
	}
}

// storm changes the weather.
func (n *nemesis) storm(ctx context.Context, rng *rand.Rand) {
	for pause(ctx, between(rng, 100*time.Millisecond, 800*time.Millisecond)) {
		l := []leg{legHub, legHub, legTeams, legTeams, legTeams, legEntra}[rng.IntN(6)]
		all := kindsOf(l, n.w.plan.definite)
		s := spell{
			kind: all[rng.IntN(len(all))], odds: 0.2 + 0.8*rng.Float64(),
			until: time.Now().Add(between(rng, 100*time.Millisecond, 1500*time.Millisecond)),
		}
		if rng.IntN(3) == 0 { // one replica alone is cut off
			s.replica = n.w.replicas[rng.IntN(len(n.w.replicas))].name
		}
		n.w.weather.set(l, s)
		n.tally.add(spellsCast)
	}
}

// stall is the kind of a blow that the machine itself strikes: nobody ran for longer
// than a lease can bear.
const stall = "stall"

// watchClock notes until ctx ends when the machine stood still.
func (w *world) watchClock(ctx context.Context) {
	for last := time.Now(); pause(ctx, 50*time.Millisecond); last = time.Now() {
		if now := time.Now(); now.Sub(last) > w.plan.lease/4 {
			w.history.struck(blow{kind: stall, since: last, until: now})
		}
	}
}

// quake takes the database away for a moment.
func (n *nemesis) quake(ctx context.Context, rng *rand.Rand) {
	for pause(ctx, between(rng, n.w.plan.span/5, n.w.plan.span/5+20*time.Second)) {
		now, what := rng.IntN(2) == 0, fastRestarts
		if now {
			what = atOnce
		}
		since := time.Now()
		if err := n.w.postgres.stop(now); err != nil {
			n.tb.Errorf("stop PostgreSQL: %v", err)
			return
		}
		pause(ctx, between(rng, 0, 2*n.w.plan.lease))
		if err := n.w.postgres.start(context.WithoutCancel(ctx)); err != nil {
			n.tb.Errorf("start PostgreSQL: %v", err)
			return
		}
		// Whoever waited to write something down needs a moment more.
		n.w.history.struck(blow{kind: "database", since: since, until: time.Now().Add(time.Second)})
		n.tally.add(what)
	}
}

func (t *tally) slowestStart() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.starts) == 0 {
		return "none"
	}
	return fmt.Sprintf("%s of %d", percentiles(t.starts), len(t.starts))
}
