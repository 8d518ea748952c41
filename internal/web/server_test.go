package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/web"
)

// A running server, and how to end it.
type running struct {
	url  string
	stop context.CancelFunc
	done <-chan error
}

func serve(tb testing.TB, h http.Handler, drain time.Duration) running {
	tb.Helper()
	ln, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan error, 1)
	go func() { done <- web.Serve(ctx, ln, h, drain) }()
	tb.Cleanup(stop)
	return running{url: "http://" + ln.Addr().String(), stop: stop, done: done}
}

// wait returns what comes from ch, or fails the test.
func wait[T any](tb testing.TB, what string, ch <-chan T) T {
	tb.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(time.Minute):
		tb.Fatalf("not in time: %s", what)
		panic("unreachable")
	}
}

type answer struct {
	body string
	err  error
}

// get asks in a goroutine of its own; the answer comes through the channel.
func get(tb testing.TB, url string) <-chan answer {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	answers := make(chan answer, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			answers <- answer{err: err}
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		answers <- answer{string(body), err}
	}()
	return answers
}

func TestServeLetsARequestInFlightFinish(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-release
		if err := r.Context().Err(); err != nil {
			fmt.Fprintf(w, "the request's context ended: %v", err)
			return
		}
		fmt.Fprint(w, "finished")
	}), 20*time.Second)
	answers := get(t, s.url)
	wait(t, "the request", entered)
	s.stop()
	for { // nothing new is accepted
		if got := wait(t, "an answer", get(t, s.url+"/new")); got.err != nil {
			break
		}
	}
	select {
	case err := <-s.done:
		t.Fatalf("ended before the request did: %v", err)
	default:
	}
	close(release)
	if got := wait(t, "the answer", answers); got.err != nil || got.body != "finished" {
		t.Errorf("answered %q, %v", got.body, got.err)
	}
	if err := wait(t, "the end", s.done); err != nil {
		t.Error(err)
	}
}

func TestServeEndsStreamsThatWatchDraining(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-web.Draining(r.Context())
		fmt.Fprint(w, "bye")
	}), 20*time.Second)
	answers := get(t, s.url)
	wait(t, "the stream", entered)
	s.stop()
	if got := wait(t, "the stream's end", answers); got.err != nil || got.body != "bye" {
		t.Errorf("answered %q, %v", got.body, got.err)
	}
	if err := wait(t, "the end", s.done); err != nil {
		t.Error(err)
	}
}

func TestServeIsBounded(t *testing.T) {
	t.Parallel()
	entered, left := make(chan struct{}), make(chan struct{})
	s := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		defer close(left)
		close(entered)
		<-r.Context().Done() // ends when the connection is closed
	}), time.Millisecond)
	answers := get(t, s.url)
	wait(t, "the request", entered)
	s.stop()
	if err := wait(t, "the end", s.done); err != nil {
		t.Error(err)
	}
	if got := wait(t, "the answer", answers); got.err == nil {
		t.Errorf("answered %q", got.body)
	}
	wait(t, "the handler", left)
}

func TestServeReportsABrokenListener(t *testing.T) {
	t.Parallel()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	if err := web.Serve(t.Context(), ln, http.NotFoundHandler(), time.Second); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want that the listener is closed", err)
	}
}

func TestDrainingNeverClosesOutsideServe(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	select {
	case <-web.Draining(ctx):
		t.Error("closed")
	default:
	}
}
