package auth

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

// An endpoint hands out tokens that count, or fails.
type endpoint struct {
	asked  atomic.Int32
	life   atomic.Int32 // seconds
	status atomic.Int32
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	n := e.asked.Add(1)
	if status := e.status.Load(); status != 0 {
		w.WriteHeader(int(status))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"access_token": "token-%d", "token_type": "Bearer", "expires_in": %d}`, n, e.life.Load())
}

// openSource returns a source of tokens that last an hour. Its clock is ahead of
// the real one by what passes.
func openSource(t *testing.T) (*source, *endpoint, *clock) {
	t.Helper()
	e := new(endpoint)
	e.life.Store(3600)
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	c := &clock{time.Now()}
	from, err := newCredential(Config{EntraURL: server.URL}, Connection{ClientID: "us", TenantID: "t", ClientSecret: "pw"},
		jsonhttp.NewClient(10*time.Second, http.DefaultTransport))
	if err != nil {
		t.Fatal(err)
	}
	s := newSource(from, "x/.default")
	s.now = c.now
	return s, e, c
}

func get(t *testing.T, s *source, want string) {
	t.Helper()
	if got, err := s.get(t.Context()); err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestSource_renews_five_minutes_early(t *testing.T) {
	t.Parallel()
	s, _, c := openSource(t)
	get(t, s, "token-1")
	c.pass(54 * time.Minute)
	get(t, s, "token-1")
	c.pass(90 * time.Second)
	get(t, s, "token-2")
}

func TestSource_a_failed_renewal_keeps_the_token_while_it_lasts(t *testing.T) {
	t.Parallel()
	s, e, c := openSource(t)
	get(t, s, "token-1")
	c.pass(56 * time.Minute)
	e.status.Store(503)
	get(t, s, "token-1")
	get(t, s, "token-1")
	if n := e.asked.Load(); n != 2 {
		t.Errorf("asked %d times, want twice: no loop after a failure", n)
	}
	c.pass(5 * time.Minute)
	if token, err := s.get(t.Context()); err == nil {
		t.Errorf("got %q after its end", token)
	}
	e.status.Store(0)
	c.pass(tokenRetry)
	get(t, s, "token-4")
}

func TestSource_a_short_token_is_used_for_half_its_life(t *testing.T) {
	t.Parallel()
	s, e, c := openSource(t)
	e.life.Store(60)
	get(t, s, "token-1")
	c.pass(20 * time.Second)
	get(t, s, "token-1")
	c.pass(15 * time.Second)
	get(t, s, "token-2")
}

func TestSource_drops_only_what_is_in_use_and_not_in_a_row(t *testing.T) {
	t.Parallel()
	s, e, c := openSource(t)
	get(t, s, "token-1")
	if !s.drop("token-1") {
		t.Error("the first refusal was ignored")
	}
	get(t, s, "token-2")
	if !s.drop("token-1") {
		t.Error("there is another, and drop denies it")
	}
	get(t, s, "token-2")
	if s.drop("token-2") {
		t.Error("dropped again at once")
	}
	get(t, s, "token-2")
	c.pass(tokenDropFloor)
	if !s.drop("token-2") {
		t.Error("the later refusal was ignored")
	}
	get(t, s, "token-3")
	if n := e.asked.Load(); n != 3 {
		t.Errorf("asked %d times, want 3", n)
	}
}
