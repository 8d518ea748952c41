package bridgemodel

import (
	"context"
	"errors"
	"time"
)

// A fault is what a peer does to one call.
type fault int

const (
	none    fault = iota
	slow          // takes its time
	away          // clearly did not do it, and may be asked again
	refuse        // clearly did not do it, and never will
	vague         // did not do it, and does not say so
	lost          // did it, and does not say so
	silent        // did not do it, and says nothing at all
	belated       // did it, and says nothing at all
)

// A faulty answer of the hub. The other peers speak HTTP.
type hubError fault

func (e hubError) Error() string     { return "the hub's fault" }
func (e hubError) Permanent() bool   { return fault(e) == refuse }
func (e hubError) Unavailable() bool { return fault(e) == away }
func (e hubError) Ambiguous() bool   { return fault(e) != refuse && fault(e) != away }

var errCut = errors.New("the caller is dead")

// before plays the part of a fault that comes before the deed. It reports whether
// the deed is done.
func (f fault) before(ctx context.Context) bool {
	switch f {
	case slow:
		select {
		case <-time.After(3 * time.Millisecond):
		case <-ctx.Done():
		}
	case silent:
		<-ctx.Done()
	case none, away, refuse, vague, lost, belated:
	}
	return f == none || f == slow || f == lost || f == belated
}

// after plays the part that follows the deed, and reports whether the caller hears
// of it.
func (f fault) after(ctx context.Context) bool {
	if f == belated {
		<-ctx.Done()
	}
	return f == none || f == slow
}

// faults are what a peer does to the calls for one conversation, one after the
// other; then it is well.
type faults []fault

func (f *faults) next() fault {
	if len(*f) == 0 {
		return none
	}
	first := (*f)[0]
	*f = (*f)[1:]
	return first
}
