package sandbox_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

func TestMintedTokensVerifyOnlyWhenTheyShould(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	hour := time.Now().Add(-time.Hour).Unix()
	for _, row := range []struct {
		name  string
		token sandbox.Token
		good  bool
	}{
		{"a skill call", sandbox.Token{}, true},
		{"an extra claim", sandbox.Token{Claims: map[string]any{"roles": []string{"x"}}}, true},
		{"expired", sandbox.Token{Claims: map[string]any{"exp": hour}}, false},
		{"another audience", sandbox.Token{Claims: map[string]any{"aud": copilot}}, false},
		{"another issuer", sandbox.Token{Claims: map[string]any{"iss": "https://evil.example"}}, false},
		{"no audience", sandbox.Token{Claims: map[string]any{"aud": nil}}, false},
		{"version 1 has another issuer", sandbox.Token{Kind: sandbox.SkillCallV1}, false},
		{"unsigned", sandbox.Token{Alg: "none"}, false},
		{"signed with the public key", sandbox.Token{Alg: "HS256", Key: sandbox.KeyPublicBytes}, false},
		{"a stranger's key", sandbox.Token{Key: sandbox.KeyStranger}, false},
		{"an unknown key", sandbox.Token{Key: sandbox.KeyUnknown}, false},
		{"the other issuer's key", sandbox.Token{Key: sandbox.KeyOther}, false},
		{"a reply", sandbox.Token{Kind: sandbox.SkillReply}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			verifier := provider(t, s).Verifier(&oidc.Config{ClientID: skill})
			_, err := verifier.Verify(t.Context(), sandboxtest.Mint(t, s, row.token))
			if (err == nil) != row.good {
				t.Errorf("verify: %v, want good %t", err, row.good)
			}
		})
	}
}

func TestChannelTokensNameTheirServiceURL(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	var doc struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	get(t, s.Env()["LIAISON_CHANNEL_METADATA_URL"], &doc)
	keys := oidc.NewRemoteKeySet(t.Context(), doc.Keys)
	verifier := oidc.NewVerifier("https://api.botframework.com", keys, &oidc.Config{ClientID: skill})
	claims := verified(t.Context(), t, verifier, sandboxtest.Mint(t, s, sandbox.Token{Kind: sandbox.ChannelCall}))
	got := []any{doc.Issuer, claims["serviceurl"], claims["ver"]}
	if diff := cmp.Diff([]any{"https://api.botframework.com", s.URL() + "/teams/", nil}, got); diff != "" {
		t.Errorf("issuer, serviceurl, ver (-want +got):\n%s", diff)
	}
	for _, key := range []sandbox.Key{sandbox.KeyWebChat, sandbox.KeyUnendorsed} {
		token := sandboxtest.Mint(t, s, sandbox.Token{Kind: sandbox.ChannelCall, Key: key})
		if _, err := verifier.Verify(t.Context(), token); err != nil {
			t.Errorf("a key without the endorsement must still verify: %v", err)
		}
	}
}

func TestChannelKeysCarryEndorsements(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	var set struct {
		Keys []struct {
			ID           string   `json:"kid"`
			Endorsements []string `json:"endorsements"`
		} `json:"keys"`
	}
	get(t, s.URL()+"/channel/v1/.well-known/keys", &set)
	var teams []bool
	for _, key := range set.Keys {
		teams = append(teams, slices.Contains(key.Endorsements, "msteams"))
	}
	if diff := cmp.Diff([]bool{true, false, false}, teams); diff != "" {
		t.Errorf("keys that speak for Teams (-want +got):\n%s", diff)
	}
}

func TestRotatedKeysReplaceThePublishedOnes(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	before := sandboxtest.Mint(t, s, sandbox.Token{})
	if err := s.RotateKeys(); err != nil {
		t.Fatal(err)
	}
	verifier := provider(t, s).Verifier(&oidc.Config{ClientID: skill})
	if _, err := verifier.Verify(t.Context(), before); err == nil {
		t.Error("a token of the old key verifies")
	}
	if _, err := verifier.Verify(t.Context(), sandboxtest.Mint(t, s, sandbox.Token{})); err != nil {
		t.Errorf("a token of the new key: %v", err)
	}
}

func TestAddedKeysLeaveTheOthersPublished(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	before := sandboxtest.Mint(t, s, sandbox.Token{})
	if err := s.AddKeys(); err != nil {
		t.Fatal(err)
	}
	after := sandboxtest.Mint(t, s, sandbox.Token{})
	if head := func(token string) string { return strings.Split(token, ".")[0] }; head(before) == head(after) {
		t.Error("the old key still signs")
	}
	verifier := provider(t, s).Verifier(&oidc.Config{ClientID: skill})
	for name, token := range map[string]string{"old": before, "new": after} {
		if _, err := verifier.Verify(t.Context(), token); err != nil {
			t.Errorf("a token of the %s key: %v", name, err)
		}
	}
}

// get reads a public JSON document.
func get(tb testing.TB, url string, into any) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	status, body := do(tb, req)
	if status != http.StatusOK {
		tb.Fatalf("GET %s: %d", url, status)
	}
	if err := json.Unmarshal(body, into); err != nil {
		tb.Fatalf("GET %s: %v", url, err)
	}
}
