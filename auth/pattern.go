package auth

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
)

// A pattern matches URLs part by part, so that what stands for a host cannot be
// met by a path. A star in the host matches any run within host and port, a star
// in the path any run of the path. Without a path, any path matches; a path
// without a star matches itself and everything below. Without a port and without
// a star at the host's end, the scheme's own port is meant. Without a scheme, any
// that a target may have matches: https, and http on loopback.
type pattern struct {
	any       bool   // the pattern "*"
	scheme    string // lower case; "" matches any
	authority string // host:port, lower case, may hold stars
	path      string // may hold stars; "" matches any
}

func parsePattern(raw string) (pattern, error) {
	if raw == "*" {
		return pattern{any: true}, nil
	}
	scheme, rest, ok := strings.Cut(strings.ToLower(raw), "://")
	if !ok {
		scheme, rest = "", strings.ToLower(raw)
	}
	if ok && scheme != "https" && scheme != "http" {
		return pattern{}, fmt.Errorf("%q does not begin with https:// or http://", raw)
	}
	authority, _, _ := strings.Cut(rest, "/")
	if authority == "" || strings.ContainsAny(authority, "@?#\\ ") {
		return pattern{}, fmt.Errorf("%q has no host that could match", raw)
	}
	// The path keeps its case.
	path := raw[len(raw)-len(rest)+len(authority):]
	return pattern{scheme: scheme, authority: authority, path: path}, nil
}

// hasPort reports whether the authority names a port; the colons of an IPv6
// address are inside brackets.
func hasPort(authority string) bool {
	return strings.LastIndexByte(authority, ':') > strings.LastIndexByte(authority, ']')
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

// matches reports whether the pattern matches a URL that [parseTarget] accepted.
func (p pattern) matches(t target) bool {
	if p.any {
		return true
	}
	authority := p.authority
	if !strings.HasSuffix(authority, "*") && !hasPort(authority) {
		authority += ":" + defaultPort(t.scheme)
	}
	return (p.scheme == "" || p.scheme == t.scheme) && glob(authority, t.authority()) && p.matchesPath(t.path)
}

func (p pattern) matchesPath(path string) bool {
	if strings.Contains(p.path, "*") || p.path == "" {
		return p.path == "" || glob(p.path, path)
	}
	base := strings.TrimSuffix(p.path, "/")
	return path == base || strings.HasPrefix(path, base+"/")
}

// glob reports whether text is what the pattern says, a star standing for any
// run.
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = after
	}
	return strings.HasSuffix(text, last)
}

// checkTrusted refuses patterns that would trust hosts anybody can register:
// beyond loopback a star may only stand for subdomains.
func checkTrusted(raw string) error {
	p, err := parsePattern(raw)
	if err != nil {
		return err
	}
	if p.any {
		return errors.New("* would trust every host")
	}
	host := p.authority
	if hasPort(host) {
		host = host[:strings.LastIndexByte(host, ':')]
	}
	host = strings.TrimPrefix(host, "*.")
	if p.scheme != "http" && strings.Contains(host, "*") {
		return fmt.Errorf("%q: a star in a host may only stand at its beginning, before a dot", raw)
	}
	if p.scheme != "http" && !strings.Contains(host, ".") && !loopback(host) {
		return fmt.Errorf("%q is too wide", raw)
	}
	return nil
}

// A target is a URL a token might go to, in the parts that decide.
type target struct {
	scheme, host, port, path string
}

func (t target) authority() string { return net.JoinHostPort(t.host, t.port) }

// parseTarget reads a URL the way the HTTP client will and refuses what two
// readers could understand differently.
func parseTarget(raw string) (target, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return target{}, errors.New("not a URL") // the cause repeats it, with its query
	case u.Scheme != "https" && u.Scheme != "http", u.Opaque != "", u.Host == "":
		return target{}, errors.New("not an absolute https URL")
	case u.User != nil:
		return target{}, errors.New("holds a user")
	}
	// Lowering first would turn look-alikes, as the Kelvin sign, into letters.
	if strings.ContainsFunc(u.Host, func(r rune) bool { return r > unicode.MaxASCII }) {
		return target{}, errors.New("host is not written plainly")
	}
	t := target{scheme: u.Scheme, host: strings.ToLower(u.Hostname()), port: u.Port(), path: u.Path}
	if t.port == "" {
		t.port = defaultPort(t.scheme)
	}
	if !plainHost(t.host) {
		return target{}, errors.New("host is not written plainly")
	}
	for segment := range strings.SplitSeq(strings.ReplaceAll(t.path, "\\", "/"), "/") {
		if segment == "." || segment == ".." {
			return target{}, errors.New("path goes up")
		}
	}
	if t.scheme == "http" && !loopback(t.host) {
		return target{}, errors.New("not https")
	}
	return t, nil
}

// plainHost reports whether the host is an IP address or made of the letters of
// DNS names, without an empty label. An address's zone is any text, and could end
// as a trusted name does although the address is what is dialled.
func plainHost(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Zone() == ""
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// loopback reports whether the host is this machine.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.IsLoopback()
}
