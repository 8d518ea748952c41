package files_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/files"
	"github.com/liaison-skill/liaison/internal/fetch"
	"github.com/liaison-skill/liaison/internal/hostile"
)

// TestPlaces_that_are_not_fetched_from: where only we get to, and what is no
// place at all.
func TestPlaces_that_are_not_fetched_from(t *testing.T) {
	t.Parallel()
	inside := startHost(t, func(http.ResponseWriter, *http.Request) { t.Error("came inside") })
	outside := startHost(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
	})
	w := build(t, nil, outside)
	port := strconv.Itoa(int(inside.addr().Port()))
	for _, url := range []string{
		inside.URL, "https://localhost:" + port, "https://[::1]:" + port, "https://0.0.0.0:" + port,
		"https://[::ffff:127.0.0.1]:" + port, "https://169.254.169.254/metadata", "https://10.0.0.1/", "https://100.64.0.1/",
		"https://[fd00:ec2::254]/", "https://[2002:7f00:1::]/", "https://[64:ff9b::7f00:1]/", "https://224.0.0.1/",
		"http://example.com/", "ftp://example.com/x", "file:///etc/passwd", "//example.com/x", "example", "https://", ":", "http://%zz/",
		"https://user:pw@" + outside.addr().String() + "/", "https://exa\x00mple.com/", "https://example.com/\xff",
		"https://example.com/" + strings.Repeat("x", 20<<10),
		outside.URL + "/?to=" + inside.URL, outside.URL + "/?to=http://169.254.169.254/", outside.URL + "/?to=file:///etc/passwd",
	} {
		id, err := w.bring(t, files.Source{URL: url})
		w.failed(t, id, err, files.Refused)
		if err != nil && (strings.Contains(err.Error(), "user:pw") || strings.Contains(err.Error(), "?to=")) {
			t.Errorf("error holds a URL: %v", err)
		}
	}
}

// TestName_that_moves_inside: DNS gives a permitted address, then one inside.
func TestName_that_moves_inside(t *testing.T) {
	t.Parallel()
	outside := startHost(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://"+r.Host+"/again", http.StatusFound)
	})
	var mu sync.Mutex
	answers := []string{"127.0.0.1", "127.0.0.2"}
	asked := func() netip.Addr {
		mu.Lock()
		defer mu.Unlock()
		a := netip.MustParseAddr(answers[0])
		answers = answers[min(1, len(answers)-1):]
		return a
	}
	w := build(t, func(o *files.Options) { o.Net.Resolver = resolver(asked) }, outside)
	id, err := w.bring(t, files.Source{URL: "https://example.com:" + strconv.Itoa(int(outside.addr().Port()))})
	w.failed(t, id, err, files.Refused)
	refused, ok := errors.AsType[*fetch.RefusedError](err)
	if !ok || !strings.HasPrefix(refused.Host, "127.0.0.2:") || outside.hits.Load() != 1 {
		t.Errorf("%v after %d requests", err, outside.hits.Load())
	}
}

// resolver answers each look-up of an IPv4 address with what next gives, and each
// other one with nothing.
func resolver(next func() netip.Addr) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer ours.Close()
			query := make([]byte, 2+512) // after its length, as over TCP
			if n, err := ours.Read(query); err == nil {
				_, _ = ours.Write(answerTo(query[2:n], next))
			}
		}()
		return theirs, nil
	}}
}

func answerTo(query []byte, next func() netip.Addr) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil {
		return nil
	}
	m.Response, m.Additionals = true, nil
	if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
		header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: next().As4()}})
	}
	answer, err := m.Pack()
	if err != nil {
		return nil
	}
	return append([]byte{byte(len(answer) >> 8), byte(len(answer))}, answer...)
}

const canary = "Bearer canary"

// bearer adds a credential, as package auth does.
type bearer struct{ base http.RoundTripper }

func (b bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", canary)
	return b.base.RoundTrip(req)
}

// A recorder answers everybody, and keeps what it is told.
type recorder struct {
	mu  sync.Mutex
	got []string
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.got = append(r.got, req.Header.Get("Authorization")+req.Header.Get("Referer"))
	r.mu.Unlock()
	if to := req.URL.Query().Get("to"); to != "" {
		http.Redirect(w, req, to, http.StatusFound)
		return
	}
	_, _ = io.WriteString(w, "hello")
}

func (r *recorder) took() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() { r.got = nil }()
	return r.got
}

func trust(tb testing.TB, patterns ...string) *auth.Hosts {
	tb.Helper()
	cfg, err := auth.Config{Cloud: "public", TrustedServiceURLs: patterns}.Resolve()
	check(tb, err)
	hosts, err := auth.NewHosts(cfg)
	check(tb, err)
	return hosts
}

// TestCredential_goes_to_its_hosts_alone: each of the URLs that try to get a token
// is said to be the connector's.
func TestCredential_goes_to_its_hosts_alone(t *testing.T) {
	t.Parallel()
	var stranger, connector recorder
	plain, secure, trusted := httptest.NewServer(&stranger), httptest.NewTLSServer(&stranger), httptest.NewServer(&connector)
	for _, s := range []*httptest.Server{plain, secure, trusted} {
		t.Cleanup(s.Close)
	}
	hosts := trust(t, trusted.URL+"/*")
	w := build(t, func(o *files.Options) {
		o.Net.Allow = []netip.AddrPort{
			netip.MustParseAddrPort(plain.Listener.Addr().String()), netip.MustParseAddrPort(secure.Listener.Addr().String()),
		}
		o.Net.Resolver = resolver(func() netip.Addr { return netip.MustParseAddr("127.0.0.1") })
		o.Net.TLS.InsecureSkipVerify = true
		o.Peers = map[string]files.Peer{"connector": {
			Origins: []string{trusted.URL},
			Sign:    func(base http.RoundTripper) http.RoundTripper { return bearer{base} },
			Trusted: func(url string) bool { return hosts.Trusted(url) == nil },
		}}
	})
	urls, err := hostile.URLs(hostile.Addresses{
		Plain: plain.Listener.Addr().String(), TLS: secure.Listener.Addr().String(), Trusted: trusted.Listener.Addr().String(),
	})
	check(t, err)
	seen := 0
	for _, u := range urls {
		_, err := w.bring(t, files.Source{URL: u.Raw, Credential: "connector"})
		got := stranger.took()
		seen += len(got)
		if strings.Join(got, "") != "" {
			t.Errorf("%q (%s): the stranger got %q, %v", u.Raw, u.Why, got, err)
		}
		for _, g := range connector.took() {
			t.Errorf("%q (%s): the trusted host was told %q", u.Raw, u.Why, g)
		}
	}
	if seen == 0 {
		t.Error("no URL reached the stranger: nothing was tried")
	}

	id, err := w.bring(t, files.Source{URL: trusted.URL + "/v3/attachments/1", Credential: "connector"})
	if got := connector.took(); err != nil || len(got) != 1 || got[0] != canary || w.get(t, id).Size != 5 {
		t.Errorf("the connector was told %q, %v", got, err)
	}
	if _, err := w.bring(t, files.Source{URL: trusted.URL + "/v3/attachments/1"}); err == nil || len(connector.took()) != 0 {
		t.Error("who is not the connector reached its origin")
	}
}

// TestCredential_is_not_taken_along: what the connector redirects to is fetched
// without it, be it the connector itself.
func TestCredential_is_not_taken_along(t *testing.T) {
	t.Parallel()
	var stranger, connector recorder
	plain, trusted := httptest.NewServer(&stranger), httptest.NewServer(&connector)
	t.Cleanup(plain.Close)
	t.Cleanup(trusted.Close)
	w := build(t, func(o *files.Options) {
		o.Net.Allow = []netip.AddrPort{netip.MustParseAddrPort(plain.Listener.Addr().String())}
		o.Peers = map[string]files.Peer{"connector": {
			Origins: []string{trusted.URL},
			Sign:    func(base http.RoundTripper) http.RoundTripper { return bearer{base} },
			Trusted: func(url string) bool { return strings.HasPrefix(url, trusted.URL+"/") },
		}}
	})
	_, err := w.bring(t, files.Source{URL: trusted.URL + "/?to=" + plain.URL + "/?sig=x", Credential: "connector"})
	if got := stranger.took(); err != nil || len(got) != 1 || got[0] != "" || strings.Join(connector.took(), " ") != canary {
		t.Errorf("the stranger got %q, %v", got, err)
	}
	_, err = w.bring(t, files.Source{URL: trusted.URL + "/?to=/view", Credential: "connector"})
	if got := connector.took(); err != nil || len(got) != 2 || got[0] != canary || got[1] != "" {
		t.Errorf("the connector got %q, %v", got, err)
	}
}

func TestStore_says_what_is_wrong(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	if _, err := files.NewStore(files.Options{Peers: map[string]files.Peer{"hub/x": {Origins: []string{"hub.example"}}}}); err == nil {
		t.Error("an origin without a host is taken")
	}
	if _, err := w.Add(t.Context(), w.db, files.Source{URL: "https://example.com", Credential: "hub/x"}); err == nil {
		t.Error("a peer nobody configured is taken")
	}
	known := w.store(t, func(o *files.Options) { o.Peers = map[string]files.Peer{"hub/x": {}} })
	ids, err := known.Add(t.Context(), w.db, files.Source{URL: "https://example.com", Credential: "hub/x", Direction: files.ToUser})
	check(t, err)
	w.failed(t, ids[0], w.Fetch(t.Context(), ids[0]), files.Refused) // the peer was configured once
}
