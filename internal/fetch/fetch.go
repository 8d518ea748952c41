package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"
)

const (
	dialTimeout  = 10 * time.Second
	maxRedirects = 3
	maxHeader    = 64 << 10
)

// ErrTooLarge ends a body that is longer than [Config.MaxBody].
var ErrTooLarge = errors.New("body is too large")

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
	Timeout time.Duration // of a whole request with its body; required
	MaxBody int64         // bytes, after decompression; required

	Allow    []netip.AddrPort // are reached wherever they are, over http too: for tests
	Resolver *net.Resolver    // the system's when nil
	TLS      *tls.Config      // the system's roots when nil
}

// NewClient returns a client for URLs that strangers name. It keeps no connection
// open. Do not give it headers that a redirect's target should not see.
func NewClient(c Config) *http.Client {
	g := &guard{allow: c.Allow, table: newTable(), max: c.MaxBody}
	dialer := &net.Dialer{Timeout: dialTimeout, Resolver: c.Resolver, ControlContext: g.control}
	g.base = &http.Transport{
		DialContext:            dialer.DialContext, // and no Proxy: it would dial instead of us
		TLSClientConfig:        c.TLS,
		TLSHandshakeTimeout:    dialTimeout,
		ResponseHeaderTimeout:  c.Timeout,
		MaxResponseHeaderBytes: maxHeader,
		ForceAttemptHTTP2:      true,
		DisableKeepAlives:      true,
	}
	return &http.Client{Timeout: c.Timeout, Transport: g, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		req.Header.Del("Referer") // it would tell the next host the whole URL, which may be a key
		if len(via) > maxRedirects {
			return errors.New("too many redirects")
		}
		return nil
	}}
}

// A guard lets requests through to public addresses.
type guard struct {
	allow []netip.AddrPort
	table table
	max   int64
	base  http.RoundTripper
}

// RoundTrip implements [http.RoundTripper]. Each hop of a redirect comes by here.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := g.checkURL(req.URL); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	resp, err := g.base.RoundTrip(req)
	if err != nil {
		return nil, err // a RoundTripper's errors are the client's to wrap
	}
	if resp.ContentLength > g.max {
		_ = resp.Body.Close()
		return nil, ErrTooLarge
	}
	resp.Body = &capped{resp.Body, g.max}
	return resp, nil
}

func (g *guard) checkURL(u *url.URL) error {
	literal, _ := netip.ParseAddr(u.Hostname()) // a name gives no address
	switch {
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

// capped is a body that ends with ErrTooLarge instead of going on.
type capped struct {
	io.ReadCloser
	left int64
}

// Read implements [io.Reader]. It reads one byte more than allowed, to tell a body
// that just fits from one that does not.
func (c *capped) Read(p []byte) (int, error) {
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.ReadCloser.Read(p)
	if int64(n) > c.left {
		n, err = int(c.left), ErrTooLarge
	}
	c.left -= int64(n)
	return n, err // io.EOF must stay itself
}
