package auth

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

// A publisher publishes keys by id, and counts.
type publisher struct {
	*httptest.Server
	public *rsa.PublicKey

	mu      sync.Mutex
	ids     []string
	down    bool
	fetches int
}

func startPublisher(t *testing.T, ids ...string) *publisher {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, minKeyBits)
	if err != nil {
		t.Fatal(err)
	}
	p := &publisher{public: &private.PublicKey, ids: ids}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.URL.Path != "/keys" {
		_ = json.NewEncoder(w).Encode(map[string]string{"jwks_uri": p.URL + "/keys"})
		return
	}
	p.fetches++
	if p.down {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	keys := []any{map[string]string{"kty": "something new", "kid": "new"}}
	for _, id := range p.ids {
		keys = append(keys, jose.JSONWebKey{Key: p.public, KeyID: id})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": keys})
}

func (p *publisher) set(down bool, ids ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down, p.ids = down, ids
}

func (p *publisher) fetched(t *testing.T, want int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fetches != want {
		t.Errorf("%d fetches, want %d", p.fetches, want)
	}
}

// A clock stands still until it is moved.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func (c *clock) pass(d time.Duration) { c.Time = c.Add(d) }

func openKeySet(p *publisher) (*keySet, *clock) {
	c := &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	s := newKeySet(p.URL, jsonhttp.NewClient(time.Minute, http.DefaultTransport), slog.New(slog.DiscardHandler))
	s.now, s.patience = c.now, time.Minute // the machine may be busy
	return s, c
}

func find(t *testing.T, s *keySet, id string, want error) {
	t.Helper()
	k, err := s.find(t.Context(), id)
	if !errors.Is(err, want) || err == nil && k.KeyID != id {
		t.Errorf("find %s: %q, %v, want %v", id, k.KeyID, err, want)
	}
}

func TestKeySet_refreshes_old_keys_and_keeps_them_while_the_issuer_is_down(t *testing.T) {
	t.Parallel()
	p := startPublisher(t, "a")
	s, c := openKeySet(p)
	find(t, s, "a", nil)
	c.pass(11 * time.Hour)
	find(t, s, "a", nil)
	p.fetched(t, 1)

	p.set(true)
	c.pass(2 * time.Hour)
	for range 5 {
		find(t, s, "a", nil)
	}
	p.fetched(t, 2)
	c.pass(48 * time.Hour)
	find(t, s, "a", nil)
	p.fetched(t, 3)

	p.set(false, "b")
	c.pass(time.Minute)
	find(t, s, "a", errUnknownKey) // withdrawn
	find(t, s, "b", nil)
	p.fetched(t, 4)
}

func TestKeySet_a_known_key_does_not_wait_long_for_an_issuer_that_hangs(t *testing.T) {
	t.Parallel()
	p := startPublisher(t, "a")
	s, c := openKeySet(p)
	find(t, s, "a", nil)
	c.pass(13 * time.Hour)
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer hanging.Close()
	var log bytes.Buffer
	s.log = slog.New(slog.NewTextHandler(&log, nil))
	s.metadataURL, s.patience = hanging.URL+"/metadata?sig=hush", keysPatience
	began := time.Now()
	find(t, s, "a", nil)
	if took := time.Since(began); took < time.Second || took > keysTimeout-time.Second {
		t.Errorf("found after %s, want less than a try without a key takes", took)
	}
	if text := log.String(); !strings.Contains(text, "/metadata ") || strings.Contains(text, "hush") {
		t.Errorf("the log names no metadata, or their URL's query: %s", text)
	}
}

func TestKeySet_asks_for_an_unknown_key_once_a_minute(t *testing.T) {
	t.Parallel()
	p := startPublisher(t, "a")
	s, c := openKeySet(p)
	find(t, s, "a", nil)
	c.pass(time.Second)
	for range 10 {
		find(t, s, "x", errUnknownKey)
	}
	p.fetched(t, 2) // the first fetch is not held against the second
	p.set(false, "a", "b")
	c.pass(59 * time.Second)
	find(t, s, "b", errUnknownKey)
	find(t, s, "a", nil)
	c.pass(time.Second)
	find(t, s, "b", nil)
	p.fetched(t, 3)
}

func TestKeySet_comes_back_soon_after_the_issuer_does(t *testing.T) {
	t.Parallel()
	p := startPublisher(t, "a")
	p.set(true, "a")
	s, c := openKeySet(p)
	find(t, s, "a", errNoKeys)
	find(t, s, "a", errNoKeys)
	p.fetched(t, 1)
	p.set(false, "a")
	c.pass(failureFloor)
	find(t, s, "a", nil)
	p.fetched(t, 2)
}

func TestKeySet_refuses_keys_that_are_not_fit(t *testing.T) {
	t.Parallel()
	weak, err := rsa.GenerateKey(rand.Reader, 1024) // the weakness is the point
	if err != nil {
		t.Fatal(err)
	}
	strong := startPublisher(t).public
	for name, k := range map[string]jose.JSONWebKey{
		"weak":           {Key: weak.Public(), KeyID: "a"},
		"without id":     {Key: strong},
		"for encryption": {Key: strong, KeyID: "a", Use: "enc"},
		"symmetric":      {Key: []byte(strings.Repeat("x", 256)), KeyID: "a"},
	} {
		raw, err := json.Marshal(k)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := parseKey(raw); ok {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestKeySet_does_not_follow_metadata_off_https(t *testing.T) {
	t.Parallel()
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"jwks_uri": "http://keys.example/"}`))
	}))
	defer metadata.Close()
	s, _ := openKeySet(&publisher{Server: metadata})
	if _, err := s.fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "is not https") {
		t.Errorf("fetch: %v", err)
	}
}

func TestSignsFor(t *testing.T) {
	t.Parallel()
	accept := signsFor("https://login.example/t1/v2.0", "t1")
	for issuer, want := range map[string]bool{
		"": true, "https://login.example/{tenantid}/v2.0": true, "https://login.example/T1/v2.0": true,
		"https://login.example/t2/v2.0": false,
	} {
		if got := accept(key{Issuer: issuer}); got != want {
			t.Errorf("key of %q: %t, want %t", issuer, got, want)
		}
	}
}
