package contoso_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/contoso"
)

func (h hub) header(tb testing.TB, path string) http.Header {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, h.url+path, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		tb.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		tb.Errorf("%s: %d", path, resp.StatusCode)
	}
	return resp.Header
}

func TestChat_is_shown_in_frames_of_allowed_sites_alone(t *testing.T) {
	t.Parallel()
	alone := runCanvas(t, contoso.Config{})
	embedded := runCanvas(t, contoso.Config{Canvas: contoso.Canvas{EmbedOrigins: []string{" https://shop.example", "http://localhost:3000 ", ""}}})
	for _, row := range []struct {
		hub  hub
		path string
		want string
	}{
		{alone.hub, "/chat/", "'self'"},
		{alone.hub, "/chat", "'self'"},
		{embedded.hub, "/chat/", "'self' https://shop.example http://localhost:3000"},
		{embedded.hub, "/", "'none'"}, // the desk
		{embedded.hub, "/desk/dom.js", "'none'"},
	} {
		policy := row.hub.header(t, row.path).Get("Content-Security-Policy")
		if !strings.HasSuffix(policy, "; frame-ancestors "+row.want) || strings.Contains(policy, "unsafe") || !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") {
			t.Errorf("%s: %s, want frame-ancestors %s", row.path, policy, row.want)
		}
	}
}

func TestCanvas_changes_of_other_origins_are_refused(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	v := h.start(t, "{}")
	for _, c := range []call{{path: v.path("/end")}, {path: "/api/canvas/start", body: "{}"}} {
		c.header = header("Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
		want(t, v.do(t, c), 403, "other origins")
	}
}
