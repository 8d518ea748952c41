package web_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/liaison-skill/liaison/internal/web"
)

// dial serves h in memory, under the test's clock, and returns a connection to it.
func dial(t *testing.T, h http.Handler) (conn net.Conn, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ln := pipes{make(chan net.Conn), make(chan struct{})}
	done := make(chan error, 1)
	go func() { done <- web.Serve(ctx, ln, h, time.Second) }()
	ours, theirs := net.Pipe()
	ln.conns <- theirs
	return ours, func() {
		_ = ours.Close()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	}
}

// drip writes one byte a second until the server has had enough, and says when.
func drip(conn net.Conn) <-chan time.Duration {
	took := make(chan time.Duration, 1)
	go func() {
		began := time.Now()
		for {
			if _, err := io.WriteString(conn, "x"); err != nil {
				took <- time.Since(began)
				return
			}
			<-time.After(time.Second)
		}
	}()
	return took
}

func TestASlowHeaderEndsTheConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn, stop := dial(t, http.NotFoundHandler())
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
			t.Fatal(err)
		}
		took := drip(conn)
		_, _ = io.Copy(io.Discard, conn)
		if got := <-took; got > 11*time.Second {
			t.Errorf("held a connection for %s", got)
		}
		stop()
	})
}

// A refusal does not wait for a body nobody reads.
func TestASlowBodyEndsTheConnectionThoughNobodyReadsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn, stop := dial(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
		}))
		if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		took := drip(conn)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("status %d", resp.StatusCode)
			}
		}
		_, _ = io.Copy(io.Discard, conn)
		if got := <-took; got > 16*time.Second {
			t.Errorf("held a connection for %s", got)
		}
		stop()
	})
}

func TestAnIdleConnectionIsEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn, stop := dial(t, http.NotFoundHandler())
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusNotFound {
			t.Fatalf("answered %v, %v", resp, err)
		}
		_ = resp.Body.Close()
		_, _ = io.Copy(io.Discard, conn)
		if took := time.Since(began); took != 2*time.Minute {
			t.Errorf("an idle connection lasted %s", took)
		}
		stop()
	})
}

// Who does not read an answer does not keep its handler.
func TestAnAnswerNobodyReadsIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		given := make(chan error, 1)
		conn, stop := dial(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, err := io.WriteString(w, strings.Repeat("x", 1<<20))
			given <- err
		}))
		began := time.Now()
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if err := <-given; err == nil || time.Since(began) > 2*time.Minute {
			t.Errorf("given up after %s: %v", time.Since(began), err)
		}
		stop()
	})
}

func TestHeadersAreBounded(t *testing.T) {
	t.Parallel()
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }), time.Second)
	for size, want := range map[int]int{16 << 10: http.StatusNoContent, 40 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", strings.Repeat("x", size))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%d bytes: status %d, want %d", size, resp.StatusCode, want)
		}
	}
	s.stop()
	if err := wait(t, "the end", s.done); err != nil && !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
