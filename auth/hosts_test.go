package auth_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/auth"
)

func hosts(tb testing.TB, cfg auth.Config) *auth.Hosts {
	tb.Helper()
	if cfg.Cloud == "" {
		cfg.Cloud = "public"
	}
	cfg, err := cfg.Resolve()
	if err != nil {
		tb.Fatal(err)
	}
	h, err := auth.NewHosts(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

func TestHosts_of_the_public_cloud(t *testing.T) {
	t.Parallel()
	h := hosts(t, auth.Config{})
	type kind struct{ trusted, connector, skillHost bool }
	connector, skillHost, nobody := kind{true, true, false}, kind{true, false, true}, kind{}
	for serviceURL, want := range map[string]kind{
		"https://smba.trafficmanager.net/teams/":                                           connector,
		"https://SMBA.trafficmanager.NET/amer/" + tenant + "/":                             connector,
		"https://smba.trafficmanager.net:443/emea":                                         connector,
		"https://smba.infra.gcc.teams.microsoft.com/teams":                                 connector,
		"https://webchat.botframework.com/":                                                connector,
		"https://europe.directline.botframework.com/v3?x=1":                                connector,
		"https://pvaruntime.us-il102.gateway.prod.island.powerapps.com/api/runtime/bots/x": skillHost,
		"https://api.gateway.prod.island.powerapps.com/":                                   skillHost,

		"https://smba.trafficmanager.net.evil.example/":          nobody,
		"https://evil.trafficmanager.net/":                       nobody,
		"https://evilsmba.trafficmanager.net/":                   nobody,
		"https://evilbotframework.com/":                          nobody,
		"https://botframework.com/":                              nobody,
		"https://botframework.com.evil.example/":                 nobody,
		"http://smba.trafficmanager.net/teams/":                  nobody,
		"https://smba.trafficmanager.net:8443/":                  nobody,
		"https://user@smba.trafficmanager.net/":                  nobody,
		"https://smba.trafficmanager.net@evil.example/":          nobody,
		"https://smba.trafficmanager.net%2f@evil.test/":          nobody,
		"https://evil.example/smba.trafficmanager.net/":          nobody,
		"https://evil.example/?https://smba.trafficmanager.net/": nobody,
		"https://evil.example#smba.trafficmanager.net":           nobody,
		"https://evil.example\\.botframework.com/":               nobody,
		"https://smba.trafficmanager.net./":                      nobody,
		"https://a..botframework.com/":                           nobody,
		"https://x.botframewor\u212a.com/":                       nobody,
		"https://smba\u3002trafficmanager.net/":                  nobody,
		"https://smba.trafficmanager.net/../x":                   nobody,
		"https://smba.trafficmanager.net/a/%2e%2e/x":             nobody,
		"//smba.trafficmanager.net/teams/":                       nobody,
		"https:smba.trafficmanager.net":                          nobody,
		"ftp://smba.trafficmanager.net/":                         nobody,
		"urn:botframework:websocket:x":                           nobody,
		"smba.trafficmanager.net":                                nobody,
		"http://localhost:5002/teams/":                           nobody,
		"https://169.254.169.254/":                               nobody,
		"https://[2001:db8::1%25x.botframework.com]/":            nobody,
		"https://[::1%25.gateway.prod.island.powerapps.com]:443": nobody,
		"":                                     nobody,
		"https://\x00smba.trafficmanager.net/": nobody,
		"https://pvaruntime.evil.example/":     {false, false, true},
	} {
		err := h.Trusted(serviceURL)
		if (err == nil) != want.trusted {
			t.Errorf("Trusted(%q) = %v", serviceURL, err)
		}
		if refusal, ok := errors.AsType[*auth.UntrustedError](err); err != nil && (!ok || !refusal.Permanent()) {
			t.Errorf("Trusted(%q) = %T, want a permanent *UntrustedError", serviceURL, err)
		}
		if got := h.Connector(serviceURL); got != want.connector {
			t.Errorf("Connector(%q) = %t", serviceURL, got)
		}
		if got := h.SkillHost(serviceURL); got != want.skillHost {
			t.Errorf("SkillHost(%q) = %t", serviceURL, got)
		}
	}
}

func TestHosts_of_other_clouds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		cloud, url string
		want       bool
	}{
		{"usgov", "https://smba.infra.gov.teams.microsoft.us/teams/", true},
		{"usgov", "https://smba.infra.dod.teams.microsoft.us/teams/", true},
		{"usgov", "https://smba.trafficmanager.net/teams/", false},
		{"china", "https://x.botframework.azure.cn/", true},
		{"china", "https://x.botframework.com/", false},
		{"public", "https://smba.infra.gov.teams.microsoft.us/teams/", false},
	} {
		if err := hosts(t, auth.Config{Cloud: test.cloud}).Trusted(test.url); (err == nil) != test.want {
			t.Errorf("%s: Trusted(%q) = %v", test.cloud, test.url, err)
		}
	}
}

func TestHosts_by_pattern(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, url string
		want         bool
	}{
		{"https://bots.example.com", "https://bots.example.com/v3/conversations", true},
		{"https://bots.example.com", "https://BOTS.example.com", true},
		{"https://bots.example.com", "https://bots.example.com:8443/", false},
		{"https://bots.example.com", "http://bots.example.com/", false},
		{"https://bots.example.com", "https://bots.example.com.evil.example/", false},
		{"https://bots.example.com", "https://x.bots.example.com/", false},
		{"https://bots.example.com:8443", "https://bots.example.com:8443/x", true},
		{"https://bots.example.com:*", "https://bots.example.com:1234/x", true},
		{"https://*.example.com", "https://a.b.example.com/", true},
		{"https://*.example.com", "https://example.com/", false},
		{"https://*.example.com", "https://evilexample.com/", false},
		{"https://*.example.com", "https://evil.test/.example.com", false},
		{"https://*.example.com", "https://evil.test/x.example.com:443", false},
		{"https://*.example.com/teams", "https://a.example.com/teams/x", true},
		{"https://*.example.com/teams/", "https://a.example.com/teams", true},
		{"https://*.example.com/teams", "https://a.example.com/teamsters", false},
		{"https://*.example.com/teams*", "https://a.example.com/teamsters/x", true},
		{"https://*.example.com/teams/*", "https://a.example.com/teams/../x", false},
		{"https://*.example.com/teams/*", "https://a.example.com/teams/%2E%2e/x", false},
		{"https://*.example.com/a/*/c", "https://x.example.com/a/b/c", true},
		{"https://*.example.com/a/*/c", "https://x.example.com/a/c", false},
		{"http://127.0.0.1:5002/*", "http://127.0.0.1:5002/teams/", true},
		{"http://127.0.0.1:5002/*", "http://127.0.0.1:5003/teams/", false},
		{"http://127.0.0.1*", "http://127.0.0.1:5003/teams/", true},
		{"http://127.0.0.1*", "http://127.0.0.1.evil.example/", false},
		{"127.0.0.1:*", "http://127.0.0.1:5003/teams/", true},
		{"127.0.0.1:*", "http://127.0.0.1.evil.example:5003/", false},
		{"bot.example.com", "https://bot.example.com/x", true},
		{"bot.example.com", "http://bot.example.com/x", false},
		{"bot.example.com", "https://bot.example.com:8443/x", false},
		{"bot.example.com", "https://evil.example/bot.example.com", false},
		{"http://[::1]:5002", "http://[::1]:5002/x", true},
		{"http://localhost:*", "http://localhost:1/x", true},
		{"http://localhost", "http://localhost/x", true},
		{"http://example.com", "http://example.com/", false},
	} {
		err := hosts(t, auth.Config{TrustedServiceURLs: []string{"", test.pattern}}).Trusted(test.url)
		if (err == nil) != test.want {
			t.Errorf("pattern %q: Trusted(%q) = %v", test.pattern, test.url, err)
		}
	}
}

func TestHosts_a_configured_connector(t *testing.T) {
	t.Parallel()
	h := hosts(t, auth.Config{ConnectorURL: "http://127.0.0.1:5002/teams/"})
	for serviceURL, want := range map[string]bool{
		"http://127.0.0.1:5002/teams/":        true,
		"http://127.0.0.1:5002/":              true,
		"http://127.0.0.1:5002/pvaruntime/x/": false,
		"http://127.0.0.1:5003/teams/":        false,
		"https://127.0.0.1:5002/teams/":       false,
	} {
		if got := h.Connector(serviceURL); got != want {
			t.Errorf("Connector(%q) = %t", serviceURL, got)
		}
	}
	if !h.SkillHost("http://127.0.0.1:5002/PVAruntime/x/") {
		t.Error("a path of the runtime is no skill host")
	}
}

func TestUntrustedError_does_not_repeat_the_query(t *testing.T) {
	t.Parallel()
	err := hosts(t, auth.Config{}).Trusted("https://evil.example/x?sig=s3cret")
	if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "evil.example") {
		t.Errorf("error: %v", err)
	}
}
