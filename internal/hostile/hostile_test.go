package hostile_test

import (
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/internal/hostile"
)

func TestURLs(t *testing.T) {
	t.Parallel()
	urls, err := hostile.URLs(hostile.Addresses{Plain: "127.0.0.1:1001", TLS: "127.0.0.1:1002", Trusted: "127.0.0.1:1003"})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d URLs", len(urls))
	seen, reaches := map[string]bool{}, map[string]bool{}
	for _, u := range urls {
		if u.Why == "" || seen[u.Raw] {
			t.Errorf("%q: says nothing, or is there twice", u.Raw)
		}
		if strings.ContainsAny(u.Raw, "{}") && u.Why != "braces" {
			t.Errorf("%q: what stands in braces is not known", u.Raw)
		}
		seen[u.Raw] = true
		for _, port := range []string{":1001", ":1002", ":1003"} {
			reaches[port] = reaches[port] || strings.Contains(u.Raw, port)
		}
	}
	if len(urls) < 60 || len(reaches) != 3 || !reaches[":1001"] || !reaches[":1002"] || !reaches[":1003"] {
		t.Errorf("%d URLs that reach %v", len(urls), reaches)
	}
}

func TestURLs_wants_addresses(t *testing.T) {
	t.Parallel()
	for _, at := range []hostile.Addresses{{}, {Plain: "127.0.0.1:1"}} {
		if urls, err := hostile.URLs(at); err == nil {
			t.Errorf("%+v: %d URLs", at, len(urls))
		}
	}
}
