package auth_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/internal/hostile"
	"github.com/liaison-skill/liaison/proactive"
)

// An attacker answers with and without TLS, and keeps what it is given.
type attacker struct {
	plain, tls *httptest.Server

	mu     sync.Mutex
	dialed []string // through base
	got    []string // Authorization headers, one for each request
}

func startAttacker(t *testing.T) *attacker {
	t.Helper()
	a := new(attacker)
	a.plain, a.tls = httptest.NewServer(a), httptest.NewTLSServer(a)
	t.Cleanup(a.plain.Close)
	t.Cleanup(a.tls.Close)
	return a
}

func (a *attacker) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.got = append(a.got, r.Header.Get("Authorization"))
}

// base is a network in which every name and every address leads to the attacker,
// whose certificate passes for everybody's.
func (a *attacker) base(t *testing.T) *http.Transport {
	t.Helper()
	var dialer net.Dialer
	dial := func(ctx context.Context, address string, server *httptest.Server) (net.Conn, error) {
		a.mu.Lock()
		a.dialed = append(a.dialed, address)
		a.mu.Unlock()
		return dialer.DialContext(ctx, "tcp", server.Listener.Addr().String())
	}
	rt := &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			return dial(ctx, address, a.plain)
		},
		DialTLSContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			conn, err := dial(ctx, address, a.tls)
			if err != nil {
				return nil, err
			}
			return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}), nil
		},
	}
	t.Cleanup(rt.CloseIdleConnections)
	return rt
}

// took returns what the attacker got so far, and forgets it.
func (a *attacker) took() (dialed, got []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	dialed, got, a.dialed, a.got = a.dialed, a.got, nil, nil
	return dialed, got
}

// everyWay tries to get a request with a token to the URL, in every way there is.
func everyWay(t *testing.T, c *auth.Credentials, base http.RoundTripper, serviceURL string) []error {
	t.Helper()
	var errs []error
	for _, audience := range []string{"", copilot} { // the Bot Connector's leg, and the skill host's
		_, err := c.Token(t.Context(), serviceURL, audience)
		errs = append(errs, err)
		client := &proactive.Client{Credentials: c, Base: base, Timeout: 10 * time.Second}
		_, err = client.Send(t.Context(), proactive.Post{
			To:       proactive.Target{ServiceURL: serviceURL, Audience: audience, Conversation: activity.Conversation{ID: "a:1"}},
			Activity: activity.Activity{Type: activity.TypeMessage, Text: "hello"},
		})
		errs = append(errs, err)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, serviceURL, http.NoBody)
		if err == nil {
			var resp *http.Response
			resp, err = (&http.Client{Transport: &auth.Transport{Credentials: c, Audience: audience, Base: base}}).Do(req)
			if err == nil {
				resp.Body.Close()
			}
		}
		errs = append(errs, err)
	}
	return errs
}

// TestTransport_gives_hostile_urls_nothing lets every name lead to the attacker,
// so that a mistake of trust would hand him a token.
func TestTransport_gives_hostile_urls_nothing(t *testing.T) {
	t.Parallel()
	s, evil := start(t), startAttacker(t)
	base := evil.base(t)
	c := credentials(t, lookuper(s.Env(), map[string]string{
		"LIAISON_TRUSTED_SERVICE_URLS": s.URL() + "/*,https://bots.example.com,https://*.hub.example.com/teams",
		"LIAISON_CONNECTIONS_MAP":      "*=copilot",
	}))
	urls, err := hostile.URLs(hostile.Addresses{
		Plain: evil.plain.Listener.Addr().String(), TLS: evil.tls.Listener.Addr().String(), Trusted: strings.TrimPrefix(s.URL(), "http://"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range urls {
		for way, err := range everyWay(t, c, base, u.Raw) {
			if err == nil {
				t.Errorf("%q (%s): way %d is open", u.Raw, u.Why, way)
			}
		}
		_, err := c.Token(t.Context(), u.Raw, "")
		if refusal, ok := errors.AsType[*auth.UntrustedError](err); !ok || !refusal.Permanent() {
			t.Errorf("%q (%s): %v, want a permanent *UntrustedError", u.Raw, u.Why, err)
		}
		if dialed, got := evil.took(); len(dialed)+len(got) > 0 {
			t.Errorf("%q (%s): dialled %q, sent %.12q", u.Raw, u.Why, dialed, got)
		}
	}
	if n := len(asked(s)); n != 0 {
		t.Errorf("asked for %d tokens", n)
	}

	// In the same network, a trusted URL does hand over the token.
	for _, trusted := range []string{
		"https://smba.trafficmanager.net/teams/", "https://x.botframework.com", "https://x.gateway.prod.island.powerapps.com/",
		"https://bots.example.com/x", "https://a.hub.example.com/teams/", s.URL() + "/teams/",
	} {
		errs := everyWay(t, c, base, trusted)
		dialed, got := evil.took()
		if errors.Join(errs...) != nil || len(dialed) == 0 || len(got) != 4 || !strings.HasPrefix(got[0], "Bearer ey") {
			t.Errorf("%s: dialled %q, sent %.12q: %v", trusted, dialed, got, errors.Join(errs...))
		}
	}
}
