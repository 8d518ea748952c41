package app

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/metrics"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// TestMetrics serves them on a port of their own, with what the doors answered.
func TestMetrics(t *testing.T) {
	t.Parallel()
	m := metrics.New(pgtest.DB(t, migrations.Schema()))
	r := gin.New()
	r.Use(counted(m))
	r.POST("/api/messages", func(c *gin.Context) { c.Status(http.StatusAccepted) })
	r.POST("/api/livechat/messages", func(c *gin.Context) { c.Status(http.StatusUnauthorized) })
	r.POST("/api/hubs/:hub/webhook", func(c *gin.Context) { c.Status(http.StatusServiceUnavailable) })
	r.GET("/healthz", func(c *gin.Context) { c.Status(http.StatusOK) })
	for _, path := range []string{"/api/messages", "/api/livechat/messages", "/api/hubs/contoso/webhook", "/healthz", "/secret"} {
		r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, http.NoBody))
	}

	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- (&App{metrics: m}).RunMetrics(ctx, ln) }()
	page := ""
	for deadline := time.Now().Add(time.Minute); !strings.Contains(page, "liaison_database_up 1\n") && time.Now().Before(deadline); {
		page = get(t, "http://"+ln.Addr().String()+"/metrics") // a busy database may miss one
	}
	for _, want := range []string{
		`liaison_skill_requests_total{outcome="accepted"} 1`, `liaison_skill_requests_total{outcome="refused"} 0`,
		`liaison_webhook_requests_total{outcome="accepted"} 0`, `liaison_webhook_requests_total{outcome="refused"} 1`,
		`liaison_webhook_requests_total{outcome="failed"} 1`, `liaison_database_up 1`, `go_goroutines`,
		`liaison_open_conversations{state="active"} 0`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if page := get(t, "http://"+ln.Addr().String()+"/debug/pprof/goroutine?debug=1"); !strings.Contains(page, "goroutine profile") {
		t.Errorf("the profile is %.40q", page)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func get(tb testing.TB, url string) string {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		tb.Fatalf("%s: status %d, %v", url, resp.StatusCode, err)
	}
	return string(page)
}
