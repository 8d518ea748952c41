package auth

import (
	"context"
	"errors"
	"net/http"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/internal/web"
)

// A Verdict is how a token did by one rule.
type Verdict int

// The verdicts.
const (
	Passed    Verdict = iota + 1
	Broken            // the token would be refused
	Unchecked         // it takes keys that could not, or should not, be fetched
)

// A Finding is one rule, and how a token did. Got and Want may quote the token's
// claims, but no part of its signature.
type Finding struct {
	Rule      string
	Verdict   Verdict
	Got, Want string
	Why       string // when not passed
}

// Inspect holds a token against the rules of [Verifier.Verify], all of them, and
// returns how it did by each. The activity stands for the one the token would come
// with; without a service URL it is taken to come from where the token says. When
// offline, what takes keys is left unchecked.
func (v *Verifier) Inspect(ctx context.Context, token string, a activity.Activity, offline bool) []Finding {
	e, err := v.read(token, a)
	if err != nil {
		return []Finding{{Rule: "form", Verdict: Broken, Got: "something else", Want: "a signed JWT", Why: err.Error()}}
	}
	if a.ServiceURL == "" {
		e.activity.ServiceURL = e.claims.ServiceURL
	}
	findings := []Finding{{Rule: "form", Verdict: Passed, Got: "a signed JWT", Want: "a signed JWT"}}
	keyless := ""
	switch {
	case offline:
		keyless = "offline"
	case e.from.keys == nil:
		keyless = "nobody to ask for keys"
	}
	for _, r := range v.rules {
		if !r.appliesTo(e.from.kind) {
			continue
		}
		f := r.apply(ctx, e, keyless)
		if r.keyed && f.Verdict != Passed && keyless == "" {
			keyless = "the signature was not verified"
		}
		findings = append(findings, f)
	}
	return findings
}

// apply returns how the token did. What takes keys is unchecked for the reason
// given.
func (r rule) apply(ctx context.Context, e *evidence, keyless string) Finding {
	f := Finding{Rule: r.name, Want: r.want(e), Verdict: Passed}
	if r.keyed && keyless != "" {
		f.Got, f.Verdict, f.Why = r.got(e), Unchecked, keyless
		return f
	}
	err := r.check(ctx, e)
	f.Got = r.got(e)
	if err == nil {
		return f
	}
	f.Verdict, f.Why = Broken, err.Error()
	if refusal, ok := errors.AsType[*web.Error](err); ok {
		if refusal.Err != nil {
			f.Why = refusal.Err.Error()
		}
		if refusal.Status == http.StatusServiceUnavailable {
			f.Verdict = Unchecked
		}
	}
	return f
}
