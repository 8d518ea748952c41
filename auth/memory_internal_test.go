package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/liaison-skill/liaison/internal/web"
)

// publish makes public the issuer's key "k", as a fetch would; nil withdraws it.
func publish(v *Verifier, public *rsa.PublicKey) {
	set := v.issuers[benchIssuer].keys
	set.mu.Lock()
	defer set.mu.Unlock()
	set.keys = map[string]key{}
	if public != nil {
		set.keys["k"] = key{JSONWebKey: jose.JSONWebKey{Key: public, KeyID: "k"}}
	}
	set.fetched, set.tried, set.asked = time.Now(), time.Now(), time.Now()
}

func published(v *Verifier) *rsa.PublicKey {
	return v.issuers[benchIssuer].keys.keys["k"].Key.(*rsa.PublicKey) //nolint:forcetypeassert // benchDoor put it there
}

func verifies(t *testing.T, v *Verifier, header string, want bool) {
	t.Helper()
	if _, err := v.Verify(t.Context(), header, benchActivity()); (err == nil) != want {
		t.Errorf("verified: %t (%v), want %t", err == nil, err, want)
	}
}

func TestMemory_a_token_seen_before_is_refused_without_its_key(t *testing.T) {
	t.Parallel()
	v, header := benchDoor(t)
	mine := published(v)
	other, err := rsa.GenerateKey(rand.Reader, minKeyBits)
	if err != nil {
		t.Fatal(err)
	}
	verifies(t, v, header, true)
	verifies(t, v, header, true)
	publish(v, nil)
	verifies(t, v, header, false)
	publish(v, &other.PublicKey) // under the same id
	verifies(t, v, header, false)
	again := *mine
	publish(v, &again) // fetched anew
	verifies(t, v, header, true)
}

func TestMemory_is_of_the_whole_token(t *testing.T) {
	t.Parallel()
	v, header := benchDoor(t)
	verifies(t, v, header, true)
	for at := len("Bearer "); at < len(header)-1; at += 7 {
		with := "A"
		if header[at] == 'A' {
			with = "B"
		}
		verifies(t, v, header[:at]+with+header[at+1:], false)
	}
	verifies(t, v, header, true)
}

// TestMemory_judges_claims_each_time: only the signature is remembered.
func TestMemory_judges_claims_each_time(t *testing.T) {
	t.Parallel()
	v, header := benchDoor(t)
	verifies(t, v, header, true)
	now := time.Now
	v.now = func() time.Time { return now().Add(2 * time.Hour) }
	verifies(t, v, header, false)
	v.now = now
	v.cfg.AllowedCallers = nil
	_, err := v.Verify(t.Context(), header, benchActivity())
	if refusal, ok := errors.AsType[*web.Error](err); !ok || refusal.Status != http.StatusForbidden {
		t.Errorf("error is %v, want a 403", err)
	}
}

func TestMemory_is_bounded(t *testing.T) {
	t.Parallel()
	var m memory
	for i := range 3 * maxRemembered {
		m.keep(strconv.Itoa(i), key{})
		if len(m.keys) > maxRemembered {
			t.Fatalf("%d tokens remembered, want %d at most", len(m.keys), maxRemembered)
		}
	}
}

func TestMemory_forgets_nothing_for_forged_tokens(t *testing.T) {
	t.Parallel()
	v, header := benchDoor(t)
	verifies(t, v, header, true)
	verifies(t, v, strings.TrimSuffix(header, header[len(header)-20:])+strings.Repeat("A", 20), false)
	if n := len(v.memory.keys); n != 1 {
		t.Errorf("%d tokens remembered, want 1", n)
	}
}

// TestMemory_serves_many_at_once: keys come and go while calls are judged.
func TestMemory_serves_many_at_once(t *testing.T) {
	t.Parallel()
	v, header := benchDoor(t)
	mine := *published(v)
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			for range 20 {
				verifies(t, v, header, true)
			}
		})
	}
	for range 20 {
		again := mine
		publish(v, &again)
	}
	calls.Wait()
}
