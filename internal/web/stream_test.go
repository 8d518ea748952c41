package web_test

import (
	"bufio"
	"context"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/web"
)

// TestStream reads what a browser would get.
func TestStream(t *testing.T) {
	t.Parallel()
	log, _ := record()
	r := web.NewEngine(log)
	failed := make(chan error, 1)
	r.GET("/", web.Handle(log, func(c *gin.Context) error {
		s, err := web.NewStream(c)
		if err != nil {
			return err
		}
		for _, err := range []error{
			s.Send(7, "line", map[string]string{"text": "one\ntwo\r\u2028<b>"}),
			s.Ping(),
			s.Send(0, "state", nil),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		failed <- s.Send(8, "line", math.NaN()) // writes nothing
		return nil
	}))
	s := serve(t, r, time.Second)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Length": "",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	want := "retry: 1000\n\n" +
		"id: 7\nevent: line\ndata: {\"text\":\"one\\ntwo\\r\\u2028\\u003cb\\u003e\"}\n\n" +
		": ping\n\n" +
		"event: state\ndata: null\n\n"
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err != nil || string(got) != want {
		t.Errorf("stream is\n%q, want\n%q", got, want)
	}
	if err := <-failed; err == nil {
		t.Error("sent what has no JSON")
	}
	s.stop()
	if err := wait(t, "the end", s.done); err != nil {
		t.Error(err)
	}
}

// TestStreamComesAtOnce: an event is read while the handler still runs, and a
// reader that leaves is noticed.
func TestStreamComesAtOnce(t *testing.T) {
	t.Parallel()
	log, _ := record()
	r := web.NewEngine(log)
	left := make(chan error, 1)
	r.GET("/", web.Handle(log, func(c *gin.Context) error {
		s, err := web.NewStream(c)
		if err != nil {
			return err
		}
		err = s.Send(1, "line", "first")
		<-c.Request.Context().Done()
		left <- err
		return nil
	}))
	s := serve(t, r, time.Second)
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() && lines.Text() != `data: "first"` {
		continue
	}
	if lines.Err() != nil {
		t.Error(lines.Err())
	}
	leave()
	if err := wait(t, "the reader's leaving", left); err != nil {
		t.Error(err)
	}
	s.stop()
	if err := wait(t, "the end", s.done); err != nil {
		t.Error(err)
	}
}

func TestLastEventID(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		header, query string
		want          int64
	}{
		"none":                      {"", "", 0},
		"header":                    {"12", "", 12},
		"query":                     {"", "after=7", 7},
		"the header is newer":       {"12", "after=7", 12},
		"an odd header is no id":    {"abc", "after=7", 7},
		"negative":                  {"-3", "", 0},
		"zero":                      {"0", "after=0", 0},
		"too large for any id":      {strings.Repeat("9", 30), "", 0},
		"the largest":               {"9223372036854775807", "", math.MaxInt64},
		"header zero, query better": {"0", "after=5", 5},
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?"+tc.query, nil)
		req.Header.Set("Last-Event-ID", tc.header)
		c, _ := gin.CreateTestContext(httptest.NewRecorder())
		c.Request = req
		if got := web.LastEventID(c); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}
