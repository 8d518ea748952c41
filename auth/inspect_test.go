package auth_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestInspect_agrees_with_Verify: what one refuses, the other explains with the
// same words, and nothing else.
func TestInspect_agrees_with_Verify(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	for name, test := range map[string]struct {
		token  sandbox.Token
		broken string // the first broken rule; "" when it passes
	}{
		"skill host":            {sandbox.Token{}, ""},
		"skill host, version 1": {sandbox.Token{Kind: sandbox.SkillCallV1}, ""},
		"channel":               {sandbox.Token{Kind: sandbox.ChannelCall}, ""},
		"unsigned":              {sandbox.Token{Alg: "none"}, "algorithm"},
		"public key as secret":  {sandbox.Token{Alg: "HS256", Key: sandbox.KeyPublicBytes}, "algorithm"},
		"a foreign issuer":      {sandbox.Token{Claims: claims("iss", "https://evil.example")}, "issuer"},
		"no issuer":             {sandbox.Token{Claims: claims("iss", nil)}, "issuer"},
		"a stranger's key":      {sandbox.Token{Key: sandbox.KeyStranger}, "signature"},
		"an unknown key":        {sandbox.Token{Key: sandbox.KeyUnknown}, "signature"},
		"expired":               {sandbox.Token{Claims: claims("exp", ago(6))}, "expiry"},
		"no expiry":             {sandbox.Token{Claims: claims("exp", nil)}, "expiry"},
		"early":                 {sandbox.Token{Claims: claims("nbf", ago(-6))}, "not before"},
		"another audience":      {sandbox.Token{Claims: claims("aud", foreign)}, "audience"},
		"no version":            {sandbox.Token{Claims: claims("ver", nil)}, "version"},
		"no holder":             {sandbox.Token{Claims: claims("azp", nil)}, "holder"},
		"ourselves":             {sandbox.Token{Claims: claims("azp", skill)}, "holder"},
		"another tenant":        {sandbox.Token{Claims: claims("tid", foreign)}, "tenant"},
		"another caller":        {sandbox.Token{Claims: claims("azp", foreign)}, "allowed caller"},
		"another service URL":   {sandbox.Token{Kind: sandbox.ChannelCall, Claims: claims("serviceurl", "https://evil.example/")}, "service URL"},
		"another channel":       {sandbox.Token{Kind: sandbox.ChannelCall, Key: sandbox.KeyWebChat}, "endorsement"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := sandboxtest.Mint(t, d.sandbox, test.token)
			_, err := d.verifier.Verify(t.Context(), "Bearer "+raw, d.teams())
			findings := d.verifier.Inspect(t.Context(), raw, d.teams(), false)
			i := slices.IndexFunc(findings, func(f auth.Finding) bool { return f.Verdict != auth.Passed })
			if i < 0 {
				if err != nil || test.broken != "" {
					t.Errorf("all passed; Verify says %v", err)
				}
				return
			}
			if f := findings[i]; err == nil || f.Rule != test.broken || f.Verdict != auth.Broken || !strings.Contains(err.Error(), f.Why) {
				t.Errorf("broke %q (%s), want %q; Verify says %v", f.Rule, f.Why, test.broken, err)
			}
		})
	}
}

func TestInspect_offline_fetches_nothing(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	raw := sandboxtest.Mint(t, d.sandbox, sandbox.Token{Key: sandbox.KeyStranger})
	for _, f := range d.verifier.Inspect(t.Context(), raw, d.teams(), true) {
		if want := f.Rule == "signature"; (f.Verdict == auth.Unchecked) != want || f.Verdict == auth.Broken {
			t.Errorf("%s: verdict %d (%s)", f.Rule, f.Verdict, f.Why)
		}
	}
	if n := len(d.sandbox.Requests(sandbox.Keys)); n != 0 {
		t.Errorf("%d requests for keys", n)
	}
}

func TestInspect_says_that_keys_could_not_be_fetched(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	d.sandbox.Fault(sandbox.Keys, sandbox.Fault{Status: http.StatusBadGateway})
	raw := sandboxtest.Mint(t, d.sandbox, sandbox.Token{Kind: sandbox.ChannelCall})
	unchecked := map[string]string{}
	for _, f := range d.verifier.Inspect(t.Context(), raw, d.teams(), false) {
		if f.Verdict != auth.Passed {
			unchecked[f.Rule] = f.Why
		}
	}
	if len(unchecked) != 2 || unchecked["signature"] != "issuer's keys are not available" || unchecked["endorsement"] != "the signature was not verified" {
		t.Errorf("unchecked: %v", unchecked)
	}
}
