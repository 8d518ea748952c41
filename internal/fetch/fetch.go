package fetch

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	connectTimeout = 5 * time.Second
	maxRedirects   = 3
	maxHeader      = 64 << 10
)

// A RefusedError is an address that is not fetched from. Repeating the call is
// pointless.
type RefusedError struct {
	Host   string // as it was written or, when it was dialled, as DNS answered
	Reason string
}

// Error implements error.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("%q is not fetched from: %s", e.Host, e.Reason)
}

// Permanent reports that the same address will be refused again.
func (*RefusedError) Permanent() bool { return true }

// Config says how far a client goes.
type Config struct {
	Timeout   time.Duration // of a whole request with its body; required
	MaxBody   int64         // bytes, after decompression; required
	FirstByte time.Duration // until an answer begins; Timeout when zero
	Pace      Pace          // the least a body comes at; any when zero

	// Origins (scheme, host and port) are reached wherever they are, over http
	// too, by a URL that names them or by a redirect of their own.
	Origins []*url.URL

	Allow    []netip.AddrPort // are reached like origins, by any way: for tests
	Resolver *net.Resolver    // the system's when nil
	TLS      *tls.Config      // the system's roots when nil
}

// NewClient returns a client for URLs that strangers name. It keeps no connection
// open. Do not give it headers that a redirect's target should not see.
func NewClient(c Config) *http.Client {
	g := &guard{allow: c.Allow, table: newTable(), max: c.MaxBody, pace: c.Pace}
	for _, u := range c.Origins {
		g.origins = append(g.origins, origin(u))
	}
	g.base = c.transport(g.control)
	g.base.DialContext = existing(g.base.DialContext)
	g.trusting = c.transport(nil)
	return &http.Client{Timeout: c.Timeout, Transport: g, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		req.Header.Del("Referer") // it would tell the next host the whole URL, which may be a key
		if len(via) > maxRedirects {
			return &RefusedError{Host: req.URL.Host, Reason: "too many redirects"}
		}
		return nil
	}}
}

// transport returns one that dials what control lets it.
func (c Config) transport(control func(context.Context, string, string, syscall.RawConn) error) *http.Transport {
	dialer := &net.Dialer{Timeout: connectTimeout, Resolver: c.Resolver, ControlContext: control}
	return &http.Transport{
		DialContext:            dialer.DialContext, // and no Proxy: it would dial instead of us
		TLSClientConfig:        c.TLS,
		TLSHandshakeTimeout:    connectTimeout,
		ResponseHeaderTimeout:  cmp.Or(c.FirstByte, c.Timeout),
		MaxResponseHeaderBytes: maxHeader,
		ForceAttemptHTTP2:      true,
		DisableKeepAlives:      true,
	}
}

// A dialFunc opens connections.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// existing refuses names that DNS says nobody has: a stranger's mistake, for which
// nobody should wait. Our own hosts' names may come back.
func existing(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if unknown, ok := errors.AsType[*net.DNSError](err); ok && unknown.IsNotFound {
			return nil, &RefusedError{Host: address, Reason: "there is no such host"}
		}
		return conn, err
	}
}

// A guard lets requests through to public addresses.
type guard struct {
	origins  []string
	allow    []netip.AddrPort
	table    table
	max      int64
	pace     Pace
	base     *http.Transport
	trusting *http.Transport // for origins
}

// RoundTrip implements [http.RoundTripper]. Each hop of a redirect comes by here.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	rt, err := g.route(req)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	resp, err := rt.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel(nil)
		return nil, err // a RoundTripper's errors are the client's to wrap
	}
	if resp.ContentLength > g.max {
		cancel(nil)
		_ = resp.Body.Close()
		return nil, ErrTooLarge
	}
	resp.Body = &body{
		ReadCloser: resp.Body, left: g.max, pace: g.pace,
		cancel: cancel, cause: func() error { return context.Cause(ctx) },
	}
	return resp, nil
}

// route returns the transport that a request may take.
func (g *guard) route(req *http.Request) (http.RoundTripper, error) {
	if req.URL.User == nil && g.named(req) {
		return g.trusting, nil
	}
	return g.base, g.checkURL(req.URL)
}

// named reports whether the request is for one of the origins. Nobody else can
// send us there.
func (g *guard) named(req *http.Request) bool {
	o := origin(req.URL)
	from := req.Response // the redirect, if there was one
	return slices.Contains(g.origins, o) && (from == nil || origin(from.Request.URL) == o)
}

// origin writes the scheme, host and port of a URL in one way.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return strings.ToLower(u.Scheme) + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

func (g *guard) checkURL(u *url.URL) error {
	literal, _ := netip.ParseAddr(u.Hostname()) // a name gives no address
	switch {
	case u.Hostname() == "":
		return &RefusedError{Host: u.Host, Reason: "the URL holds no host"}
	case u.User != nil:
		return &RefusedError{Host: u.Host, Reason: "the URL holds a user"}
	case literal.Is4In6(): // the dialer would unwrap it
		return &RefusedError{Host: u.Host, Reason: "an IPv4 address written as IPv6"}
	case u.Scheme == "https":
		return nil
	}
	if addr, err := netip.ParseAddrPort(u.Host); u.Scheme == "http" && err == nil && slices.Contains(g.allow, addr) {
		return nil
	}
	return &RefusedError{Host: u.Host, Reason: "not https"}
}

// control judges an address that is about to be dialled.
func (g *guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	addr, err := netip.ParseAddrPort(address)
	if err != nil {
		return &RefusedError{Host: address, Reason: "not an IP address"}
	}
	if slices.Contains(g.allow, addr) || g.table.public(addr.Addr()) {
		return nil
	}
	return &RefusedError{Host: address, Reason: "the address is not public"}
}
