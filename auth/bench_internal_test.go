package auth

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/liaison-skill/liaison/activity"
)

const benchApp, benchCaller = "bbbbbbbb-0000-4000-8000-000000000002", "aaaaaaaa-0000-4000-8000-000000000001"

// benchDoor returns a verifier that has its keys, and a header that passes.
func benchDoor(b *testing.B) (*Verifier, string) {
	b.Helper()
	cfg, err := Config{Cloud: "public", TenantID: []string{"t"}, SkillAppID: []string{benchApp}, AllowedCallers: []string{benchCaller}}.Resolve()
	if err != nil {
		b.Fatal(err)
	}
	v, err := NewVerifier(cfg, http.DefaultTransport, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	const name = "https://login.microsoftonline.com/t/v2.0"
	set := v.issuers[name].keys
	set.keys = map[string]key{"k": {JSONWebKey: jose.JSONWebKey{Key: private.Public(), KeyID: "k"}}}
	set.fetched, set.tried = time.Now(), time.Now()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: private, KeyID: "k"}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(map[string]any{
		"iss": name, "aud": benchApp, "azp": benchCaller, "ver": "2.0", "tid": "t", "sub": benchCaller, "oid": benchCaller,
		"exp": time.Now().Add(time.Hour).Unix(), "nbf": time.Now().Unix(), "iat": time.Now().Unix(), "uti": rand.Text(), "rh": rand.Text() + rand.Text(),
	}).Serialize()
	if err != nil {
		b.Fatal(err)
	}
	return v, "Bearer " + token
}

func benchActivity() activity.Activity {
	return activity.Activity{ChannelID: "msteams", ServiceURL: "https://smba.trafficmanager.net/teams/"}
}

func BenchmarkVerify(b *testing.B) {
	v, header := benchDoor(b)
	for b.Loop() {
		if _, err := v.Verify(b.Context(), header, benchActivity()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerify_cached measures what remembering signatures would save: see
// docs/decisions/007-no-token-cache.md. Every other rule is still applied.
func BenchmarkVerify_cached(b *testing.B) {
	v, header := benchDoor(b)
	cache := &signatureCache{check: v.checkSignature, known: map[[32]byte]key{}}
	for i := range v.rules {
		if v.rules[i].name == "signature" {
			v.rules[i].check = cache.verify
		}
	}
	for b.Loop() {
		if _, err := v.Verify(b.Context(), header, benchActivity()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify_parallel(b *testing.B) {
	v, header := benchDoor(b)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := v.Verify(b.Context(), header, benchActivity()); err != nil {
				b.Error(err)
			}
		}
	})
}

// A signatureCache remembers which tokens were verified, by hash. It is the
// least a cache could be: neither expiry nor withdrawn keys empty it.
type signatureCache struct {
	check func(context.Context, *evidence) error
	mu    sync.Mutex
	known map[[32]byte]key
}

const maxCached = 1024

func (s *signatureCache) verify(ctx context.Context, e *evidence) error {
	sum := sha256.Sum256([]byte(e.raw))
	s.mu.Lock()
	k, ok := s.known[sum]
	s.mu.Unlock()
	if ok {
		e.key = k
		return nil
	}
	if err := s.check(ctx, e); err != nil {
		return fmt.Errorf("fill cache: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxCached {
		clear(s.known)
	}
	s.known[sum] = e.key
	return nil
}
