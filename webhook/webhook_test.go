package webhook_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/livechat/contoso"
	"github.com/liaison-skill/liaison/webhook"
)

// quiet is a webhook that says nothing to us, so that it needs nobody to hear it.
const quiet = `{"conversationId":"1","event":"not known"}`

// router has two hubs: open is the default and has no secret, closed has one.
func router() http.Handler {
	log := slog.New(slog.DiscardHandler)
	r := web.NewEngine(log)
	h := &webhook.Handler{
		Hubs: map[string]livechat.Reader{
			"open": &contoso.Adapter{}, "closed": &contoso.Adapter{Secrets: []env.Secret{"secret"}},
		},
		Default: "open", Log: log, MaxBody: 64,
	}
	h.Mount(r)
	return r
}

func post(t *testing.T, path, from, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	req.RemoteAddr = from
	for _, name := range header {
		req.Header.Set(name, "10.0.0.1")
	}
	w := httptest.NewRecorder()
	router().ServeHTTP(w, req)
	return w
}

// TestUnsigned believes an unsigned webhook of this very machine only.
func TestUnsigned(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path, from string
		header     []string
		want       int
	}{
		"from loopback":                {"/api/livechat/messages", "127.0.0.1:4000", nil, 204},
		"from another loopback":        {"/api/livechat/messages", "127.8.9.1:4000", nil, 204},
		"from loopback, version 6":     {"/api/livechat/messages", "[::1]:4000", nil, 204},
		"by the hub's own path":        {"/api/hubs/open/webhook", "127.0.0.1:4000", nil, 204},
		"from elsewhere":               {"/api/livechat/messages", "10.0.0.1:4000", nil, 401},
		"from elsewhere, version 6":    {"/api/livechat/messages", "[2001:db8::1]:4000", nil, 401},
		"from anywhere":                {"/api/livechat/messages", "0.0.0.0:4000", nil, 401},
		"from nowhere":                 {"/api/livechat/messages", "", nil, 401},
		"through a proxy":              {"/api/livechat/messages", "127.0.0.1:4000", []string{"X-Forwarded-For"}, 401},
		"through a proxy of RFC 7239":  {"/api/livechat/messages", "127.0.0.1:4000", []string{"Forwarded"}, 401},
		"through nginx":                {"/api/livechat/messages", "127.0.0.1:4000", []string{"X-Real-IP"}, 401},
		"through a cache":              {"/api/livechat/messages", "127.0.0.1:4000", []string{"Via"}, 401},
		"to a hub that signs":          {"/api/hubs/closed/webhook", "127.0.0.1:4000", nil, 401},
		"to a hub that does not exist": {"/api/hubs/nobody/webhook", "127.0.0.1:4000", nil, 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := post(t, tc.path, tc.from, quiet, tc.header...)
			if w.Code != tc.want {
				t.Errorf("status %d, want %d: %s", w.Code, tc.want, w.Body)
			}
			if w.Code == 204 && w.Body.Len() > 0 {
				t.Errorf("answer has a body: %q", w.Body)
			}
			if strings.Contains(w.Body.String(), "secret") || strings.Contains(w.Body.String(), "not known") {
				t.Errorf("answer tells too much: %q", w.Body)
			}
		})
	}
}

// TestEmptyProxyHeader: a proxy that names nobody is a proxy all the same.
func TestEmptyProxyHeader(t *testing.T) {
	t.Parallel()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/livechat/messages", strings.NewReader(quiet))
	req.RemoteAddr = "127.0.0.1:4000"
	req.Header.Set("X-Forwarded-For", "")
	w := httptest.NewRecorder()
	router().ServeHTTP(w, req)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("status %d, want 401", w.Code)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		want int
	}{
		"no JSON":         {"hello", 400},
		"no conversation": {`{"message":"x"}`, 400},
		"no message":      {`{"conversationId":"1"}`, 400},
		"too long":        {`{"conversationId":"` + strings.Repeat("x", 64) + `"}`, 413},
	} {
		if w := post(t, "/api/livechat/messages", "127.0.0.1:4000", tc.body); w.Code != tc.want {
			t.Errorf("%s: status %d, want %d: %s", name, w.Code, tc.want, w.Body)
		}
	}
	// A stranger does not learn what is wrong with the body.
	if w := post(t, "/api/livechat/messages", "10.0.0.1:4000", "hello"); w.Code != http.StatusUnauthorized {
		t.Errorf("a stranger's nonsense: status %d, want 401", w.Code)
	}
}

func TestOtherMethods(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	router().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/livechat/messages", http.NoBody))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != http.MethodPost {
		t.Errorf("status %d, allow %q", w.Code, w.Header().Get("Allow"))
	}
}
