package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
)

// page asks for a path of the pages.
func page(t *testing.T, l legal, path string) *httptest.ResponseRecorder {
	t.Helper()
	r := gin.New()
	if err := l.mount(r); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
	return w
}

// TestLegal_says_what_is_kept_and_for_how_long: as the service is configured.
func TestLegal_says_what_is_kept_and_for_how_long(t *testing.T) {
	t.Parallel()
	l := legal{conversations: 30 * 24 * time.Hour, links: 15 * time.Minute}
	for path, wants := range map[string][]string{
		"/privacy": {"<h1>Privacy</h1>", "Conversations and files: 30 days after they end;", "15 minutes after the card was made", "default-src 'none'"},
		"/terms":   {"<h1>Terms of use</h1>", `href="/privacy"`, "default-src 'none'"},
	} {
		resp := page(t, l, path)
		got := resp.Header().Get("Content-Security-Policy") + resp.Body.String()
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("%s does not say %q:\n%s", path, want, got)
			}
		}
	}
}

// TestLegal_leads_to_the_operators_own_pages where there are some.
func TestLegal_leads_to_the_operators_own_pages(t *testing.T) {
	t.Parallel()
	l := legal{privacy: "https://contoso.example/privacy"}
	resp := page(t, l, "/privacy")
	if got := resp.Header().Get("Location"); resp.Code != http.StatusFound || got != l.privacy {
		t.Errorf("status %d, %q", resp.Code, got)
	}
	if resp := page(t, l, "/terms"); resp.Code != http.StatusOK {
		t.Errorf("the other page: status %d", resp.Code)
	}
}

func TestDays(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		time.Second: "a minute", 15 * time.Minute: "15 minutes", 90 * time.Minute: "2 hours", 24 * time.Hour: "24 hours",
		30 * 24 * time.Hour: "30 days", 36 * time.Hour: "2 days", time.Hour: "60 minutes",
	} {
		if got := days(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
