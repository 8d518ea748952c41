package files

import (
	"errors"
	"net/http"

	"github.com/liaison-skill/liaison/internal/fetch"
	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

// A Failure says why there will be no content, so that the right words can be
// said about it.
type Failure string

// Failures.
const (
	Missing    Failure = "missing"    // there was no URL
	Expired    Failure = "expired"    // its host does not give it, or not any more
	TooBig     Failure = "too_big"    // longer than Config.Max
	WrongType  Failure = "wrong_type" // not one of Config.Types
	Refused    Failure = "refused"    // a place that is not fetched from
	Unreadable Failure = "unreadable" // not what a file looks like
	GaveUp     Failure = "gave_up"    // tried in vain for too long
)

// An Error means that a file has failed. Repeating the call is pointless.
type Error struct {
	Failure Failure
	cause   error // nil when it failed earlier
}

// Error implements error.
func (e *Error) Error() string {
	if e.cause == nil {
		return string(e.Failure)
	}
	return string(e.Failure) + ": " + e.cause.Error()
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Permanent reports that the file stays failed.
func (*Error) Permanent() bool { return true }

// An unsteadyError is about this file, not about its host: it is worth some tries,
// not a day of them.
type unsteadyError struct{ error }

func (e unsteadyError) Unwrap() error   { return e.error }
func (unsteadyError) Unavailable() bool { return false }

// refusal returns what an answer means that is not 200.
func refusal(resp *http.Response) error {
	err := jsonhttp.StatusError(resp)
	switch {
	case resp.StatusCode/100 == 2:
		return &Error{Unreadable, err}
	case err.Permanent():
		return &Error{Expired, err}
	}
	return err
}

// failure returns what kept an answer from coming, without the URL.
func failure(err error) error {
	var permanent interface{ Permanent() bool }
	switch {
	case errors.Is(err, fetch.ErrTooLarge):
		return &Error{TooBig, fetch.ErrTooLarge}
	case errors.As(err, &permanent) && permanent.Permanent():
		return &Error{Refused, jsonhttp.Cause(err)}
	}
	return jsonhttp.Cause(err)
}

// cut returns what kept the rest of a body from coming.
func cut(err error) error {
	for _, known := range []error{fetch.ErrTooSlow, fetch.ErrCutShort} {
		if errors.Is(err, known) {
			return unsteadyError{known}
		}
	}
	if errors.Is(err, fetch.ErrTooLarge) {
		return failure(err)
	}
	return unsteadyError{jsonhttp.Cause(err)}
}
