package jsonhttp_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
	"github.com/liaison-skill/liaison/internal/steady"
)

func TestMain(m *testing.M) {
	os.Exit(steady.Main(m, steady.Idle()...))
}

// secret stands in what is sent and what comes back, and must not show anywhere.
const secret = "secret-words"

// client waits for longer than a busy machine stops.
func client() *http.Client { return jsonhttp.NewClient(6*time.Second, http.DefaultTransport) }

func serve(tb testing.TB, h http.HandlerFunc) *httptest.Server {
	tb.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // only then the server notices that the caller is gone
		r.Body = io.NopCloser(bytes.NewReader(body))
		h(w, r)
	}))
	tb.Cleanup(s.Close)
	return s
}

// call posts something secret to a peer, by a URL that is secret too.
func call(tb testing.TB, base string, out any) error {
	tb.Helper()
	return jsonhttp.Do(tb.Context(), client(), jsonhttp.Request{
		URL: base + "/" + secret + "?sig=" + secret, Header: http.Header{"X-Key": {secret}},
		In: map[string]string{"text": secret}, Out: out,
	})
}

func failure(tb testing.TB, err error) *jsonhttp.Error {
	tb.Helper()
	e, ok := errors.AsType[*jsonhttp.Error](err)
	if !ok {
		tb.Fatalf("error is %v, want a jsonhttp.Error", err)
	}
	return e
}

func leaksNothing(tb testing.TB, err error) {
	tb.Helper()
	if strings.Contains(err.Error(), secret) {
		tb.Errorf("error tells a secret: %q", err)
	}
}

// speaks answers whatever comes with raw bytes and hangs up.
func speaks(tb testing.TB, answer string) string {
	tb.Helper()
	ln, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		request := make([]byte, 4096)
		for n := 0; !bytes.Contains(request[:n], []byte("}")); {
			read, err := conn.Read(request[n:])
			if err != nil {
				return
			}
			n += read
		}
		_, _ = io.WriteString(conn, answer)
	}()
	tb.Cleanup(func() { _ = ln.Close(); <-over })
	return "http://" + ln.Addr().String()
}

func TestDoSends(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		request jsonhttp.Request
		want    []string // method, content type, accept, header, body
	}{
		"a POST of JSON by default": {
			jsonhttp.Request{In: map[string]int{"n": 1}, Header: http.Header{"X-Key": {"k"}}},
			[]string{"POST", "application/json; charset=utf-8", "application/json", "k", `{"n":1}`},
		},
		"no body without a value": {
			jsonhttp.Request{Method: http.MethodGet},
			[]string{"GET", "", "application/json", "", ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := make(chan []string, 1)
			peer := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got <- []string{r.Method, r.Header.Get("Content-Type"), r.Header.Get("Accept"), r.Header.Get("X-Key"), string(body)}
			})
			tc.request.URL = peer.URL
			if err := jsonhttp.Do(t.Context(), client(), tc.request); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, <-got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDoReads(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status     int
		body, want string
	}{
		"JSON":                    {200, `{"id":"7"}`, "7"},
		"JSON of a created thing": {201, `{"id":"8","more":1}`, "8"},
		"nothing of a 200":        {200, "", "before"},
		"nothing of a 202":        {202, "", "before"},
		"nothing of a 204":        {204, "", "before"},
		"white space":             {200, " \r\n", "before"},
		"a megabyte":              {200, `{"id":"9"}` + strings.Repeat(" ", 1<<20-10), "9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			out := struct{ ID string }{"before"}
			if err := call(t, peer.URL, &out); err != nil || out.ID != tc.want {
				t.Errorf("id %q, %v; want %q", out.ID, err, tc.want)
			}
		})
	}
}

// TestDoRefusesAnswers: the peer did it, and it is not known what.
func TestDoRefusesAnswers(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"not JSON":          "<html>" + secret,
		"of another shape":  `["` + secret + `"]`,
		"of another type":   `{"id":{"` + secret + `":1}}`,
		"two values":        `{"id":"1"}{"id":"` + secret + `"}`,
		"over a megabyte":   `{"id":"` + strings.Repeat("x", 1<<20) + `"}`,
		"without an ending": `{"id":"` + secret,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
			var out struct{ ID string }
			e := failure(t, call(t, peer.URL, &out))
			if want := (verdict{ambiguous: true}); e.Status != 200 || verdictOf(e) != want {
				t.Errorf("status %d, %+v; want 200, %+v", e.Status, verdictOf(e), want)
			}
			leaksNothing(t, e)
		})
	}
}

// TestDoBoundsBodies reads no more than it needs of a peer that never stops.
func TestDoBoundsBodies(t *testing.T) {
	t.Parallel()
	for name, out := range map[string]any{"wanted": &struct{}{}, "not wanted": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer := serve(t, func(w http.ResponseWriter, r *http.Request) {
				chunk := bytes.Repeat([]byte(" "), 64<<10)
				for r.Context().Err() == nil {
					if _, err := w.Write(chunk); err != nil {
						return
					}
				}
			})
			c := jsonhttp.NewClient(time.Minute, http.DefaultTransport)
			began := time.Now()
			_ = jsonhttp.Do(t.Context(), c, jsonhttp.Request{URL: peer.URL, Out: out})
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("read for %s", took)
			}
		})
	}
}

func TestDoFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
	for _, status := range []int{301, 302, 303, 307, 308} {
		peer := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL+"/"+secret, status) })
		e := failure(t, call(t, peer.URL, nil))
		if e.Status != status || !e.Permanent() {
			t.Errorf("status %d, permanent %t; want %d, true", e.Status, e.Permanent(), status)
		}
		leaksNothing(t, e)
	}
}

// TestDoLeaksNothing: net/http repeats in its errors what it could not read.
func TestDoLeaksNothing(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"status line":    "HTTP/1.1 " + secret + "\r\n\r\n",
		"header line":    "HTTP/1.1 200 OK\r\n" + secret + "\r\n\r\n",
		"content length": "HTTP/1.1 200 OK\r\nContent-Length: " + secret + "\r\n\r\n",
		"encoding":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + secret + "\r\n\r\n",
		"location":       "HTTP/1.1 302 Found\r\nLocation: http://[" + secret + "\r\n\r\n",
		"error body":     "HTTP/1.1 500 Oops\r\nContent-Length: 12\r\n\r\n" + secret,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leaksNothing(t, failure(t, call(t, speaks(t, answer), &struct{}{})))
		})
	}
}

// TestUnbuildable: a request that cannot be made says so without its URL, and is
// not tried again.
func TestUnbuildable(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]jsonhttp.Request{
		"a password cut at a #": {URL: "http://user:" + secret + "#@host/"},
		"a control character":   {URL: "http://host/" + secret + "\n"},
		"a method":              {URL: "http://host/", Method: "P OST " + secret},
		"a value":               {URL: "http://host/" + secret, In: func() {}},
	} {
		err := jsonhttp.Do(t.Context(), client(), r)
		if err == nil {
			t.Fatalf("%s: no error", name)
		}
		leaksNothing(t, err)
		if e, ok := errors.AsType[*jsonhttp.UnbuildableError](err); !ok || !e.Permanent() || e.Ambiguous() {
			t.Errorf("%s: error %v (%T), want a permanent *UnbuildableError", name, err, err)
		}
	}
}

func TestDo_content_is_streamed_as_it_is(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{0, 5} {
		var got, kind string
		var length int64
		peer := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got, kind, length = string(body), r.Header.Get("Content-Type"), r.ContentLength
			_, _ = w.Write([]byte(`{"error":"hello"}`))
		})
		content, fill := io.Pipe()
		go func() { _, err := fill.Write([]byte("hello")); _ = fill.CloseWithError(err) }()
		err := jsonhttp.Do(t.Context(), client(), jsonhttp.Request{
			URL: peer.URL, Header: http.Header{"Content-Type": {"text/plain"}}, Content: content, Size: size,
		})
		if err != nil || got != "hello" || kind != "text/plain" || size > 0 && length != size {
			t.Errorf("%v: got %q, %s, of length %d", err, got, kind, length)
		}
	}
}

func TestDo_what_was_streamed_is_not_repeated_in_errors(t *testing.T) {
	t.Parallel()
	peer := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"` + string(body) + `"}`))
	})
	err := jsonhttp.Do(t.Context(), client(), jsonhttp.Request{URL: peer.URL, Content: io.LimitReader(strings.NewReader(secret), 100)})
	leaksNothing(t, failure(t, err))
}
