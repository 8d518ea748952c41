package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// When tokens are fetched. Entra's last an hour and are throttled, so a token is
// renewed shortly before it ends, and neither failures nor refusals make us ask
// in a loop.
const (
	tokenEarly      = 5 * time.Minute
	tokenTimeout    = 10 * time.Second
	tokenRetry      = time.Second
	tokenDropFloor  = 10 * time.Second
	tokenLongestAsk = 5 * time.Minute // a longer Retry-After is not believed
)

// A source is one kind of token: the one in use, and how to get the next. One
// fetch runs at a time, in the goroutine of a caller that needs it.
type source struct {
	config clientcredentials.Config
	client *http.Client
	now    func() time.Time

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

func newSource(key sourceKey, conn Connection, client *http.Client) *source {
	return &source{
		config: clientcredentials.Config{
			ClientID: conn.ClientID, ClientSecret: conn.ClientSecret.Reveal(),
			TokenURL: key.authority + "/oauth2/v2.0/token", Scopes: []string{key.scope},
			AuthStyle: oauth2.AuthStyleInParams,
		},
		client: client, now: time.Now, fetching: make(chan struct{}, 1),
	}
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
		s.fetch() //nolint:contextcheck // others wait for it, see there
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
// wait for it. Nor does it take the caller's context along, in which a trace may
// be that watches the request the token is for.
func (s *source) fetch() {
	ctx, cancel := context.WithTimeout(context.Background(), tokenTimeout)
	defer cancel()
	got, err := s.config.Token(context.WithValue(ctx, oauth2.HTTPClient, s.client))
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.tried = now
	if err != nil {
		s.failure = tokenError(err)
		s.blocked = now.Add(max(tokenRetry, s.failure.After))
		return
	}
	life := tokenEarly // when it is not told
	if !got.Expiry.IsZero() {
		life = time.Until(got.Expiry)
	}
	s.token, s.expires, s.failure = got.AccessToken, now.Add(life), nil
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

// A TokenError is a token that could not be had. It holds neither what was sent
// nor what was said about it, but for codes.
type TokenError struct {
	Status int           // of the token endpoint; 0 when it did not answer
	Code   string        // its error code, as "invalid_client"
	After  time.Duration // how long it asked us to wait

	cause error // nil when it answered
}

// Error implements error.
func (e *TokenError) Error() string {
	switch {
	case e.cause != nil:
		return "fetch token: " + e.cause.Error()
	case e.Code != "":
		return fmt.Sprintf("fetch token: status %d %s", e.Status, e.Code)
	}
	return fmt.Sprintf("fetch token: status %d", e.Status)
}

// Unwrap returns the transport's error, or nil.
func (e *TokenError) Unwrap() error { return e.cause }

// Permanent reports whether the credential or its registration is wrong, so that
// only a person can help (RFC 6749, section 5.2). Redirects count: nothing is sent
// on.
func (e *TokenError) Permanent() bool {
	switch e.Code {
	case "invalid_client", "unauthorized_client", "invalid_scope", "invalid_resource", "invalid_request",
		"invalid_tenant", "unsupported_grant_type", "access_denied":
		return true
	case "temporarily_unavailable", "server_error":
		return false
	}
	retried := e.Status == http.StatusRequestTimeout || e.Status == http.StatusTooManyRequests
	return e.Status >= 300 && e.Status < 500 && !retried
}

// RetryAfter returns the delay Entra asked for, or zero.
func (e *TokenError) RetryAfter() time.Duration { return e.After }

var codeForm = regexp.MustCompile(`^[a-z][a-z_]{0,63}$`)

// tokenError keeps of an error what is safe to show. Entra's description repeats
// identifiers, and another server's could repeat the request.
func tokenError(err error) *TokenError {
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		if failed, isURL := errors.AsType[*url.Error](err); isURL {
			return &TokenError{cause: failed.Err}
		}
		return &TokenError{cause: errors.New("answer is not a token")}
	}
	e := &TokenError{Status: refused.Response.StatusCode}
	if codeForm.MatchString(refused.ErrorCode) {
		e.Code = refused.ErrorCode
	}
	if seconds, err := strconv.Atoi(refused.Response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.After = min(time.Duration(seconds)*time.Second, tokenLongestAsk)
	}
	return e
}
