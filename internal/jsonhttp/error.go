package jsonhttp

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Error is a call that did not end in 2xx.
type Error struct {
	Status int    // 0 when no answer came
	Code   string // the peer's own code if it gave one that looks like a code
	After  time.Duration

	sent  bool  // the request may have reached the peer
	cause error // nil when a status says it all
}

// Error implements error.
func (e *Error) Error() string {
	switch {
	case e.Status == 0:
		return e.cause.Error()
	case e.Code != "":
		return fmt.Sprintf("status %d %s", e.Status, e.Code)
	default:
		return fmt.Sprintf("status %d", e.Status)
	}
}

// Unwrap returns the transport's error, or nil.
func (e *Error) Unwrap() error { return e.cause }

// StatusCode returns the HTTP status, or 0 when no answer came.
func (e *Error) StatusCode() int { return e.Status }

// Permanent reports whether repeating the same request is pointless: 3xx and
// 4xx, but for 408, 412 (Teams: concurrent operations), 425 and 429; and what the
// transport, which may refuse to send a token, calls permanent.
func (e *Error) Permanent() bool {
	var cause interface{ Permanent() bool }
	if e.Status == 0 && errors.As(e.cause, &cause) {
		return cause.Permanent()
	}
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusPreconditionFailed, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return e.Status/100 == 3 || e.Status/100 == 4
}

// Ambiguous reports whether the peer may have done what was asked although the
// call failed. 503 is a refusal.
func (e *Error) Ambiguous() bool {
	switch {
	case e.Status == 0:
		return e.sent
	case e.Status == http.StatusRequestTimeout:
		return true
	case e.Status/100 == 2: // done, but the answer is unreadable
		return true
	}
	return e.Status/100 == 5 && e.Status != http.StatusServiceUnavailable && e.Status != http.StatusNotImplemented
}

// Unavailable reports whether the failure says nothing about this request in
// particular: the peer is away, overloaded or asks for patience.
func (e *Error) Unavailable() bool {
	switch e.Status {
	case 0, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// RetryAfter returns the delay the peer asked for, or zero.
func (e *Error) RetryAfter() time.Duration {
	var cause interface{ RetryAfter() time.Duration }
	if e.Status == 0 && errors.As(e.cause, &cause) {
		return cause.RetryAfter()
	}
	return e.After
}

func transportError(err error, sent bool) *Error { return &Error{sent: sent, cause: Cause(err)} }

// Cause returns of an [http.Client]'s error what is safe to show: neither the
// URL, which may hold a secret in path or query, nor what it could not read.
func Cause(err error) error {
	cause := err
	if ue, ok := errors.AsType[*url.Error](err); ok {
		cause = ue.Err
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	case !known(cause):
		return errors.New("answer is not HTTP")
	}
	return cause
}

// known reports whether the text of err is safe. What net/http cannot read, it
// repeats in its errors, and that may be anything.
func known(err error) bool {
	var refusal interface{ Permanent() bool } // by our own transport
	if _, ok := errors.AsType[net.Error](err); ok || errors.As(err, &refusal) {
		return true
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	return untrusted || slices.ContainsFunc([]error{
		context.Canceled, io.EOF, io.ErrUnexpectedEOF, http.ErrSchemeMismatch,
	}, func(target error) bool { return errors.Is(err, target) })
}

// StatusError returns what an answer says whose status is not the one hoped for.
// It reads some of the body.
func StatusError(resp *http.Response) *Error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	return &Error{
		Status: resp.StatusCode,
		Code:   Code(resp, peerCode(body)),
		After:  retryAfter(resp.Header.Get("Retry-After"), time.Now()),
	}
}

var codeForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)

// Code returns an error code that came with resp, or "" when it could be
// somebody's words or a secret: it is a sentence, or the request has it too.
func Code(resp *http.Response, code string) string {
	if !codeForm.MatchString(code) || repeats(resp.Request, code) {
		return ""
	}
	return code
}

// repeats reports whether a text is part of the request, as it was sent.
func repeats(r *http.Request, text string) bool {
	if r == nil {
		return false // not from net/http
	}
	if strings.Contains(r.URL.String(), text) {
		return true
	}
	for _, values := range r.Header {
		if strings.Contains(strings.Join(values, "\n"), text) {
			return true
		}
	}
	if r.GetBody == nil {
		return false
	}
	body, err := r.GetBody()
	if err != nil {
		return false
	}
	defer body.Close()
	sent, err := io.ReadAll(body)
	return err == nil && bytes.Contains(sent, []byte(text))
}

// peerCode finds an error code in the shapes peers use: {"error":{"code"}} of
// the Bot Connector, {"error":"code"} of Entra, {"code"}.
func peerCode(body []byte) string {
	var outer struct {
		Error json.RawMessage `json:"error"`
		Code  string          `json:"code"`
	}
	if json.Unmarshal(body, &outer) != nil {
		return ""
	}
	code := outer.Code
	var inner struct {
		Code string `json:"code"`
	}
	var text string
	switch {
	case json.Unmarshal(outer.Error, &inner) == nil && inner.Code != "":
		code = inner.Code
	case json.Unmarshal(outer.Error, &text) == nil:
		code = text
	}
	return code
}

// longestAfter is how long a peer can make us wait: one that asks for more, by
// mistake or to stop us, is asked again all the same.
const longestAfter = time.Hour

// retryAfter reads both forms of the header: seconds, and a date (RFC 9110,
// section 10.2.3).
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil {
		return time.Duration(min(max(0, seconds), int(longestAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(0, at.Sub(now)), longestAfter)
	}
	return 0
}
