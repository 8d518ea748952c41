package contoso_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

func TestLimits_are_each_callers_own(t *testing.T) {
	t.Parallel()
	o := openOffice(t, sandbox.Config{}, "CONTOSO_API_KEY", "right", "CONTOSO_RATE_PER_CALLER", "0.01", "CONTOSO_RATE_PER_CALLER_BURST", "3",
		"CONTOSO_RATE_PER_IP", "0.01", "CONTOSO_RATE_PER_IP_BURST", "2")
	adele, diego := sandboxtest.SignIn(t, o.url, adele), sandboxtest.SignIn(t, o.url, "Diego Siciliani")
	api := call{method: "GET", path: "/api/chat/messages", header: header("X-API-Key", "right")}
	guess := call{method: "GET", path: "/api/chat/messages", header: header("X-API-Key", "guess")}
	expect := func(what string, got answer, want int) {
		t.Helper()
		if got.status != want {
			t.Errorf("%s: %v, want %d", what, got, want)
		}
	}
	expect("a wrong key", o.do(t, guess), http.StatusUnauthorized)
	expect("no session", o.do(t, call{method: "GET", path: "/api/desk/me"}), http.StatusUnauthorized)
	expect("a third", o.do(t, guess), http.StatusTooManyRequests)
	expect("an answer of no attempt", o.do(t, call{method: "GET", path: "/auth/callback?state=x"}), http.StatusTooManyRequests)
	for range 3 {
		expect("the service", o.do(t, api), http.StatusOK)
		expect("an agent", o.me(t, adele), http.StatusOK)
	}
	expect("the service, once more", o.do(t, api), http.StatusTooManyRequests)
	expect("the agent, once more", o.me(t, adele), http.StatusTooManyRequests)
	expect("another agent", o.me(t, diego), http.StatusOK)
	page := o.do(t, call{method: "GET", path: "/"})
	if page.status != http.StatusOK || !strings.Contains(page.text, "Contoso Live Chat") {
		t.Errorf("the page: %v", page)
	}
}
