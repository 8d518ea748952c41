package handoff

import "errors"

// An Outcome is what became of a handoff.
type Outcome string

// Outcomes.
const (
	Made     Outcome = "made"
	Redeemed Outcome = "redeemed"
	Replayed Outcome = "replayed" // it was redeemed before
	Late     Outcome = "late"     // somebody came after it expired
	Unknown  Outcome = "unknown"  // there was none, or it was for somebody else
	Failed   Outcome = "failed"   // the database did not take it; Teams tries again
	Expired  Outcome = "expired"  // nobody came in time
)

// Outcomes returns all of them.
func Outcomes() []Outcome { return []Outcome{Made, Redeemed, Replayed, Late, Unknown, Failed, Expired} }

// A Meter counts handoffs by what became of them.
type Meter interface {
	Handoffs(o Outcome, n int64)
}

// OutcomeOf returns what a redemption came to that ended with err.
func OutcomeOf(err error) Outcome {
	switch {
	case err == nil:
		return Redeemed
	case errors.Is(err, ErrUsed):
		return Replayed
	case errors.Is(err, ErrExpired):
		return Late
	case errors.Is(err, ErrUnknown):
		return Unknown
	}
	return Failed
}
