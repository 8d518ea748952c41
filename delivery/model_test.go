package delivery_test

import (
	"context"
	"slices"
	"sync"

	"github.com/liaison-skill/liaison/delivery"
)

// An answer is what the model's peer says to one attempt.
type answer string

const (
	taken       answer = "taken"
	refused     answer = "refused"
	unavailable answer = "unavailable"
	fault       answer = "fault"
	perhaps     answer = "ambiguous, not taken"
	arrived     answer = "ambiguous, taken"
	unreachable answer = "unreachable"
)

func (a answer) err() error {
	switch a {
	case refused:
		return peerError{status: 400, permanent: true}
	case unavailable:
		return peerError{status: 503, unavailable: true}
	case fault:
		return peerError{status: 500}
	case perhaps, arrived:
		return peerError{status: 502, unavailable: true, ambiguous: true}
	case unreachable:
		return blockedError{}
	case taken:
	}
	return nil
}

// A script says what a word's attempts are answered; then it is taken.
type script []answer

func (s *script) next() answer {
	if len(*s) == 0 {
		return taken
	}
	a := (*s)[0]
	*s = (*s)[1:]
	return a
}

// An actor is a peer that keeps to scripts and remembers what it was sent.
type actor struct {
	mu      sync.Mutex
	scripts map[int]*script
	sent    map[string][]int // attempts, by lane
	copies  map[int]int      // of each word that it has
}

func (p *actor) send(_ context.Context, w word) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent[w.Lane] = append(p.sent[w.Lane], w.N)
	a := p.scripts[w.N].next()
	if a == taken || a == arrived {
		p.copies[w.N]++
	}
	return a.err()
}

// A promise is the model of a delivery.
type promise struct {
	n       int
	outcome string // as it is stored: "" while pending and when delivered
}

// A queue is the model of a lane.
type queue struct {
	promises       []*promise
	acked          int
	parked, halted bool // halted: parked at its letter
	doubts, faults int
	inherited      bool
	sent           []int
	copied         bool // a redriven letter joined its end, so it is not in the first order
}

func (q *queue) pending() bool { return q.acked < len(q.promises) }

// halting reports whether the queue stands still at its promise i.
func (q *queue) halting(i int) bool { return q.halted && q.acked == i+1 }

// letters lists the undecided ones by their places.
func (q *queue) letters() []int {
	var places []int
	for i, p := range q.promises {
		if p.outcome == "dead" || p.outcome == "held" {
			places = append(places, i)
		}
	}
	return places
}

// lose makes the owner of what is pending go away.
func (q *queue) lose() {
	q.inherited = true
	q.doubts++
}

func (q *queue) resume() { q.parked = q.halted }

// release lets a queue go on from a decided letter.
func (q *queue) release() { q.parked, q.halted = false, false }

// redrive decides on letters as documented: in place where the queue halts, else
// at its end.
func (q *queue) redrive(places []int) {
	for _, i := range places {
		p := q.promises[i]
		if q.halting(i) {
			p.outcome = ""
			continue
		}
		p.outcome, q.copied = "redriven", true
		q.promises = append(q.promises, &promise{n: p.n})
	}
	if q.halted && slices.Contains(places, q.acked-1) {
		q.acked--
		q.release()
	}
}

func (q *queue) drop(places []int) {
	for _, i := range places {
		q.promises[i].outcome = "dropped"
	}
	if q.halted && slices.Contains(places, q.acked-1) {
		q.release()
	}
}

// rules are what the outcomes depend on.
type rules struct {
	policy delivery.Policy
	poison delivery.Poison
	faults int
}

// play sends what is pending, until there is nothing or the queue is parked.
func (r rules) play(q *queue, scripts map[int]*script) {
	for q.pending() && !q.parked {
		p := q.promises[q.acked]
		if q.inherited {
			q.inherited = false
			if p.outcome = r.doubted(q); p.outcome != "" {
				r.bury(q)
			}
			continue
		}
		q.sent = append(q.sent, p.n)
		switch a := scripts[p.n].next(); a {
		case taken:
			q.move()
			continue
		case refused:
			p.outcome = "dead"
		case unreachable:
			q.parked, q.faults = true, 0
			return
		case perhaps, arrived:
			q.doubts++
			p.outcome = r.doubted(q)
		case fault:
			if q.faults++; q.faults >= r.faults {
				p.outcome = "dead"
			}
		case unavailable:
		}
		if p.outcome != "" {
			r.bury(q)
		}
	}
}

func (q *queue) move() {
	q.acked++
	q.doubts, q.faults = 0, 0
}

func (r rules) bury(q *queue) {
	q.move()
	q.parked, q.halted = r.poison == delivery.Halt, r.poison == delivery.Halt
}

// doubted is the outcome of a delivery for its doubts alone.
func (r rules) doubted(q *queue) string {
	switch {
	case q.doubts > 0 && r.policy == delivery.Hold:
		return "held"
	case q.doubts > 1:
		return "dead"
	}
	return ""
}

// copies is how often one promise may arrive.
func (r rules) copies() int {
	if r.policy == delivery.Hold {
		return 1
	}
	return 2
}
