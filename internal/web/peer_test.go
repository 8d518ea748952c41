package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/liaison-skill/liaison/internal/web"
)

func TestLocal(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		from, header string
		want         bool
	}{
		"loopback":            {"127.0.0.1:4000", "", true},
		"another loopback":    {"127.9.9.9:4000", "", true},
		"version 6":           {"[::1]:4000", "", true},
		"mapped":              {"[::ffff:127.0.0.1]:4000", "", true},
		"elsewhere":           {"192.0.2.1:4000", "", false},
		"no port":             {"127.0.0.1", "", false},
		"a Unix socket":       {"@", "", false},
		"a proxy's standard":  {"127.0.0.1:4000", "Forwarded", false},
		"a proxy's usual":     {"127.0.0.1:4000", "X-Forwarded-For", false},
		"a proxy that is old": {"127.0.0.1:4000", "Via", false},
		"nginx":               {"127.0.0.1:4000", "X-Real-Ip", false},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr = tc.from
		if tc.header != "" {
			r.Header.Set(tc.header, "") // even an empty one shows that somebody wrote it
		}
		if got := web.Local(r); got != tc.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestLoopbackHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "localhost:5000": true, "127.0.0.1:5000": true, "127.1.2.3": true, "[::1]:5000": true, "[::1]": true, "::1": true,
		"localhost.evil.example": false, "127.0.0.1.evil.example:80": false, "192.0.2.1": false, "": false, "evil.example:5000": false, "0.0.0.0": false,
	} {
		if got := web.LoopbackHost(host); got != want {
			t.Errorf("%q: %t", host, got)
		}
	}
}
