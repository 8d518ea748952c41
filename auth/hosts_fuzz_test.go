package auth_test

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/liaison-skill/liaison/auth"
)

// FuzzTrusted holds whatever is trusted against a second, slower reading of the
// same rules.
func FuzzTrusted(f *testing.F) {
	for _, seed := range []struct{ url, pattern string }{
		{"https://smba.trafficmanager.net/teams/", ""},
		{"https://x.botframework.com:443/", ""},
		{"https://a@b.botframework.com/", ""},
		{"https://evil.example\\.botframework.com", ""},
		{"https://evil.example/%2e%2e/.botframework.com", ""},
		{"https://[::1].botframework.com/", ""},
		{"https://[2001:db8::1%25x.botframework.com]/", ""}, // was trusted: a zone ends as a name does
		{"https://[::1%25x.example.com]:443/", "https://*.example.com"},
		{"https://bots.example.com:8443/teams/x", "https://*.example.com:*/teams"},
		{"https://a.example.com/teams/../x", "https://*.example.com/teams/*"},
		{"http://127.0.0.1:5002/teams/", "http://127.0.0.1*"},
		{"http://127.0.0.1.evil.example:5002/", "127.0.0.1:*"},
		{"http://[::1]:5002/x", "http://[::1]:5002"},
		{"http://[::ffff:127.0.0.1]/", "http://*"},
	} {
		f.Add(seed.url, seed.pattern)
	}
	f.Fuzz(func(t *testing.T, raw, pattern string) {
		if !utf8.ValidString(pattern) {
			pattern = "" // no operator writes it, and no regular expression reads it
		}
		h := hosts(t, auth.Config{})
		if cfg, err := (auth.Config{Cloud: "public", TrustedServiceURLs: []string{pattern}}).Resolve(); err == nil {
			if h, err = auth.NewHosts(cfg); err != nil {
				t.Fatalf("pattern %q passed the check: %v", pattern, err)
			}
		} else {
			pattern = ""
		}
		got, want := h.Trusted(raw) == nil, reading(raw).trusted(pattern)
		if got != want {
			t.Fatalf("Trusted(%q) with %q is %t, want %t", raw, pattern, got, want)
		}
		if h.Connector(raw) && !got {
			t.Fatalf("%q is a connector, and not trusted", raw)
		}
	})
}

// A plainURL is a URL as a person reads it; ok says that there is one reading
// only.
type plainURL struct {
	ok                       bool
	scheme, host, port, path string
}

var (
	urlForm  = regexp.MustCompile(`^(?i:(https?)):(?://)([^/?#]*)([^?#]*)`)
	hostForm = regexp.MustCompile(`^(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]+)*)(?::([0-9]*))?$`)
)

func reading(raw string) plainURL {
	parts := urlForm.FindStringSubmatch(raw)
	if parts == nil {
		return plainURL{}
	}
	at := hostForm.FindStringSubmatch(parts[2])
	// Whether the rest can be sent at all is for the client to say.
	if _, err := url.Parse(raw); at == nil || err != nil {
		return plainURL{}
	}
	p := plainURL{true, strings.ToLower(parts[1]), strings.Trim(strings.ToLower(at[1]), "[]"), at[2], parts[3]}
	if p.port == "" {
		p.port = map[string]string{"https": "443", "http": "80"}[p.scheme]
	}
	path, err := url.PathUnescape(p.path)
	climbs := slices.ContainsFunc(strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' }), func(segment string) bool {
		return segment == "." || segment == ".."
	})
	p.path = path
	p.ok = err == nil && !climbs && (p.scheme == "https" || p.host == "localhost" || p.loopback())
	return p
}

func (p plainURL) loopback() bool {
	addr, err := netip.ParseAddr(p.host)
	return err == nil && addr.Unmap().IsLoopback()
}

func (p plainURL) trusted(pattern string) bool {
	if !p.ok {
		return false
	}
	if p.scheme == "https" && p.port == "443" {
		if slices.Contains([]string{"smba.trafficmanager.net", "smba.infra.gcc.teams.microsoft.com"}, p.host) {
			return true
		}
		labels := strings.Split(p.host, ".")
		for _, parent := range [][]string{{"botframework", "com"}, {"gateway", "prod", "island", "powerapps", "com"}} {
			if n := len(labels) - len(parent); n > 0 && slices.Equal(labels[n:], parent) {
				return true
			}
		}
	}
	return pattern != "" && p.matches(pattern)
}

// matches reads the pattern as a regular expression.
func (p plainURL) matches(pattern string) bool {
	scheme, rest, ok := strings.Cut(pattern, "://")
	if !ok {
		scheme, rest = p.scheme, pattern
	}
	authority, path, below := strings.Cut(rest, "/")
	if !strings.HasSuffix(authority, "*") && !regexp.MustCompile(`:[^\]]*$`).MatchString(authority) {
		authority += map[string]string{"https": ":443", "http": ":80"}[p.scheme]
	}
	star := func(s string) string { return strings.ReplaceAll(regexp.QuoteMeta(s), `\*`, `.*`) }
	host := p.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	expression := ".*"
	switch {
	case below && strings.Contains(path, "*"):
		expression = star("/" + path)
	case below:
		base := strings.TrimSuffix("/"+path, "/")
		expression = regexp.QuoteMeta(base) + "(/.*)?"
	}
	return strings.EqualFold(scheme, p.scheme) &&
		regexp.MustCompile(`(?s)^`+star(strings.ToLower(authority))+`$`).MatchString(host+":"+p.port) &&
		regexp.MustCompile(`(?s)^(?:`+expression+`)$`).MatchString(p.path)
}
