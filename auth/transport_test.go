package auth_test

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/internal/jsonhttp"
	"github.com/liaison-skill/liaison/sandbox"
)

// A peer is a service that answers 401 to tokens it has been told to refuse.
type peer struct {
	*httptest.Server
	mu      sync.Mutex
	refuse  int // how many requests
	tokens  []string
	bodies  []string
	handler http.Handler // answers what is not refused; nil: 200
}

func startPeer(t *testing.T, refuse int) *peer {
	t.Helper()
	p := &peer{refuse: refuse}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	p.tokens = append(p.tokens, r.Header.Get("Authorization"))
	p.bodies = append(p.bodies, string(body))
	refused := p.refuse > 0
	p.refuse--
	p.mu.Unlock()
	switch {
	case refused:
		http.Error(w, `{"error":{"code":"Unauthorized"}}`, http.StatusUnauthorized)
	case p.handler != nil:
		p.handler.ServeHTTP(w, r)
	}
}

// transport returns what signs requests to the peer, and Entra.
func (p *peer) transport(t *testing.T) (*auth.Transport, *sandbox.Sandbox) {
	t.Helper()
	s := start(t)
	c := credentials(t, lookuper(s.Env(), map[string]string{
		"LIAISON_TRUSTED_SERVICE_URLS": p.URL, "LIAISON_CONNECTIONS_MAP": "*=copilot",
	}))
	return &auth.Transport{Credentials: c, Base: http.DefaultTransport}, s
}

func post(t *testing.T, rt http.RoundTripper, url string) error {
	t.Helper()
	return jsonhttp.Do(t.Context(), jsonhttp.NewClient(10*time.Second, rt), jsonhttp.Request{URL: url, In: "words"})
}

func TestTransport_attaches_the_token(t *testing.T) {
	t.Parallel()
	p := startPeer(t, 0)
	rt, s := p.transport(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if len(p.tokens) != 1 || !strings.HasPrefix(p.tokens[0], "Bearer ey") || len(asked(s)) != 1 {
		t.Errorf("tokens %.20q, asked %q", p.tokens, asked(s))
	}
	if req.Header.Get("Authorization") != "" {
		t.Error("the caller's request was changed")
	}
}

// TestTransport_is_the_app_of_the_chat: where it has a connection, that one speaks,
// whatever the map says of the connector; and never to a host that is not trusted, nor
// to Copilot Studio's runtime.
func TestTransport_is_the_app_of_the_chat(t *testing.T) {
	t.Parallel()
	p := startPeer(t, 0)
	rt, s := p.transport(t)
	for _, row := range []struct{ app, audience, path, want string }{
		{"", "", "/teams", copilot},
		{copilot, "", "/teams", copilot},
		{skill, "", "/teams", skill},
		{strings.ToUpper(skill), "", "/teams", skill},
		{foreign, "", "/teams", copilot},
		{skill, copilot, "/teams", copilot}, // a skill host, not the connector
	} {
		as := *rt
		as.App, as.Audience = row.app, row.audience
		if err := post(t, &as, p.URL+row.path); err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(p.tokens[len(p.tokens)-1], ".")
		claims, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil || !strings.Contains(string(claims), `"azp":"`+row.want+`"`) {
			t.Errorf("%+v: the token says %s (%v)", row, claims, err)
		}
	}
	asked := len(asked(s))
	as := *rt
	as.App = skill
	if err := post(t, &as, p.URL+"/pvaruntime/x"); err == nil {
		t.Error("the runtime gets a token for the connector")
	}
	if err := post(t, &as, startPeer(t, 0).URL); err == nil {
		t.Error("a stranger gets a token")
	}
	if n := len(s.TokenRequests()); n != asked {
		t.Errorf("asked for %d more tokens", n-asked)
	}
}

func TestTransport_a_refused_token_is_replaced_once(t *testing.T) {
	t.Parallel()
	p := startPeer(t, 1)
	rt, s := p.transport(t)
	if err := post(t, rt, p.URL); err != nil {
		t.Fatal(err)
	}
	if got := asked(s); len(got) != 2 {
		t.Errorf("asked %q, want two tokens", got)
	}
	if !slices.Equal(p.bodies, []string{`"words"`, `"words"`}) {
		t.Errorf("bodies %q, want the same twice", p.bodies)
	}
}

func TestTransport_a_peer_that_refuses_all_gets_no_stream_of_tokens(t *testing.T) {
	t.Parallel()
	p := startPeer(t, 1000)
	rt, s := p.transport(t)
	began := time.Now()
	for range 5 {
		failure, ok := errors.AsType[*jsonhttp.Error](post(t, rt, p.URL))
		if !ok || failure.Status != http.StatusUnauthorized || failure.Code != "Unauthorized" {
			t.Errorf("error %v, want the peer's 401 with its code", failure)
		}
	}
	most := 1 + int(time.Since(began)/(10*time.Second)) // of refusals that are believed
	if got := len(asked(s)); got < 2 || got > 1+most {
		t.Errorf("asked %d times, want twice", got)
	}
	if n := len(p.tokens); n < 6 || n > 5+most {
		t.Errorf("%d requests, want one more than calls", n)
	}
}

func TestTransport_a_body_that_cannot_be_sent_again_is_not(t *testing.T) {
	t.Parallel()
	p := startPeer(t, 1)
	rt, _ := p.transport(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL, io.NopCloser(strings.NewReader("once")))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized || len(p.bodies) != 1 {
		t.Errorf("status %d, bodies %q", resp.StatusCode, p.bodies)
	}
}

func TestTransport_sends_nothing_to_a_host_that_is_not_trusted(t *testing.T) {
	t.Parallel()
	p, evil := startPeer(t, 0), startPeer(t, 0)
	rt, s := p.transport(t)
	err := post(t, rt, evil.URL)
	if _, ok := errors.AsType[*auth.UntrustedError](err); !ok {
		t.Errorf("error %v, want an *UntrustedError in its chain", err)
	}
	if len(evil.tokens) != 0 || len(asked(s)) != 0 {
		t.Errorf("%d requests, asked %q", len(evil.tokens), asked(s))
	}
}

func TestTransport_carries_no_token_along_a_redirect(t *testing.T) {
	t.Parallel()
	p, evil := startPeer(t, 0), startPeer(t, 0)
	p.handler = http.RedirectHandler(evil.URL, http.StatusFound)
	rt, _ := p.transport(t)
	// Even a client that follows redirects: ours do not.
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: rt}).Do(req)
	if err == nil {
		resp.Body.Close()
	}
	if _, ok := errors.AsType[*auth.UntrustedError](err); !ok || len(evil.tokens) != 0 {
		t.Errorf("error %v, %d requests elsewhere", err, len(evil.tokens))
	}
}

func TestTransport_a_failed_token_is_not_a_sent_request(t *testing.T) {
	t.Parallel()
	p := startPeer(t, 0)
	rt, s := p.transport(t)
	s.Fault(sandbox.Entra, sandbox.Fault{Status: 503})
	failure, ok := errors.AsType[*jsonhttp.Error](post(t, rt, p.URL))
	if !ok || failure.Ambiguous() {
		t.Errorf("error %v: ambiguous, though the peer never saw it", failure)
	}
}
