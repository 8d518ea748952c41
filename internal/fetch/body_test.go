package fetch_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/fetch"
)

// allowed reports whether an error is not a refusal.
func allowed(err error) bool {
	_, refused := errors.AsType[*fetch.RefusedError](err)
	return !refused
}

// TestBody_that_drips_ends early although each byte comes in time.
func TestBody_that_drips_ends(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	s := startTarget(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(gone)
		drop := time.NewTicker(20 * time.Millisecond)
		defer drop.Stop()
		for {
			select {
			case <-r.Context().Done():
				return
			case <-drop.C:
				_, _ = io.WriteString(w, "x")
				_ = http.NewResponseController(w).Flush()
			}
		}
	})
	pace := fetch.Pace{Bytes: 500, Within: 100 * time.Millisecond}
	body, err := get(t, s.client(func(c *fetch.Config) { c.Timeout, c.Pace = time.Minute, pace }, s.addr()), s.URL)
	if !errors.Is(err, fetch.ErrTooSlow) || len(body) >= 500 {
		t.Errorf("%d bytes, %v; want ErrTooSlow", len(body), err)
	}
	<-gone // the connection was cut
}

func TestBody_that_stops_ends(t *testing.T) {
	t.Parallel()
	s := startTarget(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 600))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	pace := fetch.Pace{Bytes: 500, Within: 3 * time.Second} // longer than a busy machine keeps us from what came
	body, err := get(t, s.client(func(c *fetch.Config) { c.Timeout, c.Pace = time.Minute, pace }, s.addr()), s.URL)
	if !errors.Is(err, fetch.ErrTooSlow) || len(body) != 600 {
		t.Errorf("%d bytes, %v; want 600 and ErrTooSlow", len(body), err)
	}
}

// TestBody_waits_for_its_reader: what the reader does meanwhile is not the host's
// fault.
func TestBody_waits_for_its_reader(t *testing.T) {
	t.Parallel()
	s := startTarget(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 900)) })
	pace := fetch.Pace{Bytes: maxBody, Within: 3 * time.Second} // it never has so much
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.client(func(c *fetch.Config) { c.Pace = pace }, s.addr()).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	head := make([]byte, 100)
	if _, err := io.ReadFull(resp.Body, head); err != nil {
		t.Fatal(err)
	}
	<-time.After(pace.Within + pace.Within/10)
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) != 800 {
		t.Errorf("%d bytes, %v; want 800", len(rest), err)
	}
}

// TestBody_that_lies says more bytes than come, in both ways to say so.
func TestBody_that_lies(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"length": "Content-Length: 10\r\n\r\nhello",
		"chunk":  "Transfer-Encoding: chunked\r\n\r\na\r\nhello",
		"chunks": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startTarget(t, func(w http.ResponseWriter, _ *http.Request) {
				raw(t, w, "HTTP/1.1 200 OK\r\n"+answer)
			})
			body, err := get(t, s.client(nil, s.addr()), s.URL)
			if !errors.Is(err, fetch.ErrCutShort) || body != "hello" {
				t.Errorf("%q, %v; want ErrCutShort", body, err)
			}
		})
	}
}

// raw answers in a server's stead, and hangs up.
func raw(t *testing.T, w http.ResponseWriter, answer string) {
	t.Helper()
	var conn net.Conn
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	_, _ = fmt.Fprint(conn, answer)
}

func TestAnswer_that_does_not_begin(t *testing.T) {
	t.Parallel()
	s := startTarget(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := s.client(func(c *fetch.Config) { c.Timeout, c.FirstByte = time.Minute, 50*time.Millisecond }, s.addr())
	began := time.Now()
	if _, err := get(t, c, s.URL); err == nil || !allowed(err) || time.Since(began) > 30*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}
