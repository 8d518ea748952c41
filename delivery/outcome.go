package delivery

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// A Class says how an attempt ended.
type Class string

// Classes of attempts.
const (
	Delivered   Class = "delivered"
	Unavailable Class = "unavailable" // the peer is away: tried again until Config.GiveUp
	Fault       Class = "fault"       // the peer broke over it: tried again, Config.Faults times
	Refused     Class = "refused"     // the peer said no: dead at once
	Expired     Class = "expired"     // its time was up: dead
	Unreachable Class = "unreachable" // the peer said no to all of the lane: it is parked
	Lost        Class = "lost"        // its owner went away and may have sent it
	Waiting     Class = "waiting"     // something of ours comes first: the peer was not asked, and it is no attempt
)

// An Outcome is what one attempt came to. The error that Send returned is asked
// through its own methods, so that clients need not import this package:
//
//	Waiting() bool              the peer was not asked yet; RetryAfter says when to look again
//	Permanent() bool            repeating is pointless
//	Unavailable() bool          it is not about this message
//	Unreachable() bool          it is about all of the lane, until somebody resumes it
//	Ambiguous() bool            the peer may have done it
//	RetryAfter() time.Duration  the peer asks for patience
//	StatusCode() int            for the record
//
// An error without them counts as unavailable.
type Outcome struct {
	Class     Class
	Status    int
	Ambiguous bool
	After     time.Duration
}

// A Settlement is the final outcome of a delivery, or, when it is Held, one that
// somebody else will decide.
type Settlement struct {
	Delivered bool
	Held      bool
	Class     Class
	Status    int
	Ambiguous bool // any attempt may have been done by the peer, this one or an earlier one
}

func classify(err error) Outcome {
	if err == nil {
		return Outcome{Class: Delivered}
	}
	out := Outcome{Class: Fault}
	var waiting interface{ Waiting() bool }
	var permanent interface{ Permanent() bool }
	var unavailable interface{ Unavailable() bool }
	var unreachable interface{ Unreachable() bool }
	switch {
	case errors.As(err, &waiting) && waiting.Waiting():
		out.Class = Waiting
	case errors.As(err, &unreachable) && unreachable.Unreachable():
		out.Class = Unreachable
	case errors.As(err, &permanent) && permanent.Permanent():
		out.Class = Refused
	case !errors.As(err, &unavailable) || unavailable.Unavailable():
		out.Class = Unavailable
	}
	var ambiguous interface{ Ambiguous() bool }
	if errors.As(err, &ambiguous) {
		out.Ambiguous = ambiguous.Ambiguous()
	}
	var patient interface{ RetryAfter() time.Duration }
	if errors.As(err, &patient) {
		out.After = patient.RetryAfter()
	}
	var status interface{ StatusCode() int }
	if errors.As(err, &status) {
		out.Status = status.StatusCode()
	}
	return out
}

// reason is the outcome in words for the operator.
func (o Outcome) reason() string {
	reason := string(o.Class)
	if o.Status != 0 {
		reason += fmt.Sprintf(", status %d", o.Status)
	}
	if o.Ambiguous {
		reason += ", ambiguous"
	}
	return reason
}

// backoff returns the wait before try number n+1: doubling, capped, ±20 %, and
// at least what the peer asked for.
func backoff(c Config, n int, asked time.Duration) time.Duration {
	wait := c.BackoffMax
	if shift := n - 1; shift < 16 {
		wait = min(c.BackoffMax, c.Backoff<<max(0, shift))
	}
	spread := int64(wait) / 5
	wait += time.Duration(rand.Int64N(2*spread+1) - spread)
	return max(wait, asked)
}
