package fetch_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/fetch"
)

// startPlain is a server without TLS, as an operator may run one inside.
func startPlain(t *testing.T, handler http.HandlerFunc) *url.URL {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestOrigin_is_reached_wherever_it_is(t *testing.T) {
	t.Parallel()
	hub := startPlain(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/file", http.StatusFound)
			return
		}
		hello(w, r)
	})
	other := startPlain(t, hello)
	c := fetch.NewClient(fetch.Config{Timeout: 10 * time.Second, MaxBody: maxBody, Origins: []*url.URL{hub}})
	for _, path := range []string{"/file?sig=x", "/moved"} {
		if body, err := get(t, c, hub.String()+path); err != nil || body != "hello" {
			t.Errorf("%s: %q, %v", path, body, err)
		}
	}
	for _, elsewhere := range []string{
		other.String(), "http://localhost:" + hub.Port(), "http://user:pw@" + hub.Host,
		"https://" + hub.Host, "http://127.0.0.1", "http://127.0.0.2:" + hub.Port(),
	} {
		_, err := get(t, c, elsewhere)
		refused(t, elsewhere, err)
	}
}

// TestOrigin_is_reached_by_nobody_else: a stranger's redirect would make us ask
// inside for whatever they like.
func TestOrigin_is_reached_by_nobody_else(t *testing.T) {
	t.Parallel()
	hub := startPlain(t, func(http.ResponseWriter, *http.Request) { t.Error("the origin was asked") })
	stranger := startTarget(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, hub.String()+"/admin", http.StatusFound)
	})
	c := stranger.client(func(c *fetch.Config) { c.Origins = []*url.URL{hub} }, stranger.addr())
	_, err := get(t, c, stranger.URL)
	refused(t, "a stranger's redirect", err)
}

func TestOrigin_sends_nobody_inside(t *testing.T) {
	t.Parallel()
	inside := startPlain(t, func(http.ResponseWriter, *http.Request) { t.Error("somebody inside was asked") })
	hub := startPlain(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inside.String(), http.StatusFound)
	})
	c := fetch.NewClient(fetch.Config{Timeout: 10 * time.Second, MaxBody: maxBody, Origins: []*url.URL{hub}})
	_, err := get(t, c, hub.String())
	refused(t, "the origin's redirect", err)
}

func TestOrigin_default_ports_are_the_same(t *testing.T) {
	t.Parallel()
	named := &url.URL{Scheme: "https", Host: "Hub.invalid:443"}
	zone := newNames(t)
	zone.set("hub.invalid", "127.0.0.1") // nobody listens at its port 443, which is to be seen
	c := fetch.NewClient(fetch.Config{Timeout: 10 * time.Second, MaxBody: maxBody, Origins: []*url.URL{named}, Resolver: zone.resolver()})
	_, err := get(t, c, "https://hub.invalid/file")
	if err == nil {
		t.Skip("somebody listens at port 443")
	}
	if allowed(err) {
		return
	}
	t.Errorf("was not dialled: %v", err)
}
