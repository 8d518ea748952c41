package auth

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

// tokenLongestAsk bounds Retry-After: a longer one is not believed.
const tokenLongestAsk = 5 * time.Minute

// A TokenError is a token that could not be had. It holds neither what was sent
// nor what was said about it, but for codes.
type TokenError struct {
	Status int           // of the token endpoint; 0 when it did not answer
	Code   string        // its error code, as "invalid_client"
	After  time.Duration // how long it asked us to wait

	transient bool  // whatever the status says
	cause     error // nil when it answered
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

// Permanent is false of every refusal: what the token was for was never sent, and
// who repairs the credential wants it sent then.
func (*TokenError) Permanent() bool { return false }

// Misconfigured reports whether the credential or its registration is wrong, so
// that only a person can help (RFC 6749, section 5.2). Redirects count: nothing is
// sent on.
func (e *TokenError) Misconfigured() bool {
	if e.transient {
		return false
	}
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

// errNoToken means that the answer could not be read.
var errNoToken = errors.New("answer is not a token")

var codeForm = regexp.MustCompile(`^[a-z][a-z_]{0,63}$`)

// refused returns the error of an answer that is no token. Descriptions are left
// out: Entra's repeats identifiers, and another server's could repeat the request.
func refused(resp *http.Response, code string) *TokenError {
	e := &TokenError{Status: resp.StatusCode}
	if codeForm.MatchString(code) {
		e.Code = jsonhttp.Code(resp, code)
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.After = min(time.Duration(seconds)*time.Second, tokenLongestAsk)
	}
	return e
}

// asTokenError returns the *TokenError in err's chain, or one that says nothing:
// the text of any other could hold what was sent.
func asTokenError(err error) *TokenError {
	if e, ok := errors.AsType[*TokenError](err); ok {
		return e
	}
	return &TokenError{cause: errNoToken}
}
