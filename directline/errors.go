package directline

import (
	"errors"
	"net/http"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

// ErrListening means that somebody listens to the conversation already: there is
// one stream for each.
var ErrListening = errors.New("direct line: already listening")

// errStale is a call that cannot be repeated here, because its content is read:
// the caller may.
var errStale = errors.New("direct line token was replaced")

// A LostError means that a conversation cannot go on: begin anew. It wraps what
// was answered.
type LostError struct {
	Expired bool // the token is worth nothing; otherwise the conversation is not known
	cause   error
}

// Error implements error.
func (e *LostError) Error() string {
	if e.Expired {
		return "direct line token is not good any more: " + e.cause.Error()
	}
	return "direct line conversation is gone: " + e.cause.Error()
}

// Unwrap returns the cause.
func (e *LostError) Unwrap() error { return e.cause }

// Permanent reports that repeating is pointless.
func (*LostError) Permanent() bool { return true }

// A SizeError is an activity that Direct Line would not take.
type SizeError struct{ Characters int }

// Error implements error.
func (*SizeError) Error() string { return "activity is larger than direct line takes" }

// Permanent reports that repeating is pointless.
func (*SizeError) Permanent() bool { return true }

// lost tells what an answer says of the conversation. As Microsoft's own client
// does, it takes any 403 for an expired token.
func lost(err error) error {
	answer, ok := errors.AsType[*jsonhttp.Error](err)
	if !ok {
		return err
	}
	switch answer.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return &LostError{Expired: true, cause: err}
	case http.StatusNotFound, http.StatusGone:
		return &LostError{cause: err}
	}
	return err
}

// permanent follows the conventions of internal/jsonhttp.
func permanent(err error) bool {
	var verdict interface{ Permanent() bool }
	return errors.As(err, &verdict) && verdict.Permanent()
}
