package web_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/web"
)

// pipes is a listener whose connections are in memory, so that a test's clock
// rules their deadlines.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// TestBodyIsBoundedInTime: a body that drips is refused, and a handler may take
// longer than a body.
func TestBodyIsBoundedInTime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body   string // of two bytes
		status int
		took   time.Duration
	}{
		"drips": {"x", http.StatusRequestTimeout, 15 * time.Second},
		"comes": {"xy", http.StatusNoContent, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				ln := pipes{make(chan net.Conn), make(chan struct{})}
				done := make(chan error, 1)
				h := slow()
				go func() { done <- web.Serve(ctx, ln, h, time.Second) }()
				ours, theirs := net.Pipe()
				ln.conns <- theirs
				began := time.Now()
				if _, err := io.WriteString(ours, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"+tc.body); err != nil {
					t.Fatal(err)
				}
				resp, err := http.ReadResponse(bufio.NewReader(ours), nil)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				if took := time.Since(began); resp.StatusCode != tc.status || took != tc.took {
					t.Errorf("status %d after %s, want %d after %s", resp.StatusCode, took, tc.status, tc.took)
				}
				_ = ours.Close()
				stop()
				if err := <-done; err != nil {
					t.Errorf("serve: %v", err)
				}
			})
		})
	}
}

// slow reads a body and takes a minute over it, unless its caller leaves.
func slow() http.Handler {
	log := slog.New(slog.DiscardHandler)
	r := web.NewEngine(log)
	r.POST("/", web.Handle(log, func(c *gin.Context) error {
		if _, err := web.Body(c, 100); err != nil {
			return err
		}
		select {
		case <-time.After(time.Minute):
			c.Status(http.StatusNoContent)
			return nil
		case <-c.Request.Context().Done():
			return c.Request.Context().Err()
		}
	}))
	return r
}
