package web_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/web"
)

func site() *gin.Engine {
	log, _ := record()
	r := web.NewEngine(log)
	web.Pages(r, fstest.MapFS{
		"index.html":    {Data: []byte("<!doctype html><title>hello</title>")},
		"about.html":    {Data: []byte("<!doctype html><title>about</title>")},
		"app.js":        {Data: []byte("alert()")},
		"assets/a.css":  {Data: []byte("p{}")},
		"assets/b.svg":  {Data: []byte("<svg/>")},
		"assets/c.woff": {Data: []byte("font")},
	})
	r.GET("/api/lines", func(c *gin.Context) { c.String(http.StatusOK, "lines") })
	return r
}

func TestPages(t *testing.T) {
	t.Parallel()
	for path, contentType := range map[string]string{
		"/": "text/html; charset=utf-8", "/about": "text/html; charset=utf-8", "/app.js": "text/javascript; charset=utf-8", "/assets/a.css": "text/css; charset=utf-8",
		"/assets/b.svg": "image/svg+xml", "/app.js?v=1": "text/javascript; charset=utf-8",
	} {
		r := site()
		resp := ask(t, r, http.MethodGet, path, "")
		body := resp.Body.String()
		if resp.Code != http.StatusOK || body == "" || resp.Header().Get("Content-Type") != contentType {
			t.Errorf("%s: %d, %q, %q", path, resp.Code, resp.Header().Get("Content-Type"), body)
		}
		head := ask(t, r, http.MethodHead, path, "")
		if got := head.Body.String(); head.Code != http.StatusOK || got != "" || head.Header().Get("Content-Type") != contentType {
			t.Errorf("HEAD %s: %d, %q, body %q", path, head.Code, head.Header().Get("Content-Type"), got)
		}
	}
}

func TestPagesLetNothingForeignIn(t *testing.T) {
	t.Parallel()
	resp := ask(t, site(), http.MethodGet, "/", "")
	policy := map[string]string{}
	for directive := range strings.SplitSeq(resp.Header().Get("Content-Security-Policy"), ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), " ")
		policy[name] = value
	}
	for name, want := range map[string]string{
		"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "connect-src": "'self'",
		"base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
	} {
		if policy[name] != want {
			t.Errorf("%s is %q, want %q", name, policy[name], want)
		}
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-cache",
	} {
		if got := resp.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestPagesServeTheirFilesOnly(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]int{
		"/index.html": http.StatusNotFound, "/about.html": http.StatusNotFound, // their names are "/" and "/about"
		"/assets": http.StatusNotFound, "/assets/": http.StatusNotFound, // no listing
		"/../web.go": http.StatusNotFound, "/%2e%2e/web.go": http.StatusNotFound, "/nothing": http.StatusNotFound,
		"/api/lines": http.StatusOK, // beside the pages
	} {
		if resp := ask(t, site(), http.MethodGet, path, ""); resp.Code != want {
			t.Errorf("%s: %d, want %d", path, resp.Code, want)
		}
	}
	if resp := ask(t, site(), http.MethodPost, "/app.js", ""); resp.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST /app.js: %d", resp.Code)
	}
}
