package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/liaison-skill/liaison/activity"
)

const (
	benchApp    = "bbbbbbbb-0000-4000-8000-000000000002"
	benchCaller = "aaaaaaaa-0000-4000-8000-000000000001"
	benchIssuer = "https://login.microsoftonline.com/t/v2.0"
)

// benchDoor returns a verifier that has its keys, and a header that passes.
func benchDoor(tb testing.TB) (*Verifier, string) {
	tb.Helper()
	cfg, err := Config{Cloud: "public", TenantID: []string{"t"}, SkillAppID: []string{benchApp}, AllowedCallers: []string{benchCaller}}.Resolve()
	if err != nil {
		tb.Fatal(err)
	}
	v, err := NewVerifier(cfg, http.DefaultTransport, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	publish(v, &private.PublicKey)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: private, KeyID: "k"}}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(map[string]any{
		"iss": benchIssuer, "aud": benchApp, "azp": benchCaller, "ver": "2.0", "tid": "t", "sub": benchCaller, "oid": benchCaller,
		"exp": time.Now().Add(time.Hour).Unix(), "nbf": time.Now().Unix(), "iat": time.Now().Unix(), "uti": rand.Text(), "rh": rand.Text() + rand.Text(),
	}).Serialize()
	if err != nil {
		tb.Fatal(err)
	}
	return v, "Bearer " + token
}

func benchActivity() activity.Activity {
	return activity.Activity{ChannelID: "msteams", ServiceURL: "https://smba.trafficmanager.net/teams/"}
}

// BenchmarkVerify measures a token's later calls, as most are.
func BenchmarkVerify(b *testing.B) {
	v, header := benchDoor(b)
	for b.Loop() {
		if _, err := v.Verify(b.Context(), header, benchActivity()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerify_first measures a token's first call.
func BenchmarkVerify_first(b *testing.B) {
	v, header := benchDoor(b)
	for b.Loop() {
		v.memory.keys = nil
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
