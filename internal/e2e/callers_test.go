package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
)

// callers is about which app calls.
func callers() []statement {
	const no, forbidden, ok = http.StatusUnauthorized, http.StatusForbidden, http.StatusAccepted
	const v1 = sandbox.SkillCallV1
	return []statement{
		{name: "20 accepts v1 and v2 skill tokens of the tenant with an allowed caller", attempts: []attempt{
			{name: "version 1", token: sandbox.Token{Kind: v1}, want: ok},
			{name: "version 2", token: sandbox.Token{}, want: ok},
			{name: "version 1 without tid", token: sandbox.Token{Kind: v1, Claims: claims("tid", nil)}, want: ok},
			{name: "version 2 without tid", token: sandbox.Token{Claims: claims("tid", nil)}, want: ok},
		}},
		{name: "21 refuses a valid skill token whose caller is not allowed", attempts: []attempt{
			{name: "version 1", token: sandbox.Token{Kind: v1, Claims: claims("appid", strangerID)}, want: forbidden},
			{name: "version 2", token: sandbox.Token{Claims: claims("azp", strangerID)}, want: forbidden},
			{name: "a longer id", token: sandbox.Token{Claims: claims("azp", copilotID+"0")}, want: forbidden},
			{name: "a list", token: sandbox.Token{Claims: claims("azp", strangerID+","+copilotID)}, want: forbidden},
			{name: "a star", token: sandbox.Token{Claims: claims("azp", "*")}, want: forbidden},
			{name: "an allowed one in the other version's claim", token: sandbox.Token{Claims: claims("azp", strangerID, "appid", copilotID)}, want: forbidden},
		}},
		{name: "23 compares callers' ids without regard to case", attempts: []attempt{
			{name: "lower case, version 1", token: sandbox.Token{Kind: v1}, want: ok}, // the list has it in upper case
			{name: "lower case, version 2", token: sandbox.Token{}, want: ok},
			{name: "upper case", token: sandbox.Token{Claims: claims("azp", strings.ToUpper(copilotID))}, want: ok},
			{name: "mixed case", token: sandbox.Token{Kind: v1, Claims: claims("appid", "AaAa"+copilotID[4:])}, want: ok},
		}},
	}
}

// claimsOfTokens is about what Entra's tokens must say.
func claimsOfTokens() []statement {
	const no = http.StatusUnauthorized
	const v1 = sandbox.SkillCallV1
	return []statement{
		{name: "24 refuses an Entra token without ver, with ver other than 1.0 and 2.0, or without appid and azp", attempts: []attempt{
			{name: "no ver", token: sandbox.Token{Claims: claims("ver", nil)}, want: no},
			{name: "no ver, with appid", token: sandbox.Token{Kind: v1, Claims: claims("ver", nil)}, want: no},
			{name: "an empty ver", token: sandbox.Token{Kind: v1, Claims: claims("ver", "")}, want: no},
			{name: "3.0", token: sandbox.Token{Claims: claims("ver", "3.0")}, want: no},
			{name: "2", token: sandbox.Token{Claims: claims("ver", "2")}, want: no},
			{name: "a number", token: sandbox.Token{Claims: claims("ver", 2.0)}, want: no},
			{name: "no appid", token: sandbox.Token{Kind: v1, Claims: claims("appid", nil)}, want: no},
			{name: "no azp", token: sandbox.Token{Claims: claims("azp", nil)}, want: no},
			{name: "an empty azp", token: sandbox.Token{Claims: claims("azp", "")}, want: no},
		}},
		{name: "25 refuses appid alone in version 2.0 and azp alone in version 1.0", attempts: []attempt{
			{name: "appid in 2.0", token: sandbox.Token{Claims: claims("azp", nil, "appid", copilotID)}, want: no},
			{name: "azp in 1.0", token: sandbox.Token{Kind: v1, Claims: claims("appid", nil, "azp", copilotID)}, want: no},
			{name: "1.0 by its ver only", token: sandbox.Token{Claims: claims("ver", "1.0")}, want: no},
			{name: "2.0 by its ver only", token: sandbox.Token{Kind: v1, Claims: claims("ver", "2.0")}, want: no},
		}},
		{name: "26 refuses an Entra token whose tid is not the tenant of its iss", attempts: []attempt{
			{name: "version 1", token: sandbox.Token{Kind: v1, Claims: claims("tid", strangerID)}, want: no},
			{name: "version 2", token: sandbox.Token{Claims: claims("tid", strangerID)}, want: no},
			{name: "a longer one", token: sandbox.Token{Claims: claims("tid", tenantID+"0")}, want: no},
		}},
		{name: "27 refuses a token that was issued to its own audience, as the emulator's are", attempts: []attempt{
			{name: "version 1", token: sandbox.Token{Kind: v1, Claims: claims("appid", skillID)}, want: no},
			{name: "version 2", token: sandbox.Token{Claims: claims("azp", skillID)}, want: no},
			{name: "upper case", token: sandbox.Token{Claims: claims("azp", strings.ToUpper(skillID))}, want: no},
		}},
	}
}

// bodies is about what the activity says of its sender, which counts for nothing,
// and of where it wants its answer.
func (l *ledger) bodies() []statement {
	const no, forbidden, bad, ok = http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest, http.StatusAccepted
	var hostile []attempt
	for _, serviceURL := range append(hostileURLs(), "https://signed.evil.example/x?sig=canary-signature") {
		hostile = append(hostile, attempt{name: serviceURL, change: claims("serviceUrl", serviceURL), want: bad})
	}
	called := func(id string) map[string]any { return claims("callerId", id) }
	return []statement{
		{name: "33 ignores callerId", attempts: []attempt{
			{name: "of an allowed caller, with a token of another", token: sandbox.Token{Claims: claims("azp", strangerID)}, change: called("urn:botframework:aadappid:" + copilotID), want: forbidden},
			{name: "of Azure, without a good token", token: sandbox.Token{Key: sandbox.KeyStranger}, change: called("urn:botframework:azure"), want: no},
			{name: "of another, with a good token", change: called("urn:botframework:aadappid:" + strangerID), want: ok},
			{name: "of Azure, with a good token", change: called("urn:botframework:azure"), want: ok},
			{name: "of another, of a channel", token: sandbox.Token{Kind: sandbox.ChannelCall}, change: called("urn:botframework:aadappid:" + strangerID), want: ok, owner: skillID},
		}, check: l.sameWithoutCallerID},
		{name: "63 refuses a skill call with a serviceUrl on a host that is not allowed", attempts: hostile},
		{name: "34 writes no token, secret or signed URL to the log", check: func(t *testing.T) {
			t.Helper()
			l.quiet(t, "canary-signature")
		}},
	}
}

// sameWithoutCallerID holds that a callerId is lost when the activity is read,
// and that none was sent on.
func (l *ledger) sameWithoutCallerID(t *testing.T) {
	t.Helper()
	read := func(callerID any) activity.Activity {
		t.Helper()
		body, err := json.Marshal(turn(l.world, "1", claims("callerId", callerID)))
		if err != nil {
			t.Fatal(err)
		}
		a, err := activity.Decode(body)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if diff := cmp.Diff(read(nil), read("urn:botframework:azure")); diff != "" {
		t.Errorf("callerId changes what is read (-without +with):\n%s", diff)
	}
	for _, r := range l.sandbox.Requests(sandbox.SkillHost) {
		if strings.Contains(strings.ToLower(string(r.Body)), "callerid") {
			t.Errorf("a callerId was sent on: %s", r.Body)
		}
	}
	var kept bool
	err := l.db.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM delivery WHERE payload::text ILIKE '%callerid%')`).Scan(&kept)
	if err != nil || kept {
		t.Errorf("a callerId was kept: %t, %v", kept, err)
	}
}

// withoutCallers holds that nobody is allowed unless somebody is named.
func withoutCallers(t *testing.T) {
	t.Helper()
	l := newLedger(t, "LIAISON_ALLOWED_CALLERS=")
	l.hold(t, statement{name: "22 refuses all skill calls when no caller is allowed", attempts: []attempt{
		{name: "version 1", token: sandbox.Token{Kind: sandbox.SkillCallV1}, want: http.StatusForbidden},
		{name: "version 2", token: sandbox.Token{}, want: http.StatusForbidden},
		{name: "an empty caller", token: sandbox.Token{Claims: claims("azp", "")}, want: http.StatusUnauthorized},
		{name: "the channel is no skill host", token: sandbox.Token{Kind: sandbox.ChannelCall}, want: http.StatusAccepted, owner: skillID},
	}})
}
