package livechattest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A peer is a hub that misbehaves: calls makes each call once, by a caller, to one
// at an address.
type peer struct {
	calls   func(by caller, url string) map[string]error
	secrets []string
}

// A caller makes a call, and gives it up at some time.
type caller func(call func(ctx context.Context) error) error

// toPeer makes a test of a peer one of a hub.
func toPeer[H interface{ peer() peer }](test func(*testing.T, peer)) func(*testing.T, H) {
	return func(t *testing.T, h H) {
		t.Helper()
		test(t, h.peer())
	}
}

// patience bounds what a hub that works may take.
const patience = time.Minute

// patiently waits for an answer that comes.
func patiently(ctx context.Context) caller {
	return func(call func(ctx context.Context) error) error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return call(ctx)
	}
}

// untilTaken gives a call up when its request has been taken.
func untilTaken(ctx context.Context, taken <-chan struct{}) caller {
	return func(call func(ctx context.Context) error) error {
		ctx, giveUp := context.WithTimeout(ctx, patience)
		defer giveUp()
		over := make(chan error, 1)
		go func() { over <- call(ctx) }()
		select {
		case <-taken:
			giveUp()
			return <-over
		case err := <-over:
			return err
		}
	}
}

// away is a hub that does not listen: nothing was done, it may be tried again.
func away(t *testing.T, p peer) {
	t.Helper()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, err := range p.calls(patiently(t.Context()), gone.URL) {
		got := ask(err)
		if err == nil || got.permanent || got.ambiguous || !got.unavailable {
			t.Errorf("%s: %v is %+v, want unavailable only", name, err, got)
		}
		wantNoSecret(t, p.secrets, err)
	}
}

func statuses(t *testing.T, p peer) {
	t.Helper()
	for status, want := range map[int]answers{
		400: {permanent: true}, 401: {permanent: true}, 403: {permanent: true}, 422: {permanent: true}, 302: {permanent: true},
		408: {ambiguous: true}, 429: {unavailable: true}, 500: {ambiguous: true}, 502: {ambiguous: true, unavailable: true},
		503: {unavailable: true}, 504: {ambiguous: true, unavailable: true},
	} {
		broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"error":"` + strings.Join(p.secrets, " ") + `"}`))
		}))
		t.Cleanup(broken.Close)
		for name, err := range p.calls(patiently(t.Context()), broken.URL) {
			if diff := cmp.Diff(want, ask(err), cmp.AllowUnexported(answers{})); err == nil || diff != "" {
				t.Errorf("%s, status %d: %v (-want +got):\n%s", name, status, err, diff)
			}
			wantNoSecret(t, p.secrets, err)
		}
	}
}

// silence is a hub that takes a request and says nothing: it may have done it.
func silence(t *testing.T, p peer) {
	t.Helper()
	taken := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or nobody notices that the caller has gone
		select {
		case taken <- struct{}{}:
			<-r.Context().Done()
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(silent.Close)
	for name, err := range p.calls(untilTaken(t.Context(), taken), silent.URL) {
		if got := ask(err); err == nil || got.permanent || !got.ambiguous {
			t.Errorf("%s: %v is %+v, want ambiguous", name, err, got)
		}
	}
}

// answers are what an error says about itself.
type answers struct{ permanent, unavailable, ambiguous bool }

func ask(err error) answers {
	var p interface{ Permanent() bool }
	var u interface{ Unavailable() bool }
	var a interface{ Ambiguous() bool }
	return answers{
		permanent:   errors.As(err, &p) && p.Permanent(),
		unavailable: errors.As(err, &u) && u.Unavailable(),
		ambiguous:   errors.As(err, &a) && a.Ambiguous(),
	}
}

func wantPermanent(tb testing.TB, err error) {
	tb.Helper()
	if err == nil || !ask(err).permanent {
		tb.Errorf("got %v, want a permanent error", err)
	}
}

// wantRefused checks that an error is final and has one of the status codes.
func wantRefused(tb testing.TB, err error, statuses ...int) {
	tb.Helper()
	wantPermanent(tb, err)
	var s interface{ StatusCode() int }
	if !errors.As(err, &s) || !slices.Contains(statuses, s.StatusCode()) {
		tb.Errorf("got %v, want one of the statuses %v", err, statuses)
	}
}

// wantGone checks that an error says that a conversation is unknown or over.
func wantGone(tb testing.TB, err error) {
	tb.Helper()
	wantRefused(tb, err, http.StatusNotFound, http.StatusGone)
}

// wantLate checks that an error says that people have control.
func wantLate(tb testing.TB, err error) {
	tb.Helper()
	wantRefused(tb, err, http.StatusConflict)
}

func wantNoSecret(tb testing.TB, secrets []string, err error) {
	tb.Helper()
	for _, secret := range secrets {
		if err != nil && strings.Contains(err.Error(), secret) {
			tb.Errorf("%v holds a secret", err)
		}
	}
}
