package fetch_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/liaison-skill/liaison/internal/fetch"
)

// startInside runs a server at the same port as s, on an address that nobody may
// reach.
func startInside(t *testing.T, s *target) *target {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.2:"+strconv.Itoa(int(s.addr().Port())))
	if err != nil {
		t.Skipf("this machine's loopback has one address only: %v", err)
	}
	inside := new(target)
	inside.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside.hits.Add(1) }))
	_ = inside.Listener.Close()
	inside.Listener = ln
	inside.StartTLS()
	t.Cleanup(inside.Close)
	return inside
}

// TestGet_is_not_rebound asks a name server that gives a permitted address and one
// inside in turn, or both at once: whatever was looked up before, what is dialled
// is judged.
func TestGet_is_not_rebound(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string][][]string{
		"in turn":                 {{"127.0.0.1"}, {"127.0.0.2"}},
		"inside first":            {{"127.0.0.2"}, {"127.0.0.1"}},
		"both":                    {{"127.0.0.1", "127.0.0.2"}},
		"both, inside first":      {{"127.0.0.2", "127.0.0.1"}},
		"once, and then inside":   {{"127.0.0.1"}, {"127.0.0.2"}, {"127.0.0.2"}, {"127.0.0.2"}},
		"inside, written as IPv6": {{"127.0.0.1"}, {"::ffff:127.0.0.2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startTarget(t, hello)
			inside := startInside(t, s)
			zone := newNames(t)
			zone.rotate("example.com", answers...)
			c := s.client(func(c *fetch.Config) { c.Resolver = zone.resolver() }, s.addr())
			for range 12 {
				_, err := get(t, c, "https://example.com:"+strconv.Itoa(int(s.addr().Port()))+"/")
				if err != nil {
					refused(t, name, err)
				}
			}
			if inside.hits.Load() != 0 || s.hits.Load() == 0 {
				t.Errorf("%d requests came inside, %d to what is permitted", inside.hits.Load(), s.hits.Load())
			}
		})
	}
}

// TestGet_is_not_rebound_along_a_redirect: the second hop's name is the first's,
// and its address another.
func TestGet_is_not_rebound_along_a_redirect(t *testing.T) {
	t.Parallel()
	var hops atomic.Int32
	s := startTarget(t, func(w http.ResponseWriter, r *http.Request) {
		hops.Add(1)
		http.Redirect(w, r, "https://"+r.Host+"/again", http.StatusTemporaryRedirect)
	})
	inside := startInside(t, s)
	zone := newNames(t)
	zone.rotate("example.com", []string{"127.0.0.1"}, []string{"127.0.0.2"})
	c := s.client(func(c *fetch.Config) { c.Resolver = zone.resolver() }, s.addr())
	_, err := get(t, c, "https://example.com:"+strconv.Itoa(int(s.addr().Port()))+"/")
	refused(t, "the second hop", err)
	if hops.Load() != 1 || inside.hits.Load() != 0 {
		t.Errorf("%d hops, %d inside", hops.Load(), inside.hits.Load())
	}
}

// rotate makes a name's look-ups answer each of answers in turn.
func (n *names) rotate(name string, answers ...[]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, answer := range answers {
		var addrs []netip.Addr
		for _, a := range answer {
			addrs = append(addrs, netip.MustParseAddr(a))
		}
		n.turns[name] = append(n.turns[name], addrs)
	}
}
