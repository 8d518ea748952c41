package chaos

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// A kind is a way in which an attempt goes wrong.
type kind int

// Kinds of faults.
const (
	fine kind = iota

	// The peer says clearly that it did nothing, or does it in the end.
	slow      // done, the answer comes late but in time
	throttle  // 429 with Retry-After
	throttled // 429 without
	conflict  // 412
	away      // 503
	patience  // 503 with Retry-After
	refusal   // 400: pointless to repeat

	// Nothing was done, which the service cannot know.
	broken    // 500
	gateway   // 502
	reset     // the connection breaks
	blackHole // no answer

	// It was done, which the service cannot know.
	doneBroken  // 500
	doneGateway // 502
	doneReset   // the connection breaks
	doneHang    // no answer
	doneDrip    // the answer comes byte by byte, perhaps too late

	kinds
)

func (k kind) String() string {
	return [kinds]string{
		"fine", "slow", "429 with Retry-After", "429", "412", "503", "503 with Retry-After", "400",
		"500", "502", "reset", "black hole",
		"done then 500", "done then 502", "done then reset", "done then silence", "done then drip",
	}[k]
}

// ambiguous reports whether the service cannot know what came of it.
func (k kind) ambiguous() bool { return k >= broken }

// before reports whether the peer is not asked at all.
func (k kind) before() bool { return k >= throttle && k <= blackHole }

// status is what a fault answers, and with which Retry-After; 0 when it answers
// nothing.
func (k kind) status() (status int, after string) {
	switch k {
	case throttle:
		return http.StatusTooManyRequests, "1"
	case throttled:
		return http.StatusTooManyRequests, ""
	case conflict:
		return http.StatusPreconditionFailed, ""
	case away:
		return http.StatusServiceUnavailable, ""
	case patience:
		return http.StatusServiceUnavailable, "1"
	case refusal:
		return http.StatusBadRequest, ""
	case broken, doneBroken:
		return http.StatusInternalServerError, ""
	case gateway, doneGateway:
		return http.StatusBadGateway, ""
	default:
		return 0, ""
	}
}

// A leg is a road of the service to a peer.
type leg int

// The legs.
const (
	legHub leg = iota
	legTeams
	legEntra // tokens and keys
	legHost  // Copilot Studio's runtime
	legs
)

func (l leg) String() string { return [legs]string{"hub", "teams", "entra", "host"}[l] }

// kindsOf returns what can go wrong on a leg.
func kindsOf(l leg, definite bool) []kind {
	var all []kind
	for k := slow; k < kinds; k++ {
		switch {
		case definite && k.ambiguous():
		case l == legEntra && (k == refusal || k == throttle || k == patience):
			// A refusal of our credentials is no fault of the network, and the others
			// would only keep all of the run waiting.
		default:
			all = append(all, k)
		}
	}
	return all
}

// A spell is bad weather on a leg.
type spell struct {
	kind    kind
	odds    float64
	replica string // whom it hits; empty for everybody
	until   time.Time
}

// A weather decides which attempts go wrong.
type weather struct {
	mu       sync.Mutex
	rng      *rand.Rand
	definite bool
	drizzle  float64 // odds of any fault at any time
	spells   [legs]spell
	hits     [legs][kinds]int
}

// draw decides about one attempt.
func (w *weather) draw(l leg, by incarnation) kind {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := fine
	s := w.spells[l]
	switch {
	case time.Now().Before(s.until) && (s.replica == "" || s.replica == by.replica) && w.rng.Float64() < s.odds:
		k = s.kind
	case w.drizzle > 0 && l < legEntra && w.rng.Float64() < w.drizzle:
		all := kindsOf(l, w.definite)
		k = all[w.rng.IntN(len(all))]
	}
	w.hits[l][k]++
	return k
}

func (w *weather) set(l leg, s spell) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spells[l] = s
}

// begin lets any fault hit at any time, with these odds.
func (w *weather) begin(drizzle float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drizzle = drizzle
}

// clear ends all of it.
func (w *weather) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spells, w.drizzle = [legs]spell{}, 0
}

// counts returns how often each kind hit on each leg.
func (w *weather) counts() [legs][kinds]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hits
}
