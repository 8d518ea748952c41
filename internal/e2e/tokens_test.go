package e2e

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/sandbox"
)

// strangerID is an app, and a tenant, that nobody configured.
const strangerID = "cccccccc-0000-4000-8000-000000000003"

// oneTenant holds the statements on who may call the skill. The service's own app
// is on the list, so that it is not the list that refuses it.
func oneTenant(t *testing.T) {
	t.Helper()
	l := newLedger(t, "LIAISON_ALLOWED_CALLERS="+strings.ToUpper(copilotID)+","+skillID)
	l.hold(t, slices.Concat(formOfTokens(), l.issuersOfTokens(), claimsOfTokens(), callers(), l.channels(), l.bodies())...)
}

// ofMinutes is, in claims, the time that many minutes from when they are made a
// token of.
type ofMinutes int

// timely replaces what depends on the time.
func timely(all map[string]any) map[string]any {
	all = maps.Clone(all)
	for name, value := range all {
		if n, ok := value.(ofMinutes); ok {
			all[name] = time.Now().Add(time.Duration(n) * time.Minute).Unix()
		}
	}
	return all
}

// formOfTokens is about headers, signatures and lifetimes.
func formOfTokens() []statement {
	const no, ok = http.StatusUnauthorized, http.StatusAccepted
	as := func(form string) func(string) string {
		return func(token string) string { return strings.ReplaceAll(form, "TOKEN", token) }
	}
	return []statement{
		{name: "14 answers 401 when Authorization is missing, not Bearer, or not of exactly two parts", attempts: []attempt{
			{name: "missing", header: as(""), want: no},
			{name: "scheme alone", header: as("Bearer"), want: no},
			{name: "token alone", header: as("TOKEN"), want: no},
			{name: "Basic", header: as("Basic TOKEN"), want: no},
			{name: "lower case", header: as("bearer TOKEN"), want: no},
			{name: "upper case", header: as("BEARER TOKEN"), want: no},
			{name: "a colon", header: as("Bearer: TOKEN"), want: no},
			{name: "two blanks", header: as("Bearer  TOKEN"), want: no},
			{name: "a tab", header: as("Bearer\tTOKEN"), want: no},
			{name: "three parts", header: as("Bearer TOKEN x"), want: no},
			{name: "two tokens", header: as("Bearer TOKEN TOKEN"), want: no},
			{name: "a list", header: as("Bearer x, Bearer TOKEN"), want: no},
			{name: "no JWT", header: as("Bearer x"), want: no},
			{name: "an empty JWT", header: as("Bearer .."), want: no},
			{name: "an unsigned part", header: func(token string) string { return "Bearer " + token[:strings.LastIndexByte(token, '.')] }, want: no},
			{name: "exactly so", header: as("Bearer TOKEN"), want: ok},
		}},
		{name: "15 answers 401 to alg none, HS256 with the public key, and any other than RS256, RS384 and RS512", attempts: []attempt{
			{name: "none", token: sandbox.Token{Alg: "none"}, want: no},
			{name: "none of a channel", token: sandbox.Token{Kind: sandbox.ChannelCall, Alg: "none"}, want: no},
			{name: "HS256", token: sandbox.Token{Alg: "HS256", Key: sandbox.KeyPublicBytes}, want: no},
			{name: "HS256 of a channel", token: sandbox.Token{Kind: sandbox.ChannelCall, Alg: "HS256", Key: sandbox.KeyPublicBytes}, want: no},
			{name: "HS384", token: sandbox.Token{Alg: "HS384", Key: sandbox.KeyPublicBytes}, want: no},
			{name: "HS512", token: sandbox.Token{Alg: "HS512", Key: sandbox.KeyPublicBytes}, want: no},
			{name: "PS256", token: sandbox.Token{Alg: "PS256"}, want: no},
			{name: "PS384", token: sandbox.Token{Alg: "PS384"}, want: no},
			{name: "PS512", token: sandbox.Token{Alg: "PS512"}, want: no},
			{name: "RS256", token: sandbox.Token{Alg: "RS256"}, want: ok},
			{name: "RS384", token: sandbox.Token{Alg: "RS384"}, want: ok},
			{name: "RS512", token: sandbox.Token{Alg: "RS512"}, want: ok},
		}},
		{name: "16 answers 401 to a well-formed token signed by an unknown key", attempts: []attempt{
			{name: "under an unknown id", token: sandbox.Token{Key: sandbox.KeyUnknown}, want: no},
			{name: "under a known id", token: sandbox.Token{Key: sandbox.KeyStranger}, want: no},
			{name: "version 1", token: sandbox.Token{Kind: sandbox.SkillCallV1, Key: sandbox.KeyStranger}, want: no},
			{name: "of a channel, under an unknown id", token: sandbox.Token{Kind: sandbox.ChannelCall, Key: sandbox.KeyUnknown}, want: no},
			{name: "of a channel, under a known id", token: sandbox.Token{Kind: sandbox.ChannelCall, Key: sandbox.KeyStranger}, want: no},
		}},
		{name: "17 accepts a token that expired 4 minutes ago, refuses one that expired 6 minutes ago, and so for nbf", attempts: []attempt{
			{name: "expired 4 minutes ago", token: sandbox.Token{Claims: claims("exp", ofMinutes(-4))}, want: ok},
			{name: "expired 6 minutes ago", token: sandbox.Token{Claims: claims("exp", ofMinutes(-6))}, want: no},
			{name: "valid in 4 minutes", token: sandbox.Token{Claims: claims("nbf", ofMinutes(4))}, want: ok},
			{name: "valid in 6 minutes", token: sandbox.Token{Claims: claims("nbf", ofMinutes(6))}, want: no},
			{name: "without an expiry", token: sandbox.Token{Claims: claims("exp", nil)}, want: no},
			{name: "of a channel, expired 4 minutes ago", token: sandbox.Token{Kind: sandbox.ChannelCall, Claims: claims("exp", ofMinutes(-4))}, want: ok, owner: skillID},
			{name: "of a channel, expired 6 minutes ago", token: sandbox.Token{Kind: sandbox.ChannelCall, Claims: claims("exp", ofMinutes(-6))}, want: no},
			{name: "of a channel, valid in 6 minutes", token: sandbox.Token{Kind: sandbox.ChannelCall, Claims: claims("nbf", ofMinutes(6))}, want: no},
		}},
	}
}

// issuersOfTokens is about who vouches for a token, and for whom it is.
func (l *ledger) issuersOfTokens() []statement {
	const no = http.StatusUnauthorized
	from := func(kind sandbox.Kind, issuer, tenant string) sandbox.Token {
		return sandbox.Token{Kind: kind, Claims: claims("iss", issuer, "tid", tenant)}
	}
	to := func(kind sandbox.Kind, audience any) sandbox.Token {
		return sandbox.Token{Kind: kind, Claims: claims("aud", audience)}
	}
	const v1, channel = sandbox.SkillCallV1, sandbox.ChannelCall
	return []statement{
		{name: "18 refuses a token whose aud is another app id, on every path", attempts: []attempt{
			{name: "version 2", token: to(sandbox.SkillCall, strangerID), want: no},
			{name: "version 1", token: to(v1, strangerID), want: no},
			{name: "channel", token: to(channel, strangerID), want: no},
			{name: "the copilot's", token: to(sandbox.SkillCall, copilotID), want: no},
			{name: "the copilot's, channel", token: to(channel, copilotID), want: no},
			{name: "the connector's", token: to(sandbox.SkillCall, "https://api.botframework.com"), want: no},
			{name: "a longer one", token: to(sandbox.SkillCall, skillID+"0"), want: no},
			{name: "a URI", token: to(v1, "api://"+skillID), want: no},
			{name: "none", token: to(sandbox.SkillCall, nil), want: no},
			{name: "none, channel", token: to(channel, nil), want: no},
			{name: "a list without ours", token: to(sandbox.SkillCall, []string{strangerID, copilotID}), want: no},
			{name: "our answers' own", token: sandbox.Token{Kind: sandbox.SkillReply}, want: no},
			{name: "the connector's use", token: sandbox.Token{Kind: sandbox.ConnectorUse}, want: no},
		}},
		{name: "19 refuses an issuer that is not on the list", attempts: []attempt{
			{name: "a foreign tenant, version 1", token: from(v1, "https://sts.windows.net/"+strangerID+"/", strangerID), want: no},
			{name: "a foreign tenant, version 2", token: from(sandbox.SkillCall, l.sandbox.URL()+"/entra/"+strangerID+"/v2.0", strangerID), want: no},
			{name: "any tenant", token: from(sandbox.SkillCall, l.sandbox.URL()+"/entra/common/v2.0", tenantID), want: no},
			{name: "version 1 without its slash", token: from(v1, "https://sts.windows.net/"+tenantID, tenantID), want: no},
			{name: "version 2 with a slash", token: from(sandbox.SkillCall, l.sandbox.URL()+"/entra/"+tenantID+"/v2.0/", tenantID), want: no},
			{name: "without https", token: from(v1, "http://sts.windows.net/"+tenantID+"/", tenantID), want: no},
			{name: "somebody", token: from(sandbox.SkillCall, "https://login.evil.example/"+tenantID+"/v2.0", tenantID), want: no},
			{name: "none", token: sandbox.Token{Claims: claims("iss", nil)}, want: no},
			{name: "another cloud's channel", token: sandbox.Token{Kind: channel, Claims: claims("iss", "https://api.botframework.us")}, want: no},
		}},
		{name: "28 verifies no token of the Bot Framework's issuer with Entra's keys, nor the reverse", attempts: []attempt{
			{name: "Entra's issuer, the channel's key", token: sandbox.Token{Key: sandbox.KeyOther}, want: no},
			{name: "Entra's issuer, version 1, the channel's key", token: sandbox.Token{Kind: v1, Key: sandbox.KeyOther}, want: no},
			{name: "the channel's issuer, Entra's key", token: sandbox.Token{Kind: channel, Key: sandbox.KeyOther}, want: no},
			{name: "a skill's claims from the channel's issuer", token: sandbox.Token{Key: sandbox.KeyOther, Claims: claims("iss", "https://api.botframework.com")}, want: no},
			{name: "a channel's claims from Entra's issuer", token: sandbox.Token{
				Kind: channel, Key: sandbox.KeyOther, Claims: claims("iss", l.sandbox.URL()+"/entra/"+tenantID+"/v2.0"),
			}, want: no},
		}},
	}
}
