package sandbox_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/liaison-skill/liaison/sandbox"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		fault  sandbox.Fault
		status int // 0: no answer
		lines  int // what the user sees of the one message
	}{
		{"a status", sandbox.Fault{Status: 500}, 500, 0},
		{"a status with a code", sandbox.Fault{Status: 403, Code: "ConversationBlockedByUser"}, 403, 0},
		{"throttling", sandbox.Fault{Status: 429, RetryAfter: 3 * time.Second}, 429, 0},
		{"only late", sandbox.Fault{Delay: time.Millisecond}, 201, 1},
		{"a hang", sandbox.Fault{Hang: true}, 0, 0},
		{"a reset", sandbox.Fault{Reset: true}, 0, 0},
		{"accept, then a status", sandbox.Fault{Accept: true, Status: 502}, 502, 1},
		{"accept, then a reset", sandbox.Fault{Accept: true, Reset: true}, 0, 1},
		{"accept, then a hang", sandbox.Fault{Accept: true, Hang: true}, 0, 1},
		{"an empty body", sandbox.Fault{EmptyBody: true}, 201, 1},
		{"an echo", sandbox.Fault{Echo: true, Status: 400}, 400, 0},
		{"an echo that is no answer", sandbox.Fault{Echo: true}, 0, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, sandbox.Config{})
			alex := s.User("Alex")
			target, token := chatURL(s, alex.Conversation()), botToken(t.Context(), t, s)
			row.fault.Times = 1
			s.Fault(sandbox.Connector, row.fault)
			ctx := t.Context()
			if row.fault.Hang {
				ctx = untilTaken(t, s, alex, row.lines)
			}
			status, body := sendRead(ctx, t, "POST", target, token, hello)
			if _, err := s.WaitRequests(patient(t), sandbox.Connector, 1); err != nil {
				t.Fatal(err)
			}
			if status != row.status || len(alex.Lines()) != row.lines {
				t.Errorf("status %d with %d lines, want %d with %d", status, len(alex.Lines()), row.status, row.lines)
			}
			if row.fault.Code != "" && code(t, body) != row.fault.Code {
				t.Errorf("body %s", body)
			}
			if row.fault.Echo && row.status > 0 && strings.Count(string(body), token)+strings.Count(string(body), "**Ann**: hello") != 2 {
				t.Errorf("body %s does not repeat the token and the words", body)
			}
			if row.fault.EmptyBody && len(body) > 0 {
				t.Errorf("body %s", body)
			}
			if status := send(t.Context(), t, "POST", target, token, hello); status != http.StatusCreated {
				t.Errorf("after the fault: %d", status)
			}
		})
	}
}

// untilTaken ends when the connector has a request, and has done what it was to do:
// so many lines are there.
func untilTaken(tb testing.TB, s *sandbox.Sandbox, u sandbox.User, lines int) context.Context {
	tb.Helper()
	ctx, cancel := context.WithCancel(patient(tb))
	tb.Cleanup(cancel)
	go func() {
		defer cancel()
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil && (len(s.Requests(sandbox.Connector)) == 0 || len(u.Lines()) != lines) {
			<-tick.C
		}
	}()
	return ctx
}

func TestFaultsChooseTheirRequests(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	alex, lee := s.User("Alex"), s.User("Lee")
	token := botToken(t.Context(), t, s)
	post := func(u sandbox.User) int {
		return send(t.Context(), t, "POST", chatURL(s, u.Conversation()), token, hello)
	}
	s.Fault(sandbox.Connector, sandbox.Fault{Status: 503, Conversation: string(alex.Conversation())})
	s.Fault(sandbox.Connector, sandbox.Fault{Status: 504, Times: 2})
	got := []int{post(lee), post(alex), post(lee), post(lee), post(alex)}
	s.ClearFaults(sandbox.Connector)
	got = append(got, post(alex))
	if diff := cmp.Diff([]int{504, 503, 504, 201, 503, 201}, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

func TestEntraFailsInItsOwnWords(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	s.Fault(sandbox.Entra, sandbox.Fault{Status: http.StatusServiceUnavailable, Times: 1})
	config := credentials(s, "SKILL", copilot+"/.default")
	_, err := config.Token(t.Context())
	refusal, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || refusal.ErrorCode != "temporarily_unavailable" {
		t.Errorf("got %v", err)
	}
	if _, err := config.Token(t.Context()); err != nil {
		t.Errorf("after the fault: %v", err)
	}
}

func TestResetIsSeenAsOne(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	s.Fault(sandbox.Keys, sandbox.Fault{Reset: true})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Env()["LIAISON_CHANNEL_METADATA_URL"], http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err == nil {
		resp.Body.Close()
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want connection reset", err)
	}
}
