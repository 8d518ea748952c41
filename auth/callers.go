package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/internal/web"
)

// skillRules are for tokens of Entra ID, which skill hosts bring.
func (v *Verifier) skillRules() []rule {
	return []rule{{
		name: "version", kind: Skill,
		got:  func(e *evidence) string { return cmp.Or(e.claims.Version, "none") },
		want: func(*evidence) string { return oneOf([]string{version1, version2}) },
		check: func(_ context.Context, e *evidence) error {
			if e.claims.Version != version1 && e.claims.Version != version2 {
				return unauthorized(errors.New("token is of an unknown version"))
			}
			return nil
		},
	}, {
		name: "holder", kind: Skill,
		got:  func(e *evidence) string { return cmp.Or(e.claims.holder(), "none") },
		want: func(*evidence) string { return "an app that is not the audience, in appid (1.0) or azp (2.0)" },
		check: func(_ context.Context, e *evidence) error {
			switch e.claims.holder() {
			case "":
				return unauthorized(errors.New("token does not say which app holds it"))
			case e.audience(v.cfg): // what the emulator sends
				return unauthorized(errors.New("token was issued to ourselves"))
			}
			return nil
		},
	}, {
		name: "tenant", kind: Skill,
		got:  func(e *evidence) string { return cmp.Or(e.claims.Tenant, "none") },
		want: func(e *evidence) string { return "none, or " + e.from.tenant },
		check: func(_ context.Context, e *evidence) error {
			if e.claims.Tenant != "" && !strings.EqualFold(e.claims.Tenant, e.from.tenant) {
				return unauthorized(errors.New("tenant and issuer of the token disagree"))
			}
			return nil
		},
	}, {
		name: "allowed caller", kind: Skill,
		got:  func(e *evidence) string { return cmp.Or(e.claims.holder(), "none") },
		want: func(*evidence) string { return oneOf(slices.Concat(v.cfg.AllowedCallers, v.cfg.ChannelCallers)) },
		check: func(_ context.Context, e *evidence) error {
			app, allowed := e.claims.holder(), v.cfg.AllowedCallers
			if v.isChannel(e) {
				return speaksForTeams(e.activity)
			}
			if slices.Contains(allowed, app) || slices.Contains(allowed, anyCaller) {
				return nil
			}
			return &web.Error{
				Status: http.StatusForbidden, Text: "this app is not an allowed caller",
				Err: fmt.Errorf("app %.100q is not in %sALLOWED_CALLERS", app, variablePrefix),
			}
		},
	}}
}

// isChannel reports whether the token is the Bot Connector's, or one of Entra ID's
// for an app that calls in its stead: Azure Bot Service is moving its channels
// there, says a comment in microsoft/Agents-for-net.
func (v *Verifier) isChannel(e *evidence) bool {
	return e.from.kind == Channel || slices.Contains(v.cfg.ChannelCallers, e.claims.holder())
}

// speaksForTeams refuses other channels to a token of Entra ID: it carries no
// endorsement to hold a channel against.
func speaksForTeams(a activity.Activity) error {
	if a.Channel() == activity.ChannelTeams {
		return nil
	}
	return notEndorsed(fmt.Errorf("a channel's token of Entra ID is for %s, not %.100q", activity.ChannelTeams, a.Channel()))
}

func notEndorsed(err error) *web.Error {
	return &web.Error{Status: http.StatusForbidden, Text: "the token does not speak for this channel", Err: err}
}

// channelRules hold a Bot Connector token against the activity it came with:
// where it is from, and which channel its key may speak for.
func (v *Verifier) channelRules() []rule {
	return []rule{{
		name: "service URL", kind: Channel,
		got:  func(e *evidence) string { return cmp.Or(e.claims.ServiceURL, "none") },
		want: func(e *evidence) string { return cmp.Or(e.activity.ServiceURL, "the activity's") },
		check: func(_ context.Context, e *evidence) error {
			if e.claims.ServiceURL == "" || !sameURL(e.claims.ServiceURL, e.activity.ServiceURL) {
				return unauthorized(errors.New("token is for another service URL"))
			}
			return nil
		},
	}, {
		name: "endorsement", kind: Channel, keyed: true,
		got:  func(e *evidence) string { return list(e.key.Endorsements) },
		want: func(e *evidence) string { return cmp.Or(e.activity.Channel(), "the activity's channel") },
		check: func(_ context.Context, e *evidence) error {
			// A key without endorsements speaks for no channel at all.
			if channel := e.activity.Channel(); channel == "" || !slices.Contains(e.key.Endorsements, channel) {
				return notEndorsed(fmt.Errorf("key is not endorsed for channel %.100q", channel))
			}
			return nil
		},
	}}
}

func sameURL(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "/"), strings.TrimSuffix(b, "/"))
}
