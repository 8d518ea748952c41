package auth_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// A door is a verifier in front of a sandbox that calls it.
type door struct {
	sandbox  *sandbox.Sandbox
	verifier *auth.Verifier
	log      *bytes.Buffer
}

func openDoor(t *testing.T, overrides ...map[string]string) *door {
	t.Helper()
	d := &door{sandbox: start(t), log: new(bytes.Buffer)}
	cfg := configure(t, lookuper(d.sandbox.Env(), overrides...))
	var err error
	d.verifier, err = auth.NewVerifier(cfg, http.DefaultTransport, slog.New(slog.NewTextHandler(d.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// teams returns an activity as the connector of Teams sends it.
func (d *door) teams() activity.Activity {
	return activity.Activity{Type: activity.TypeMessage, ChannelID: "msteams", ServiceURL: d.sandbox.URL() + "/teams/"}
}

// verify knocks with a token and returns the caller or the status of the refusal.
func (d *door) verify(t *testing.T, token sandbox.Token, a activity.Activity) (auth.Caller, int) {
	t.Helper()
	return d.knock(t, "Bearer "+sandboxtest.Mint(t, d.sandbox, token), a)
}

func (d *door) knock(t *testing.T, header string, a activity.Activity) (auth.Caller, int) {
	t.Helper()
	caller, err := d.verifier.Verify(t.Context(), header, a)
	if err == nil {
		return caller, http.StatusOK
	}
	if _, token, ok := strings.Cut(header, " "); ok && len(token) > 20 && strings.Contains(err.Error(), token[20:]) {
		t.Errorf("the error repeats the token: %v", err)
	}
	refusal, ok := errors.AsType[*web.Error](err)
	if !ok {
		t.Fatalf("error %v (%T), want a *web.Error", err, err)
	}
	return caller, refusal.Status
}

func claims(pairs ...any) map[string]any {
	all := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i].(string)] = pairs[i+1]
	}
	return all
}

func ago(minutes int) int64 { return time.Now().Add(-time.Duration(minutes) * time.Minute).Unix() }

func TestVerify_callers(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	host := auth.Caller{Kind: auth.Skill, AppID: copilot, Audience: skill, Tenant: tenant}
	for name, test := range map[string]struct {
		token sandbox.Token
		want  auth.Caller
	}{
		"skill host, version 2":     {sandbox.Token{Kind: sandbox.SkillCall}, host},
		"skill host, version 1":     {sandbox.Token{Kind: sandbox.SkillCallV1}, host},
		"skill host, upper case":    {sandbox.Token{Claims: claims("azp", strings.ToUpper(copilot), "aud", strings.ToUpper(skill))}, host},
		"skill host without tenant": {sandbox.Token{Claims: claims("tid", nil)}, host},
		"skill host, two audiences": {sandbox.Token{Claims: claims("aud", []string{foreign, skill})}, host},
		"skill host, RS384":         {sandbox.Token{Alg: "RS384"}, host},
		"skill host, RS512":         {sandbox.Token{Alg: "RS512"}, host},
		"expired four minutes ago":  {sandbox.Token{Claims: claims("exp", ago(4))}, host},
		"valid in four minutes":     {sandbox.Token{Claims: claims("nbf", ago(-4))}, host},
		"without nbf":               {sandbox.Token{Claims: claims("nbf", nil)}, host},
		"Teams":                     {sandbox.Token{Kind: sandbox.ChannelCall}, auth.Caller{Kind: auth.Channel, Audience: skill}},
		"Teams, other case, no slash": {
			sandbox.Token{Kind: sandbox.ChannelCall, Claims: claims("serviceurl", strings.ToUpper(d.sandbox.URL())+"/TEAMS")},
			auth.Caller{Kind: auth.Channel, Audience: skill},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, status := d.verify(t, test.token, d.teams())
			if status != http.StatusOK {
				t.Fatalf("refused with %d", status)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestVerify_refuses(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	const channel = sandbox.ChannelCall
	for name, test := range map[string]struct {
		token sandbox.Token
		want  int
	}{
		"unsigned":                          {sandbox.Token{Alg: "none"}, 401},
		"unsigned, channel":                 {sandbox.Token{Kind: channel, Alg: "none"}, 401},
		"the public key as a secret":        {sandbox.Token{Alg: "HS256", Key: sandbox.KeyPublicBytes}, 401},
		"PS256":                             {sandbox.Token{Alg: "PS256"}, 401},
		"a stranger's key under a known id": {sandbox.Token{Key: sandbox.KeyStranger}, 401},
		"an unknown key":                    {sandbox.Token{Key: sandbox.KeyUnknown}, 401},
		"the Bot Connector's key for an Entra issuer": {sandbox.Token{Key: sandbox.KeyOther}, 401},
		"Entra's key for the Bot Connector's issuer":  {sandbox.Token{Kind: channel, Key: sandbox.KeyOther}, 401},
		"expired six minutes ago":                     {sandbox.Token{Claims: claims("exp", ago(6))}, 401},
		"expired six minutes ago, channel":            {sandbox.Token{Kind: channel, Claims: claims("exp", ago(6))}, 401},
		"no expiry":                                   {sandbox.Token{Claims: claims("exp", nil)}, 401},
		"valid in six minutes":                        {sandbox.Token{Claims: claims("nbf", ago(-6))}, 401},
		"another audience":                            {sandbox.Token{Claims: claims("aud", foreign)}, 401},
		"another audience, channel":                   {sandbox.Token{Kind: channel, Claims: claims("aud", foreign)}, 401},
		"no audience":                                 {sandbox.Token{Claims: claims("aud", nil)}, 401},
		"a foreign tenant, version 1": {
			sandbox.Token{Kind: sandbox.SkillCallV1, Claims: claims("iss", "https://sts.windows.net/"+foreign+"/", "tid", foreign)}, 401,
		},
		"a foreign tenant, version 2": {
			sandbox.Token{Claims: claims("iss", d.sandbox.URL()+"/entra/"+foreign+"/v2.0", "tid", foreign)}, 401,
		},
		"version 1 issuer without slash": {
			sandbox.Token{Kind: sandbox.SkillCallV1, Claims: claims("iss", "https://sts.windows.net/"+tenant)}, 401,
		},
		"no issuer":                      {sandbox.Token{Claims: claims("iss", nil)}, 401},
		"an app that is not allowed":     {sandbox.Token{Claims: claims("azp", foreign)}, 403},
		"no version":                     {sandbox.Token{Claims: claims("ver", nil)}, 401},
		"version 3":                      {sandbox.Token{Claims: claims("ver", "3.0")}, 401},
		"version 2 with version 1's app": {sandbox.Token{Claims: claims("azp", nil, "appid", copilot)}, 401},
		"version 1 with version 2's app": {sandbox.Token{Kind: sandbox.SkillCallV1, Claims: claims("appid", nil, "azp", copilot)}, 401},
		"tenant unlike the issuer's":     {sandbox.Token{Claims: claims("tid", foreign)}, 401},
		"issued to ourselves":            {sandbox.Token{Claims: claims("azp", strings.ToUpper(skill))}, 401},
		"another service URL, channel":   {sandbox.Token{Kind: channel, Claims: claims("serviceurl", "https://evil.example/")}, 401},
		"no service URL, channel":        {sandbox.Token{Kind: channel, Claims: claims("serviceurl", nil)}, 401},
		"a key for another channel":      {sandbox.Token{Kind: channel, Key: sandbox.KeyWebChat}, 403},
		"a key for no channel":           {sandbox.Token{Kind: channel, Key: sandbox.KeyUnendorsed}, 403},
		"claims of other types":          {sandbox.Token{Claims: claims("ver", 2)}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if caller, status := d.verify(t, test.token, d.teams()); status != test.want {
				t.Errorf("status %d (caller %+v), want %d", status, caller, test.want)
			}
		})
	}
}

func TestVerify_refuses_headers(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	token := sandboxtest.Mint(t, d.sandbox, sandbox.Token{})
	for _, header := range []string{
		"", "Bearer", "Bearer ", token, "bearer " + token, "Basic " + token, "Bearer  " + token, "Bearer " + token + " x",
		"Bearer a.b", "Bearer a.b.c", "Bearer ..", "Bearer e30.e30.e30", "Bearer " + token + "." + token,
		"Bearer " + strings.Repeat("x", 20<<10),
	} {
		if _, status := d.knock(t, header, d.teams()); status != http.StatusUnauthorized {
			t.Errorf("%.30q: status %d, want 401", header, status)
		}
	}
}

func TestVerify_refuses_activities(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	for name, test := range map[string]struct {
		kind   sandbox.Kind
		change func(*activity.Activity)
		want   int
	}{
		"a channel's without a service URL":  {sandbox.ChannelCall, func(a *activity.Activity) { a.ServiceURL = "" }, 401},
		"a channel's without a channel":      {sandbox.ChannelCall, func(a *activity.Activity) { a.ChannelID = "" }, 403},
		"a channel's of another channel":     {sandbox.ChannelCall, func(a *activity.Activity) { a.ChannelID = "sms" }, 403},
		"a channel's of a sub-channel":       {sandbox.ChannelCall, func(a *activity.Activity) { a.ChannelID = "msteams:COPILOT" }, 200},
		"a skill host's at an untrusted URL": {sandbox.SkillCall, func(a *activity.Activity) { a.ServiceURL = "https://evil.example/" }, 400},
		"a skill host's without an URL":      {sandbox.SkillCall, func(a *activity.Activity) { a.ServiceURL = "" }, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := d.teams()
			test.change(&a)
			if _, status := d.verify(t, sandbox.Token{Kind: test.kind}, a); status != test.want {
				t.Errorf("status %d, want %d", status, test.want)
			}
		})
	}
}

func TestVerify_allowed_callers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		list string
		want int
	}{
		"listed in upper case":     {foreign + ", " + strings.ToUpper(copilot), 200},
		"any":                      {"*", 200},
		"an empty list refuses":    {"", 403},
		"an empty entry is no one": {",,", 403},
		"a longer id is another":   {copilot + "0", 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := openDoor(t, map[string]string{"LIAISON_ALLOWED_CALLERS": test.list})
			if _, status := d.verify(t, sandbox.Token{}, d.teams()); status != test.want {
				t.Errorf("status %d, want %d", status, test.want)
			}
		})
	}
}

// TestVerify_channels_of_Entra takes Bot Service for the channel it calls for, and
// for no copilot.
func TestVerify_channels_of_Entra(t *testing.T) {
	t.Parallel()
	const service, other = "eeeeeeee-0000-4000-8000-000000000005", "sms"
	d := openDoor(t, map[string]string{"LIAISON_CHANNEL_CALLERS": "," + strings.ToUpper(service)})
	fromService := sandbox.Token{Claims: claims("azp", strings.ToUpper(service))}
	caller, status := d.verify(t, fromService, d.teams())
	if diff := cmp.Diff(auth.Caller{Kind: auth.Channel, Audience: skill}, caller); status != http.StatusOK || diff != "" {
		t.Errorf("status %d, caller (-want +got):\n%s", status, diff)
	}
	elsewhere := d.teams()
	elsewhere.ChannelID = other
	if _, status := d.verify(t, fromService, elsewhere); status != http.StatusForbidden {
		t.Errorf("for %s: status %d, want 403", other, status)
	}
	if _, status := d.verify(t, sandbox.Token{Claims: claims("azp", foreign)}, d.teams()); status != http.StatusForbidden {
		t.Errorf("another app: status %d, want 403", status)
	}
	if caller, _ := d.verify(t, sandbox.Token{}, d.teams()); caller.Kind != auth.Skill {
		t.Errorf("the copilot: %+v, want a skill host", caller)
	}
}

func TestVerify_several_apps_and_tenants(t *testing.T) {
	t.Parallel()
	d := openDoor(t, map[string]string{
		"LIAISON_SKILL_APP_ID": foreign + "," + strings.ToUpper(skill),
		"LIAISON_TENANT_ID":    foreign + "," + strings.ToUpper(tenant),
	})
	if caller, status := d.verify(t, sandbox.Token{}, d.teams()); status != http.StatusOK || caller.Tenant != tenant {
		t.Errorf("status %d, caller %+v", status, caller)
	}
	if caller, status := d.verify(t, sandbox.Token{Claims: claims("aud", foreign)}, d.teams()); status != http.StatusOK || caller.Audience != foreign {
		t.Errorf("own bot: status %d, caller %+v", status, caller)
	}
}

func TestVerify_nothing_configured_refuses_everybody(t *testing.T) {
	t.Parallel()
	d := openDoor(t, map[string]string{"LIAISON_SKILL_APP_ID": "", "LIAISON_TENANT_ID": "", "LIAISON_ALLOWED_CALLERS": "*"})
	for _, kind := range []sandbox.Kind{sandbox.SkillCall, sandbox.SkillCallV1, sandbox.ChannelCall} {
		if _, status := d.verify(t, sandbox.Token{Kind: kind}, d.teams()); status != http.StatusUnauthorized {
			t.Errorf("kind %d: status %d, want 401", kind, status)
		}
	}
}
