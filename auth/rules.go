package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/liaison-skill/liaison/internal/web"
)

// A rule is one thing a token must be. The list of them is what [Verifier.Verify]
// applies and what [Verifier.Inspect] explains.
type rule struct {
	name  string
	kind  Kind                                         // of caller it applies to; 0 for all
	keyed bool                                         // it needs the issuer's keys
	got   func(e *evidence) string                     // what the token has
	want  func(e *evidence) string                     // what would pass
	check func(ctx context.Context, e *evidence) error // nil, or a *web.Error
}

func (r rule) appliesTo(k Kind) bool { return r.kind == 0 || r.kind == k }

// allRules returns the rules in the order they are checked: first who vouches,
// then whether he did, then what for. The order for skill hosts is that of
// SkillValidation.cs in microsoft/botbuilder-dotnet.
func (v *Verifier) allRules() []rule {
	return slices.Concat(v.signatureRules(), v.lifetimeRules(), v.skillRules(), v.channelRules(), []rule{{
		name: "answer URL is trusted",
		got:  func(e *evidence) string { return cmp.Or(e.activity.ServiceURL, "none") },
		want: func(*evidence) string { return "a trusted URL, or none" },
		check: func(_ context.Context, e *evidence) error {
			if e.activity.ServiceURL == "" {
				return nil
			}
			if err := v.hosts.Trusted(e.activity.ServiceURL); err != nil {
				return &web.Error{Status: http.StatusBadRequest, Text: "serviceUrl is not trusted here", Err: err}
			}
			return nil
		},
	}})
}

func (v *Verifier) signatureRules() []rule {
	return []rule{{
		name: "issuer",
		got:  func(e *evidence) string { return cmp.Or(e.claims.Issuer, "none") },
		want: func(*evidence) string { return oneOf(slices.Sorted(maps.Keys(v.issuers))) },
		check: func(_ context.Context, e *evidence) error {
			if e.from.keys == nil {
				return unauthorized(fmt.Errorf("issuer %.200q is not one of ours", e.claims.Issuer))
			}
			return nil
		},
	}, {
		name: "algorithm",
		got:  func(e *evidence) string { return cmp.Or(e.header.Algorithm, "none") },
		want: func(*evidence) string { return oneOf(algorithmNames()) },
		check: func(_ context.Context, e *evidence) error {
			if !slices.Contains(algorithmNames(), e.header.Algorithm) {
				return unauthorized(fmt.Errorf("algorithm %.20q is not allowed", e.header.Algorithm))
			}
			return nil
		},
	}, {
		name: "signature", keyed: true,
		got:   func(e *evidence) string { return "key " + cmp.Or(e.header.KeyID, "without an id") },
		want:  func(*evidence) string { return "verifies with that key of the issuer" },
		check: v.checkSignature,
	}}
}

// checkSignature verifies the token with its issuer's keys and notes which did.
func (v *Verifier) checkSignature(ctx context.Context, e *evidence) error {
	if k, ok := v.memory.recall(ctx, e.raw, e.from.keys); ok {
		e.key = k
		return nil
	}
	verifying := &signatures{set: e.from.keys}
	_, err := oidc.NewVerifier(e.claims.Issuer, verifying, &oidc.Config{
		SkipClientIDCheck:    true, // there are several, see the rule for the audience
		SkipExpiryCheck:      true, // it knows no skew for exp
		SupportedSigningAlgs: algorithmNames(),
	}).Verify(ctx, e.raw)
	if f := verifying.findErr; f != nil && !errors.Is(f, errUnknownKey) {
		return &web.Error{
			Status: http.StatusServiceUnavailable, Text: "tokens cannot be checked now, try again later",
			Err: f, RetryAfter: retryNoKeys,
		}
	}
	if err != nil {
		return unauthorized(err)
	}
	e.key = verifying.used
	v.memory.keep(e.raw, e.key)
	return nil
}

func (v *Verifier) lifetimeRules() []rule {
	return []rule{{
		name: "expiry",
		got:  func(e *evidence) string { return date(e.claims.Expiry) },
		want: func(*evidence) string { return "after " + date(float64(v.now().Add(-skew).Unix())) },
		check: func(_ context.Context, e *evidence) error {
			switch {
			case e.claims.Expiry <= 0:
				return unauthorized(errors.New("token has no expiry"))
			case float64(v.now().Unix()) >= e.claims.Expiry+skew.Seconds():
				return unauthorized(errors.New("token has expired"))
			}
			return nil
		},
	}, {
		name: "not before",
		got:  func(e *evidence) string { return date(e.claims.NotBefore) },
		want: func(*evidence) string { return "none, or until " + date(float64(v.now().Add(skew).Unix())) },
		check: func(_ context.Context, e *evidence) error {
			if float64(v.now().Unix()) < e.claims.NotBefore-skew.Seconds() {
				return unauthorized(errors.New("token is not valid yet"))
			}
			return nil
		},
	}, {
		name: "audience",
		got:  func(e *evidence) string { return list(e.claims.Audience) },
		want: func(*evidence) string { return oneOf(v.cfg.SkillAppID) },
		check: func(_ context.Context, e *evidence) error {
			if e.audience(v.cfg) == "" {
				return unauthorized(errors.New("token is for another app"))
			}
			return nil
		},
	}}
}

// oneOf, list and date write what rules compare.
func oneOf(names []string) string {
	switch len(names) {
	case 0:
		return "none is configured"
	case 1:
		return names[0]
	}
	return "one of " + list(names)
}

func list(names []string) string { return cmp.Or(strings.Join(names, ", "), "none") }

func date(seconds float64) string {
	if seconds == 0 {
		return "none"
	}
	return time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339)
}

func algorithmNames() []string {
	var names []string
	for _, alg := range algorithms() {
		names = append(names, string(alg))
	}
	return names
}
