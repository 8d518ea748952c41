package jsonhttp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

// verdict is what an error says about a call.
type verdict struct{ permanent, ambiguous, unavailable bool }

func verdictOf(e *jsonhttp.Error) verdict {
	return verdict{e.Permanent(), e.Ambiguous(), e.Unavailable()}
}

// TestVerdictByStatus is the table a retry goes by.
func TestVerdictByStatus(t *testing.T) {
	t.Parallel()
	refused := verdict{permanent: true}
	for status, want := range map[int]verdict{
		301: refused, 302: refused, 304: refused, 307: refused, 308: refused,
		400: refused, 401: refused, 403: refused, 404: refused, 405: refused, 409: refused, 410: refused, 413: refused, 422: refused,
		408: {ambiguous: true},   // the peer stopped waiting, perhaps not for the body
		412: {},                  // Teams: concurrent operations
		425: {},                  // too early
		429: {unavailable: true}, // busy
		500: {ambiguous: true},
		501: {},
		502: {ambiguous: true, unavailable: true},
		503: {unavailable: true}, // a refusal: nothing was done
		504: {ambiguous: true, unavailable: true},
		507: {ambiguous: true},
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			peer := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
			e := failure(t, call(t, peer.URL, nil))
			if e.StatusCode() != status || verdictOf(e) != want {
				t.Errorf("status %d, %+v; want %d, %+v", e.StatusCode(), verdictOf(e), status, want)
			}
			if want := fmt.Sprintf("status %d", status); e.Error() != want {
				t.Errorf("error reads %q, want %q", e, want)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		"0":                             0,
		"-5":                            0,
		"soon":                          0,
		"1.5":                           0,
		"86400":                         time.Hour, // no longer is believed
		"9223372036854775807":           time.Hour,
		"99999999999999999999":          0,
		"Fri, 31 Dec 9999 23:59:59 GMT": time.Hour,
		"Thu, 01 Jan 1970 00:00:00 GMT": 0,
	} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			peer := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", header)
				w.WriteHeader(http.StatusTooManyRequests)
			})
			if got := failure(t, call(t, peer.URL, nil)).RetryAfter(); got != want {
				t.Errorf("wait of %s, want %s", got, want)
			}
		})
	}
}

func TestRetryAfterDate(t *testing.T) {
	t.Parallel()
	peer := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", time.Now().Add(time.Minute).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	if got := failure(t, call(t, peer.URL, nil)).RetryAfter(); got < 30*time.Second || got > time.Minute {
		t.Errorf("wait of %s, want about a minute", got)
	}
}

// TestPeerCode keeps the peer's code and nothing that could be a sentence.
func TestPeerCode(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"error":{"code":"ConversationNotFound","message":"Hello from Ann"}}`: "ConversationNotFound",
		`{"error":"invalid_client","error_description":"words"}`:               "invalid_client",
		`{"code":"Gone"}`: "Gone",
		`{"code":"Outer","error":{"code":"Inner"}}`: "Inner",
		`{"error":"user Ann said hello"}`:           "",
		`{"error":{"code":"Ann said"}}`:             "",
		`{"error":{"code":7}}`:                      "",
		`{"error":{"message":"m"}}`:                 "",
		`{"errorCode":209,"message":"x"}`:           "",
		`"a text"`:                                  "",
		`<html>`:                                    "",
		``:                                          "",
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			peer := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusNotFound)
				_, _ = w.Write([]byte(body))
			})
			e := failure(t, call(t, peer.URL, nil))
			text := "status 404"
			if want != "" {
				text += " " + want
			}
			if e.Code != want || e.Error() != text {
				t.Errorf("code %q, error %q; want %q, %q", e.Code, e, want, text)
			}
		})
	}
}

// TestPeerCodeThatRepeats drops a code that is part of what was sent: a secret or
// a single word may look like one.
func TestPeerCodeThatRepeats(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]jsonhttp.Request{
		"words":        {In: map[string]string{"text": "the word is " + secret}},
		"a credential": {Header: http.Header{"X-Api-Key": {secret}}},
		"the URL":      {URL: "/?sig=" + secret},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code := secret
			peer := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = fmt.Fprintf(w, `{"code":%q}`, code)
			})
			request.URL = peer.URL + request.URL
			if e := failure(t, jsonhttp.Do(t.Context(), client(), request)); e.Code != "" || e.Error() != "status 400" {
				t.Errorf("code %q, error %q; want status 400 alone", e.Code, e)
			}
			code = "BadArgument"
			if e := failure(t, jsonhttp.Do(t.Context(), client(), request)); e.Code != code {
				t.Errorf("code %q, want %s", e.Code, code)
			}
		})
	}
}

// refusalError is what a transport says that will not send a token.
type refusalError struct{ permanent bool }

func (refusalError) Error() string                                     { return "no token for this host" }
func (r refusalError) Permanent() bool                                 { return r.permanent }
func (refusalError) RetryAfter() time.Duration                         { return 3 * time.Second }
func (r refusalError) RoundTrip(*http.Request) (*http.Response, error) { return nil, r }

// TestTransportDecides: a transport that refuses to send says itself whether that
// will change.
func TestTransportDecides(t *testing.T) {
	t.Parallel()
	for _, permanent := range []bool{true, false} {
		c := jsonhttp.NewClient(time.Second, refusalError{permanent})
		err := jsonhttp.Do(t.Context(), c, jsonhttp.Request{URL: "http://peer.invalid/secret-path"})
		e := failure(t, err)
		if want := (verdict{permanent: permanent, unavailable: true}); verdictOf(e) != want {
			t.Errorf("%+v, want %+v", verdictOf(e), want)
		}
		if e.RetryAfter() != 3*time.Second || e.Error() != "no token for this host" {
			t.Errorf("error %q, wait of %s", e, e.RetryAfter())
		}
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	away := verdict{unavailable: true}
	perhaps := verdict{ambiguous: true, unavailable: true}
	for name, tc := range map[string]struct {
		peer func(t *testing.T) string
		want verdict
	}{
		"nobody listens":          {func(*testing.T) string { return "http://127.0.0.1:1" }, away},
		"no such host":            {func(*testing.T) string { return "http://peer.invalid" }, away},
		"reset after the request": {resets, perhaps},
		"hangs":                   {hangs, perhaps},
		"speaks something else":   {func(t *testing.T) string { t.Helper(); return speaks(t, "SSH-2.0-secret-words\r\n") }, perhaps},
		"body breaks off": {func(t *testing.T) string {
			t.Helper()
			return speaks(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":\"secret-words")
		}, perhaps},
		"body hangs": {bodyHangs, perhaps},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out map[string]any
			e := failure(t, call(t, tc.peer(t), &out))
			if e.StatusCode() != 0 || verdictOf(e) != tc.want {
				t.Errorf("status %d, %+v (%v); want 0, %+v", e.StatusCode(), verdictOf(e), e, tc.want)
			}
			leaksNothing(t, e)
		})
	}
}

func TestCancelledCallKeepsItsCause(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	peer := serve(t, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	err := jsonhttp.Do(ctx, client(), jsonhttp.Request{URL: peer.URL})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want one that wraps context.Canceled", err)
	}
}

// resets answers with a broken connection.
func resets(t *testing.T) string {
	t.Helper()
	return serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }).URL
}

// hangs does not answer until the caller gives up.
func hangs(t *testing.T) string {
	t.Helper()
	return serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }).URL
}

// bodyHangs answers half of what it has to say.
func bodyHangs(t *testing.T) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"id":`))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}).URL
}
