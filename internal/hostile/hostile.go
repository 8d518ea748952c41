// Package hostile is a list of URLs that try to get a token out: they look like
// trusted ones, lead elsewhere, or mean one thing to one reader and another to
// the next. Tests hold every leg that carries a token against all of them.
package hostile

import (
	_ "embed"
	"fmt"
	"net"
	"strconv"
	"strings"
)

//go:embed testdata/urls.txt
var list string

// A URL is one of them.
type URL struct {
	Raw string
	Why string // what it tries
}

// Addresses are host:port of listeners on loopback, which make some of the URLs
// reach something.
type Addresses struct {
	Plain, TLS string // of whoever wants the token
	Trusted    string // of somebody the token is for
}

// URLs returns all of them. What stands in braces in the list is replaced: plain,
// tls and trusted by the address of that name, plainport and tlsport by a port.
func URLs(at Addresses) ([]URL, error) {
	_, plainPort, err := net.SplitHostPort(at.Plain)
	if err != nil {
		return nil, fmt.Errorf("plain address: %w", err)
	}
	_, tlsPort, err := net.SplitHostPort(at.TLS)
	if err != nil {
		return nil, fmt.Errorf("address with TLS: %w", err)
	}
	fill := strings.NewReplacer("{plain}", at.Plain, "{tls}", at.TLS, "{trusted}", at.Trusted,
		"{plainport}", plainPort, "{tlsport}", tlsPort)
	var urls []URL
	for line := range strings.Lines(list) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return nil, fmt.Errorf("read %.40s: %w", line, err)
		}
		raw, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", quoted, err)
		}
		urls = append(urls, URL{Raw: fill.Replace(raw), Why: strings.TrimSpace(line[len(quoted):])})
	}
	return urls, nil
}
