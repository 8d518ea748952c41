package delivery

import "time"

// A Meter is told what this process does. Its methods are called on the way of
// every message: they must be fast, and safe for concurrent use.
type Meter interface {
	// Attempted: an attempt ended with class, after took.
	Attempted(destination string, class Class, took time.Duration)

	// Waited: a lane has to wait so long to keep to the peer's limits.
	Waited(destination string, wait time.Duration)
}

// unmetered is the Meter of whoever wants none.
type unmetered struct{}

func (unmetered) Attempted(string, Class, time.Duration) {}
func (unmetered) Waited(string, time.Duration)           {}
