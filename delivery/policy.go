package delivery

import (
	"fmt"
	"time"
)

// A Policy says what happens to a delivery that may have arrived although its
// attempt failed: the peer broke the connection, answered too late, or broke over
// it, or we died. No policy repeats it silently: every such attempt is recorded.
type Policy string

// Policies for ambiguous attempts.
const (
	RetryOnce Policy = "retry-once" // one more attempt may add one copy; then the delivery is dead
	Hold      Policy = "hold"       // no copy: it is held until an operator or the agent decides
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Policy) UnmarshalText(text []byte) error {
	switch v := Policy(text); v {
	case RetryOnce, Hold:
		*p = v
		return nil
	}
	return fmt.Errorf("%q: want %s or %s", text, RetryOnce, Hold)
}

// A Poison says what a dead letter does to the lane it was in.
type Poison string

// What a lane does after a dead letter.
const (
	Skip Poison = "skip" // goes on with the next delivery
	Halt Poison = "halt" // stops until the letter is redriven or dropped
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Poison) UnmarshalText(text []byte) error {
	switch v := Poison(text); v {
	case Skip, Halt:
		*p = v
		return nil
	}
	return fmt.Errorf("%q: want %s or %s", text, Skip, Halt)
}

// A fate is what becomes of a delivery after an attempt.
type fate int

const (
	again     fate = iota // it is tried later
	delivered             // the peer has it
	dead                  // given up
	held                  // kept for somebody to decide
	parked                // its lane waits until it is resumed
)

// outcome is how a letter is stored.
func (f fate) outcome() string {
	if f == held {
		return "held"
	}
	return "dead"
}

// fate judges an attempt that was made. The attempt's own doubt is counted in the
// lane already.
func (o *Outbox) fate(l *lane, m message, out Outcome) fate {
	switch out.Class {
	case Delivered:
		return delivered
	case Unreachable:
		return parked
	case Refused, Expired:
		return dead
	case Waiting:
		if time.Since(m.born) > o.config.GiveUp {
			return dead
		}
		return again
	case Unavailable, Fault, Lost:
	}
	if f := o.doubted(l); f != again {
		return f
	}
	worn := out.Class == Fault && l.faults+1 >= o.config.Faults
	late := out.Class == Unavailable && time.Since(m.born) > o.config.GiveUp
	if worn || late {
		return dead
	}
	return again
}

// doubted judges a lane's first delivery by how often it may have arrived.
func (o *Outbox) doubted(l *lane) fate {
	switch {
	case l.repeatable || l.doubts == 0:
		return again
	case o.config.Ambiguous == Hold:
		return held
	case l.doubts > 1:
		return dead
	}
	return again
}
