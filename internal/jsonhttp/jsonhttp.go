// Package jsonhttp makes one JSON call over HTTP and reports how it failed in
// the terms a retry needs: is repeating pointless, was it perhaps done, how long
// to wait. It never retries and never follows a redirect.
//
// Its errors carry no URL, no body and no header: any of them may hold a secret
// or somebody's words.
package jsonhttp

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// maxResponse bounds what is read of an answer, in bytes, unless its request says otherwise.
const maxResponse int64 = 1 << 20

// NewClient returns a client for one peer. A request takes at most timeout;
// redirects are answers, not instructions: credentials must not travel on.
func NewClient(timeout time.Duration, rt http.RoundTripper) *http.Client {
	return &http.Client{
		Timeout:   timeout,
		Transport: rt,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// A Request is one call. In is sent as JSON unless nil; a 2xx body is decoded
// into Out unless nil. An empty 2xx body leaves Out as it is.
//
// Content, of Size bytes, is sent as it is in place of In; Header says what it is.
// It is closed if it is an [io.Closer].
type Request struct {
	Method  string // POST if empty
	URL     string
	Header  http.Header
	In      any
	Content io.Reader
	Size    int64 // 0 is unknown
	Out     any

	MaxOut int64 // what is read of Out at most; 1 MiB if zero

	// OutOptional says that a 2xx is success even if its body is not what Out
	// expects, or breaks off.
	OutOptional bool
}

// An UnbuildableError is a request that cannot be made of what was given: a value
// that is no JSON, or a URL that is none. Repeating it is pointless.
type UnbuildableError struct{ cause error }

// Error implements error.
func (e *UnbuildableError) Error() string { return e.cause.Error() }

// Unwrap returns the cause.
func (e *UnbuildableError) Unwrap() error { return e.cause }

// Permanent reports that the same request cannot be made again.
func (*UnbuildableError) Permanent() bool { return true }

// Ambiguous reports that the peer has seen nothing.
func (*UnbuildableError) Ambiguous() bool { return false }

// Do makes the call. Its error is an [*Error], or an [*UnbuildableError].
func Do(ctx context.Context, c *http.Client, r Request) error {
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { sent.Store(true) },
	})
	req, err := build(ctx, r)
	if err != nil {
		return &UnbuildableError{err}
	}
	resp, err := c.Do(req)
	if err != nil {
		return transportError(err, sent.Load())
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		e := StatusError(resp)
		if r.Content != nil {
			e.Code = "" // it may repeat what was streamed, which is gone
		}
		return e
	}
	if r.Out == nil {
		_, _ = io.CopyN(io.Discard, resp.Body, maxResponse) // so that the connection is used again
		return nil
	}
	if err := readOut(resp, r); err != nil && !r.OutOptional {
		return err
	}
	return nil
}

func readOut(resp *http.Response, r Request) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, cmp.Or(r.MaxOut, maxResponse)))
	if err != nil {
		return transportError(err, true)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, r.Out); err != nil {
		return &Error{Status: resp.StatusCode, Code: "MalformedAnswer", cause: errors.New("answer is not the expected JSON")}
	}
	return nil
}

func build(ctx context.Context, r Request) (*http.Request, error) {
	method := r.Method
	if method == "" {
		method = http.MethodPost
	}
	body := r.Content
	if r.In != nil {
		encoded, err := json.Marshal(r.In)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.URL, body)
	if err != nil {
		return nil, errors.New("build request: invalid method or URL") // the cause quotes it
	}
	maps.Copy(req.Header, r.Header)
	if r.Content != nil && r.Size > 0 {
		req.ContentLength = r.Size
	}
	if r.In != nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	req.Header.Set("Accept", "application/json")
	return req, nil
}
