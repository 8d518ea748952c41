package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/steady"
)

// sayings are what a part said of itself.
type sayings chan string

func (s sayings) next(tb testing.TB) string {
	tb.Helper()
	select {
	case what := <-s:
		return what
	case <-time.After(time.Minute):
		tb.Fatal("the part says nothing")
		return ""
	}
}

// greeter runs a server whose /hang answers when the test ends. It counts its
// runs, and does not hurry to end.
func greeter(tb testing.TB, runs *int, hanging chan<- struct{}) runner {
	tb.Helper()
	var mu sync.Mutex
	return func(ctx context.Context, ln net.Listener, _ *plug) error {
		mu.Lock()
		*runs++
		mu.Unlock()
		mux := http.NewServeMux()
		mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
		mux.HandleFunc("/hang", func(http.ResponseWriter, *http.Request) {
			hanging <- struct{}{}
			<-tb.Context().Done()
		})
		server := http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
		defer func() { _ = server.Close() }()
		served := make(chan error, 1)
		go func() { served <- server.Serve(ln) }()
		select {
		case <-ctx.Done():
			return nil
		case err := <-served:
			<-ctx.Done()
			return err
		}
	}
}

func get(tb testing.TB, url string) (string, error) {
	tb.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(tb.Context()), http.MethodGet, url, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

// start serves a part until the test ends, and returns where.
func (p *part) start(tb testing.TB, ln net.Listener) string {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	ended := make(chan error, 1)
	go func() { ended <- p.serve(ctx, ln) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			tb.Errorf("part: %v", err)
		}
	})
	return "http://" + p.address
}

func TestPart_breaks_and_runs_anew(t *testing.T) {
	t.Parallel()
	for name, rest := range map[string]time.Duration{"when it is mended": 0, "by itself": 10 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ln, err := listen(t.Context(), "test", steady.Address(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			said, hanging, runs := make(sayings, 10), make(chan struct{}, 10), 0
			p := newPart(ln, rest, func(what string) { said <- what }, greeter(t, &runs, hanging))
			url := p.start(t, ln)
			if got, err := get(t, url); got != "hello" {
				t.Fatalf("got %q, %v", got, err)
			}
			under := make(chan error, 1)
			go func() { _, err := get(t, url+"/hang"); under <- err }()
			<-hanging
			p.breakIt()
			if err := <-under; err == nil {
				t.Error("what was under way ended well")
			}
			if rest == 0 {
				if got, err := get(t, url); err == nil {
					t.Errorf("while it is broken it said %q", got)
				}
				p.mend()
			}
			said.next(t)
			if got, err := get(t, url); got != "hello" || runs != 2 {
				t.Errorf("got %q, %v in run %d", got, err, runs)
			}
		})
	}
}

func TestPlug_once_pulled_connects_nobody(t *testing.T) {
	t.Parallel()
	ln, err := listen(t.Context(), "test", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var p plug
	conn, err := p.dial(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	closed, err := p.dial(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	if len(p.conns) != 1 {
		t.Errorf("it knows %d connections, want the one that is open", len(p.conns))
	}
	p.pull()
	if _, err := conn.Write([]byte("x")); err == nil {
		t.Error("a connection outlived the plug")
	}
	if _, err := p.dial(t.Context(), "tcp", ln.Addr().String()); !errors.Is(err, errPulled) {
		t.Errorf("got %v", err)
	}
}
