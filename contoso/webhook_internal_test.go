package contoso

import (
	"errors"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name     string
		err      error
		attempt  int
		state    string
		min, max time.Duration
	}{
		{"answered", nil, 1, webhookSent, 0, 0},
		{"not a call at all", errors.New("encode webhook"), 1, webhookFailed, 0, 0},
		{"redirect", &jsonhttp.Error{Status: 302}, 1, webhookFailed, 0, 0},
		{"bad request", &jsonhttp.Error{Status: 400}, 1, webhookFailed, 0, 0},
		{"precondition", &jsonhttp.Error{Status: 412}, 1, webhookFailed, 0, 0},
		{"gone", &jsonhttp.Error{Status: 410, After: time.Minute}, 1, webhookFailed, 0, 0},
		{"request timeout", &jsonhttp.Error{Status: 408}, 1, webhookQueued, firstDelay, firstDelay * 5 / 4},
		{"too early", &jsonhttp.Error{Status: 425}, 2, webhookQueued, 2 * firstDelay, 2 * firstDelay * 5 / 4},
		{"too many", &jsonhttp.Error{Status: 429, After: time.Minute}, 1, webhookQueued, time.Minute, time.Minute},
		{"asked too long", &jsonhttp.Error{Status: 503, After: 48 * time.Hour}, 1, webhookQueued, longestAsked, longestAsked},
		{"asked less than the back-off", &jsonhttp.Error{Status: 503, After: time.Second}, 5, webhookQueued, 8 * time.Second, 10 * time.Second},
		{"after very many", &jsonhttp.Error{Status: 500}, 1000, webhookQueued, lastDelay, lastDelay},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got := judge(row.err, row.attempt)
			if got.State != row.state || got.Delay < row.min || got.Delay > row.max {
				t.Errorf("got %+v, want %s after %v to %v", got, row.state, row.min, row.max)
			}
			if (got.Failure == "") != (row.err == nil) {
				t.Errorf("failure is %q", got.Failure)
			}
		})
	}
}
