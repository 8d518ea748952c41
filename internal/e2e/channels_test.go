package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/sandbox"
)

// The tenant of Azure Bot Service from which its tokens of version 3.1 of the
// protocol come, and an app there.
const (
	serviceTenant = "d6d49420-f39b-4df7-a1dc-d59a935871db"
	serviceApp    = "eeeeeeee-0000-4000-8000-000000000005"
)

// channels is about tokens of the Bot Connector, and what they came with.
func (l *ledger) channels() []statement {
	const no, forbidden, ok = http.StatusUnauthorized, http.StatusForbidden, http.StatusAccepted
	teams := l.sandbox.URL() + "/teams/"
	with := func(serviceURL any) sandbox.Token {
		return sandbox.Token{Kind: sandbox.ChannelCall, Claims: claims("serviceurl", serviceURL)}
	}
	by := func(key sandbox.Key) sandbox.Token { return sandbox.Token{Kind: sandbox.ChannelCall, Key: key} }
	return []statement{
		{name: "29 refuses a channel token whose serviceurl is not the activity's, or is missing", attempts: []attempt{
			{name: "another host", token: with("https://smba.trafficmanager.net/teams/"), want: no},
			{name: "another path", token: with(l.sandbox.URL() + "/teams/amer/"), want: no},
			{name: "another port", token: with("http://127.0.0.1:1/teams/"), want: no},
			{name: "missing", token: with(nil), want: no},
			{name: "empty", token: with(""), want: no},
			{name: "both empty", token: with(""), change: claims("serviceUrl", ""), want: no},
			{name: "under another name only", token: sandbox.Token{Kind: sandbox.ChannelCall, Claims: claims("serviceurl", nil, "service_url", teams)}, want: no},
			{name: "another activity's", token: by(sandbox.KeyOwn), change: claims("serviceUrl", l.sandbox.URL()+"/pvaruntime/"), want: no},
			{name: "an activity without one", token: by(sandbox.KeyOwn), change: claims("serviceUrl", nil), want: no},
			{name: "the same", token: with(teams), want: ok, owner: skillID},
			{name: "the same in another case and without a slash", token: with(strings.ToUpper(strings.TrimSuffix(teams, "/"))), want: ok, owner: skillID},
		}},
		{name: "30 answers 403 when the key's endorsements lack the channel, or the key has none", attempts: []attempt{
			{name: "a key for another channel", token: by(sandbox.KeyWebChat), want: forbidden},
			{name: "a key without endorsements", token: by(sandbox.KeyUnendorsed), want: forbidden},
			{name: "another channel's activity", token: by(sandbox.KeyOwn), change: claims("channelId", "sms"), want: forbidden},
			{name: "another case", token: by(sandbox.KeyOwn), change: claims("channelId", "MSTEAMS"), want: forbidden},
			{name: "no channel", token: by(sandbox.KeyOwn), change: claims("channelId", nil), want: no}, // nor is it an activity
			{name: "the channel", token: by(sandbox.KeyOwn), want: ok, owner: skillID},
			{name: "its sub-channel", token: by(sandbox.KeyOwn), change: claims("channelId", "msteams:COPILOT"), want: ok, owner: skillID},
			{name: "a skill call needs none", change: claims("channelId", "msteams:COPILOT"), want: ok},
		}},
	}
}

// entraOfTenants is the sandbox's Entra ID with more tenants: as the real one, it
// signs for all of them with the same keys.
func entraOfTenants(tb testing.TB, l *ledger) string {
	tb.Helper()
	entra, err := url.Parse(l.sandbox.URL() + "/entra")
	if err != nil {
		tb.Fatal(err)
	}
	var self string
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			_, rest, _ := strings.Cut(strings.TrimPrefix(r.In.URL.Path, "/"), "/")
			r.Out.URL.Path = "/" + tenantID + "/" + rest
			r.SetURL(entra)
			r.Out.Header.Del("Accept-Encoding") // else the answer cannot be rewritten
		},
		ModifyResponse: func(resp *http.Response) error {
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			tenant, _, _ := strings.Cut(strings.TrimPrefix(resp.Request.Header.Get("X-Asked-For"), "/"), "/")
			body = bytes.ReplaceAll(body, []byte(entra.String()+"/"+tenantID), []byte(self+"/"+tenant))
			body = bytes.ReplaceAll(body, []byte(entra.String()), []byte(self))
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			resp.Header.Del("Content-Length")
			return nil
		},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("X-Asked-For", r.URL.Path)
		proxy.ServeHTTP(w, r)
	}))
	tb.Cleanup(s.Close)
	self = s.URL
	return self
}

// severalTenants holds the statements with several tenants, another
// cloud's channel, and Bot Service calling with tokens of Entra ID.
func severalTenants(t *testing.T) {
	t.Helper()
	const channelIssuer = "https://api.botframework.us"
	l := buildLedger(t)
	entra := entraOfTenants(t, l)
	l.start(t, "LIAISON_ENTRA_URL="+entra, "LIAISON_CHANNEL_ISSUER="+channelIssuer,
		"LIAISON_TENANT_ID="+strings.ToUpper(serviceTenant)+","+tenantID, "LIAISON_CHANNEL_CALLERS="+serviceApp)

	const no, forbidden, ok = http.StatusUnauthorized, http.StatusForbidden, http.StatusAccepted
	v1 := func(tenant, app string) sandbox.Token {
		return sandbox.Token{Kind: sandbox.SkillCallV1, Claims: claims("iss", "https://sts.windows.net/"+tenant+"/", "tid", tenant, "appid", app)}
	}
	v2 := func(tenant, app string) sandbox.Token {
		return sandbox.Token{Claims: claims("iss", entra+"/"+tenant+"/v2.0", "tid", tenant, "azp", app)}
	}
	split := v2(tenantID, copilotID)
	split.Claims["tid"] = serviceTenant
	l.hold(t, statement{name: "19 refuses an issuer that is not on the list", attempts: []attempt{
		{name: "the sandbox's own Entra", token: sandbox.Token{}, want: no},
		{name: "the public channel's", token: sandbox.Token{Kind: sandbox.ChannelCall}, want: no},
		{name: "a third tenant's, whose keys are the same", token: v2(strangerID, copilotID), want: no},
		{name: "the configured channel's", token: sandbox.Token{Kind: sandbox.ChannelCall, Claims: claims("iss", channelIssuer)}, want: ok, owner: skillID},
	}}, statement{name: "20 accepts v1 and v2 skill tokens of each tenant with an allowed caller", attempts: []attempt{
		{name: "version 1", token: v1(tenantID, copilotID), want: ok},
		{name: "version 2", token: v2(tenantID, copilotID), want: ok},
		{name: "version 1 of the other", token: v1(serviceTenant, copilotID), want: ok},
		{name: "version 2 of the other", token: v2(serviceTenant, copilotID), want: ok},
	}}, statement{name: "26 refuses an Entra token whose tid is another configured tenant than that of its iss", attempts: []attempt{
		{name: "version 2", token: split, want: no},
	}}, statement{name: "35 accepts, where configured, an Entra-issued channel token of a listed service app for msteams", attempts: []attempt{
		{name: "version 1", token: v1(serviceTenant, serviceApp), want: ok, owner: skillID},
		{name: "version 2", token: v2(serviceTenant, serviceApp), want: ok, owner: skillID},
		{name: "a sub-channel", token: v2(serviceTenant, serviceApp), change: claims("channelId", "msteams:COPILOT"), want: ok, owner: skillID},
		{name: "another app of the tenant", token: v2(serviceTenant, strangerID), want: forbidden},
		{name: "another channel", token: v2(serviceTenant, serviceApp), change: claims("channelId", "webchat"), want: forbidden},
		{name: "a tenant that is not configured", token: v2(strangerID, serviceApp), want: no},
		{name: "another serviceUrl", token: v2(serviceTenant, serviceApp), change: claims("serviceUrl", "https://smba.trafficmanager.net.evil.example/"), want: http.StatusBadRequest},
	}})
}
