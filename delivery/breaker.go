package delivery

import (
	"net/http"
	"sync"
	"time"
)

// breaksAfter is how many attempts in a row must find a peer away before its
// lanes wait together.
const breaksAfter = 5

// A breaker spares a peer that is away: of all its lanes one at a time looks for
// it, at the pace of the back-off. Lanes that wait keep their order.
type breaker struct {
	config Config
	off    bool

	mu      sync.Mutex
	misses  int       // attempts in a row that found it away
	until   time.Time // nobody tries before
	looking bool      // a lane is on its way to find out
}

// look reports whether a lane may look for a peer that is away, and keeps others
// from it until looked.
func (b *breaker) look() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.looking {
		return false
	}
	b.looking = true
	return true
}

// looked ends what look began.
func (b *breaker) looked() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.looking = false
}

// wait returns how long nothing should be tried.
func (b *breaker) wait() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(0, time.Until(b.until))
}

// open reports whether the peer is thought to be away.
func (b *breaker) open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.misses >= breaksAfter
}

// record learns from an attempt.
func (b *breaker) record(out Outcome) {
	if b.off || out.Status == http.StatusTooManyRequests { // that may be about one lane
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if out.Class != Unavailable {
		b.misses, b.until = 0, time.Time{}
		return
	}
	if b.misses++; b.misses >= breaksAfter {
		// A long Retry-After was said to one lane, not to all.
		b.until = time.Now().Add(backoff(b.config, b.misses-breaksAfter+1, min(out.After, b.config.BackoffMax)))
	}
}
