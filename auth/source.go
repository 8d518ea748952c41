package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// When tokens are fetched. Entra's last an hour and are throttled, so a token is
// renewed shortly before it ends, and neither failures nor refusals make us ask
// in a loop.
const (
	tokenEarly     = 5 * time.Minute
	tokenTimeout   = 10 * time.Second
	tokenRetry     = time.Second
	tokenDropFloor = 10 * time.Second
)

// A source is one kind of token: the one in use, and how to get the next. One
// fetch runs at a time, in the goroutine of a caller that needs it.
type source struct {
	from  credential
	scope string
	now   func() time.Time

	fetching chan struct{} // holds a token while a fetch runs

	mu      sync.Mutex
	token   string
	renew   time.Time   // when to look for the next
	expires time.Time   // when this one ends
	failure *TokenError // of the last fetch, if it failed
	blocked time.Time   // no fetch before then, after a failure
	tried   time.Time   // when the last fetch ended
	dropped time.Time   // when a token was last refused
}

func newSource(from credential, scope string) *source {
	return &source{from: from, scope: scope, now: time.Now, fetching: make(chan struct{}, 1)}
}

// get returns a token that lasts a while.
func (s *source) get(ctx context.Context) (string, error) {
	arrived := s.now()
	token, due, failure := s.state(arrived)
	if !due {
		return token, orNil(failure)
	}
	select {
	case s.fetching <- struct{}{}:
	default:
		if token != "" {
			return token, nil // lasts a little, and somebody is at it
		}
		select {
		case s.fetching <- struct{}{}:
		case <-ctx.Done():
			return "", fmt.Errorf("wait for a token: %w", ctx.Err())
		}
	}
	defer func() { <-s.fetching }()
	if _, due, _ = s.state(arrived); due {
		s.fetch(trace.SpanContextFromContext(ctx)) //nolint:contextcheck // others wait for it, see there
	}
	token, _, failure = s.state(arrived)
	if token == "" && failure == nil {
		failure = &TokenError{cause: errors.New("token ends at once")}
	}
	return token, orNil(failure)
}

// orNil keeps a nil pointer from becoming an error that is not nil.
func orNil(failure *TokenError) error {
	if failure == nil {
		return nil
	}
	return failure
}

// state returns the token while there is one, whether a fetch is due for a caller
// that arrived then, and, without a token, why there is none.
func (s *source) state(arrived time.Time) (token string, due bool, failure *TokenError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.token != "" && now.Before(s.expires) {
		token = s.token
	}
	// A fetch that failed since has answered this caller too.
	answered := s.failure != nil && s.tried.After(arrived)
	due = (token == "" || !now.Before(s.renew)) && !answered && !now.Before(s.blocked)
	if token == "" {
		failure = s.failure
	}
	return token, due, failure
}

// fetch asks for a token. It finishes although its caller may give up: others
// wait for it. Nor does it take the caller's context along, in which an httptrace
// may watch the request the token is for; it only joins the caller's trace.
func (s *source) fetch(from trace.SpanContext) {
	ctx := trace.ContextWithSpanContext(context.Background(), from)
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	got, err := s.from.token(ctx, s.scope)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.tried = now
	if err != nil {
		s.failure = asTokenError(err)
		s.blocked = now.Add(max(tokenRetry, s.failure.After))
		return
	}
	life := cmp.Or(got.life, tokenEarly)
	s.token, s.expires, s.failure = got.token, now.Add(life), nil
	// A short-lived token is used for half its life at least.
	s.renew = s.expires.Add(-min(tokenEarly, life/2))
}

// drop forgets the token, unless it was replaced already, and reports whether
// there is or will be another.
func (s *source) drop(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token != token {
		return true
	}
	now := s.now()
	if now.Sub(s.dropped) < tokenDropFloor {
		return false
	}
	s.token, s.dropped = "", now
	return true
}
