package fetch_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/fetch"
)

const maxBody = 1000

// A target is a server on loopback: what strangers want to reach.
type target struct {
	*httptest.Server
	hits atomic.Int32
}

func startTarget(t *testing.T, handler http.HandlerFunc) *target {
	t.Helper()
	s := new(target)
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.hits.Add(1)
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *target) addr() netip.AddrPort {
	return netip.MustParseAddrPort(s.Listener.Addr().String())
}

// client returns a client that trusts the target's certificate and may reach the
// addresses.
func (s *target) client(change func(*fetch.Config), allow ...netip.AddrPort) *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c := fetch.Config{Timeout: time.Minute, MaxBody: maxBody, Allow: allow, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	if change != nil {
		change(&c)
	}
	return fetch.NewClient(c)
}

// get returns the body, or what kept it.
func get(t *testing.T, c *http.Client, url string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// refused demands that the error says so.
func refused(t *testing.T, what string, err error) {
	t.Helper()
	r, ok := errors.AsType[*fetch.RefusedError](err)
	if !ok || !r.Permanent() {
		t.Errorf("%s: error %v, want a *RefusedError", what, err)
	}
}

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

func TestGet_reaches_what_is_allowed(t *testing.T) {
	t.Parallel()
	s := startTarget(t, hello)
	if body, err := get(t, s.client(nil, s.addr()), s.URL+"/file?sig=x"); err != nil || body != "hello" {
		t.Errorf("%q, %v", body, err)
	}
}

func TestGet_refuses_this_machine_however_it_is_written(t *testing.T) {
	t.Parallel()
	s := startTarget(t, hello)
	c := s.client(nil)
	port := strconv.Itoa(int(s.addr().Port()))
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:8.8.8.8]", "127.1.2.3"} {
		_, err := get(t, c, "https://"+host+":"+port+"/")
		refused(t, host, err)
	}
	if n := s.hits.Load(); n != 0 {
		t.Errorf("%d requests came through", n)
	}
}

func TestGet_refuses_other_forms_of_addresses(t *testing.T) {
	t.Parallel()
	s := startTarget(t, hello)
	zone := newNames(t) // knows no name, as DNS knows no number
	c := s.client(func(c *fetch.Config) { c.Resolver = zone.resolver() })
	port := strconv.Itoa(int(s.addr().Port()))
	for _, host := range []string{"2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "127.1", "017700000001", "[fe80::1%25lo]", "[::1%25lo]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"} {
		if body, err := get(t, c, "https://"+host+":"+port+"/"); err == nil {
			t.Errorf("%s: got %q", host, body)
		}
	}
	if n := s.hits.Load(); n != 0 {
		t.Errorf("%d requests came through", n)
	}
}

// TestGet_refuses_numbers_that_a_resolver_understands: Go's own resolver takes no
// name of digits only; a system's may.
func TestGet_refuses_numbers_that_a_resolver_understands(t *testing.T) {
	t.Parallel()
	s := startTarget(t, hello)
	zone := newNames(t)
	c := s.client(func(c *fetch.Config) { c.Resolver = zone.resolver() })
	for _, host := range []string{"0x7f000001", "0x7f.0x0.0x0.0x1"} {
		zone.set(host, "127.0.0.1")
		_, err := get(t, c, "https://"+host+":"+strconv.Itoa(int(s.addr().Port()))+"/")
		refused(t, host, err)
	}
}

func TestGet_refuses_names_that_nobody_has(t *testing.T) {
	t.Parallel()
	zone := newNames(t)
	c := startTarget(t, hello).client(func(c *fetch.Config) { c.Resolver = zone.resolver() })
	_, err := get(t, c, "https://gone.example/")
	refused(t, "gone.example", err)
	down := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") }}
	c = startTarget(t, hello).client(func(c *fetch.Config) { c.Resolver = down })
	_, err = get(t, c, "https://gone.example/")
	if _, ok := errors.AsType[*fetch.RefusedError](err); ok || err == nil {
		t.Errorf("without an answer of DNS: %v, want an error that may pass", err)
	}
}

func TestGet_judges_what_DNS_answers_each_time(t *testing.T) {
	t.Parallel()
	s := startTarget(t, hello)
	zone := newNames(t)
	zone.set("example.com", "127.0.0.1") // which is allowed, as a public address would be
	c := s.client(func(c *fetch.Config) { c.Resolver = zone.resolver() }, s.addr())
	url := "https://example.com:" + strconv.Itoa(int(s.addr().Port())) + "/"
	if body, err := get(t, c, url); err != nil || body != "hello" {
		t.Fatalf("%q, %v", body, err)
	}
	for _, moved := range []string{"127.0.0.2", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00:ec2::254"} {
		zone.set("example.com", moved)
		_, err := get(t, c, url)
		refused(t, moved, err)
	}
	if n := s.hits.Load(); n != 1 {
		t.Errorf("%d requests came through, want the first", n)
	}
}

func TestGet_one_good_answer_does_not_excuse_another(t *testing.T) {
	t.Parallel()
	s := startTarget(t, hello)
	zone := newNames(t)
	zone.set("example.com", "127.0.0.2", "10.0.0.1")
	c := s.client(func(c *fetch.Config) { c.Resolver = zone.resolver() }, s.addr())
	_, err := get(t, c, "https://example.com:"+strconv.Itoa(int(s.addr().Port()))+"/")
	refused(t, "both are private", err)
}

func TestGet_follows_redirects_only_to_what_it_would_fetch(t *testing.T) {
	t.Parallel()
	inside := startTarget(t, hello)
	plain := httptest.NewServer(http.HandlerFunc(hello))
	t.Cleanup(plain.Close)
	var location atomic.Value
	s := startTarget(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Referer() != "" {
			t.Errorf("was told of %q", r.Referer())
		}
		if r.URL.Path == "/end" {
			hello(w, r)
			return
		}
		http.Redirect(w, r, location.Load().(string), http.StatusFound)
	})
	c := s.client(nil, s.addr())
	for _, to := range []string{inside.URL, plain.URL, "http://169.254.169.254/metadata", "file:///etc/passwd", "https://user:pw@" + s.addr().String()} {
		location.Store(to)
		_, err := get(t, c, s.URL)
		refused(t, to, err)
	}
	if n := inside.hits.Load(); n != 0 {
		t.Errorf("%d requests came through", n)
	}
	location.Store("/end")
	if body, err := get(t, c, s.URL+"/?sig=x"); err != nil || body != "hello" {
		t.Errorf("within: %q, %v", body, err)
	}
	location.Store("/again")
	before := s.hits.Load()
	if _, err := get(t, c, s.URL); err == nil || s.hits.Load()-before > 4 {
		t.Errorf("in a circle: %v after %d requests", err, s.hits.Load()-before)
	}
}

func TestGet_speaks_https(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(hello))
	t.Cleanup(plain.Close)
	addr := netip.MustParseAddrPort(plain.Listener.Addr().String())
	_, err := get(t, fetch.NewClient(fetch.Config{Timeout: time.Minute, MaxBody: maxBody}), plain.URL)
	refused(t, "http", err)
	c := fetch.NewClient(fetch.Config{Timeout: time.Minute, MaxBody: maxBody, Allow: []netip.AddrPort{addr}})
	if body, err := get(t, c, plain.URL); err != nil || body != "hello" {
		t.Errorf("allowed: %q, %v", body, err)
	}
	_, err = get(t, c, "http://localhost:"+strconv.Itoa(int(addr.Port())))
	refused(t, "allowed by another name", err)
}

func TestGet_needs_a_host(t *testing.T) {
	t.Parallel()
	c := fetch.NewClient(fetch.Config{Timeout: time.Minute, MaxBody: maxBody})
	for _, url := range []string{"https://", "https:///x", "https://:443/", "https:x"} {
		_, err := get(t, c, url)
		refused(t, url, err)
	}
}

func TestGet_bodies_are_bounded(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	_, _ = zip.Write(make([]byte, 1<<20))
	_ = zip.Close()
	write := func(n int, chunked bool) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if !chunked {
				w.Header().Set("Content-Length", strconv.Itoa(n))
			}
			for _, size := range []int{n / 2, n - n/2} {
				_, _ = io.WriteString(w, strings.Repeat("x", size))
				_ = http.NewResponseController(w).Flush()
			}
		}
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    int
		err     error
	}{
		"empty":            {write(0, false), 0, nil},
		"just fits":        {write(maxBody, false), maxBody, nil},
		"just fits, parts": {write(maxBody, true), maxBody, nil},
		"one too many":     {write(maxBody+1, false), 0, fetch.ErrTooLarge},
		"in parts":         {write(maxBody+1, true), maxBody, fetch.ErrTooLarge},
		"much in parts":    {write(1<<20, true), maxBody, fetch.ErrTooLarge},
		"compressed": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		}, maxBody, fetch.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startTarget(t, test.handler)
			body, err := get(t, s.client(nil, s.addr()), s.URL)
			if len(body) != test.want || !errors.Is(err, test.err) {
				t.Errorf("%d bytes, %v; want %d, %v", len(body), err, test.want, test.err)
			}
		})
	}
}

func TestGet_takes_its_time_at_most(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	s := startTarget(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "a")
		_ = http.NewResponseController(w).Flush()
		<-done
	})
	defer close(done)
	body, err := get(t, s.client(func(c *fetch.Config) { c.Timeout = 200 * time.Millisecond }, s.addr()), s.URL)
	if err == nil {
		t.Errorf("got %q", body)
	}
}
