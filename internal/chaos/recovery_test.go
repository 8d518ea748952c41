package chaos

import (
	"sync"
	"syscall"
	"testing"
	"time"
)

// What R8 promises. The first hangs on the lease, of ten seconds by default.
const (
	resumeAfterKill  = 15 * time.Second // of one of two replicas, which stays away
	resumeAfterStart = 5 * time.Second  // of the replica that was killed
)

// TestR8_Recovery kills a replica in the middle of a send for each of its
// conversations, and measures when those go on: at the other replica, when the
// first stays away; and at itself, when it comes back.
func TestR8_Recovery(t *testing.T) {
	t.Parallel()
	// Beside other tests it is shown that all goes on; the measure is taken alone.
	rounds, lease, slack := 1, 5*time.Second, 30*time.Second
	if _, long := span(t, 0); long {
		rounds, lease, slack = 10, 0, 0 // the default, which is what R8 is about
	}
	w := newWorld(t, plan{seed: seed(t), replicas: 2, conversations: 10, lease: lease, timeout: 2 * time.Minute})
	l := newLoad(t, w)
	if err := l.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := w.replicas[0]
	var byOther, byItself []time.Duration
	for n := range rounds {
		w.catchInTheMiddle(t, l, r, 2*n+1)
		killed := time.Now()
		r.end(syscall.SIGKILL)
		w.weather.clear()
		w.awaitWord(t, 2*n+1, resumeAfterKill+slack)
		byOther = append(byOther, time.Since(killed))
		w.bringBack(t, r)

		w.catchInTheMiddle(t, l, r, 2*n+2)
		r.end(syscall.SIGKILL)
		w.weather.clear()
		started := time.Now()
		w.bringBack(t, r)
		w.awaitWord(t, 2*n+2, resumeAfterStart+slack)
		byItself = append(byItself, time.Since(started))
	}
	t.Logf("a replica is killed in the middle of %d sends; all go on at the other one after %s; at itself, counted from its start, after %s",
		2*w.plan.conversations, percentiles(byOther), percentiles(byItself))
}

// catchInTheMiddle has every conversation say its n-th word, both ways, to one
// replica, and returns when all are on their way to peers that do not answer it.
func (w *world) catchInTheMiddle(tb testing.TB, l *load, r *replica, n int) {
	tb.Helper()
	// Who owns a lane sends what is accepted elsewhere, too: nobody may own one.
	if !within(tb.Context(), time.Minute, func() bool { n, err := busy(tb.Context(), w.db); return err == nil && n == 0 }) {
		tb.Fatal("lanes stay busy")
	}
	for _, on := range []leg{legHub, legTeams} {
		w.weather.set(on, spell{kind: blackHole, odds: 1, replica: r.name, until: time.Now().Add(time.Hour)})
	}
	var all sync.WaitGroup
	for c := range w.plan.conversations {
		for _, to := range []direction{toHub, toTeams} {
			id := wordID{c, to, n}
			all.Go(func() {
				if !within(tb.Context(), time.Minute, func() bool { return l.tryAt(tb.Context(), r, id) }) {
					tb.Errorf("%s was not accepted", id)
				}
			})
		}
	}
	all.Wait()
	if !within(tb.Context(), time.Minute, func() bool { return w.net.flying(r.now()) == 2*w.plan.conversations }) {
		tb.Fatalf("%d of %d sends are on their way", w.net.flying(r.now()), 2*w.plan.conversations)
	}
}

// awaitWord waits until the n-th words are at their peers.
func (w *world) awaitWord(tb testing.TB, n int, most time.Duration) {
	tb.Helper()
	missing := 0
	if !within(tb.Context(), most, func() bool {
		missing = 2 * w.plan.conversations
		for id := range w.history.arrived() {
			if id.n == n {
				missing--
			}
		}
		return missing == 0
	}) {
		tb.Errorf("R8: %d of %d words have not arrived after %s", missing, 2*w.plan.conversations, most)
	}
}

func (w *world) bringBack(tb testing.TB, r *replica) {
	tb.Helper()
	if err := r.start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	if !r.await(tb.Context(), time.Minute) {
		tb.Fatalf("%s is not ready; it logged:\n%s", r.name, r.tail())
	}
}
