package sandbox_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
)

func TestPageAPIRefuses(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	for _, row := range []struct {
		name, path, origin, body string
		want                     int
	}{
		{"words of another site", "/api/people/Lee%20Gu/messages", "https://evil.example", `{"text":"hi"}`, http.StatusForbidden},
		{"faults by another site", "/api/faults", "https://evil.example", `{"id":"teams-500"}`, http.StatusForbidden},
		{"nobody's words", "/api/people/Nobody/messages", "", `{"text":"hi"}`, http.StatusNotFound},
		{"no words", "/api/people/Lee%20Gu/messages", "", `{"text":" "}`, http.StatusBadRequest},
		{"an unknown fault", "/api/faults", "", `{"id":"?"}`, http.StatusBadRequest},
		{"tokens by another site", "/api/tokens", "https://evil.example", `{"as":"copilot"}`, http.StatusForbidden},
		{"a token for nobody", "/api/tokens", "", `{"as":"nobody"}`, http.StatusBadRequest},
		{"a token", "/api/tokens", "", `{"as":"channel"}`, http.StatusOK},
		{"nothing else", "/api/people/Lee%20Gu/messages", s.URL(), `{"text":"hi"}`, http.StatusNoContent},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+row.path, strings.NewReader(row.body))
			if err != nil {
				t.Fatal(err)
			}
			if row.origin != "" {
				req.Header.Set("Origin", row.origin)
			}
			if status, body := do(t, req); status != row.want {
				t.Errorf("%d %s, want %d", status, body, row.want)
			}
		})
	}
}

func TestPageIsServedUnderAStrictPolicy(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	for _, path := range []string{"/", "/app.js", "/chat.css", "/copilot.svg"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "script-src 'self'") {
			t.Errorf("%s: %d %v", path, resp.StatusCode, resp.Header)
		}
	}
}

// readEvents reads n numbered events of a chat after a given one, and hangs up.
func readEvents(tb testing.TB, s *sandbox.Sandbox, after int64, n int) []int64 {
	tb.Helper()
	ctx, cancel := context.WithCancel(patient(tb))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+"/api/people/Lee%20Gu/events", http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", strconv.FormatInt(after, 10))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	var ids []int64
	for lines := bufio.NewScanner(resp.Body); len(ids) < n && lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			id, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				tb.Fatal(err)
			}
			ids = append(ids, id)
		}
	}
	return ids
}

func TestStreamResumesWithoutGapOrCopy(t *testing.T) {
	t.Parallel()
	const turns, events = 40, 80 // a line of the user and one of the copilot
	s := start(t, sandbox.Config{})
	lee := s.User("Lee")
	done := make(chan error, 1)
	go func() {
		for i := range turns {
			if err := lee.Say(t.Context(), fmt.Sprintf("line %d", i)); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	var got, want []int64
	for len(got) < events {
		var after int64
		if len(got) > 0 {
			after = got[len(got)-1]
		}
		got = append(got, readEvents(t, s, after, min(7, events-len(got)))...)
	}
	for i := range events {
		want = append(want, int64(i+1))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
