package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestIssuersRotateKeys: both issuers sign with new keys while everybody talks;
// tokens of the old ones are good as long as those are published.
func TestIssuersRotateKeys(t *testing.T) {
	t.Parallel()
	w := newRollingWorld(t)
	tr := talk(t, w)
	before := sandboxtest.Mint(t, w.sandbox, sandbox.Token{})
	fetched := len(w.sandbox.Requests(sandbox.Keys))
	if err := w.sandbox.AddKeys(); err != nil {
		t.Fatal(err)
	}
	tr.more(8)
	sandboxtest.SignIn(t, w.hub.url(), "Diego Siciliani")
	tr.end()
	head := func(token string) string { return strings.Split(token, ".")[0] }
	if head(before) == head(sandboxtest.Mint(t, w.sandbox, sandbox.Token{})) || len(w.sandbox.Requests(sandbox.Keys)) < fetched+4 {
		t.Error("no key was rotated, or nobody asked for the new ones")
	}
}

// TestIssuersAway: metadata and keys of both issuers cannot be had while everybody
// talks; the last good keys serve, also while somebody makes us ask for others.
func TestIssuersAway(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sandbox.Fault{
		"refuse": {Status: http.StatusServiceUnavailable}, "hang": {Hang: true}, "talk nonsense": {Status: http.StatusOK, Echo: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRollingWorld(t, "LIAISON_DRAIN=1s")
			tr := talk(t, w)
			asked := len(w.sandbox.Requests(sandbox.Keys))
			w.sandbox.Fault(sandbox.Keys, fault)
			for _, kind := range []sandbox.Kind{sandbox.SkillCall, sandbox.ChannelCall} {
				unknown := sandboxtest.Mint(t, w.sandbox, sandbox.Token{Kind: kind, Key: sandbox.KeyUnknown})
				patience := 10 * time.Second
				if fault.Hang {
					patience = 300 * time.Millisecond // the issuer has ten seconds
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				err := tr.post(ctx, http.DefaultClient, w.door.url+"/api/messages", unknown, hello(w.world))
				cancel()
				if err == nil || !fault.Hang && !strings.Contains(err.Error(), "401") {
					t.Errorf("a token of an unknown key: %v", err)
				}
			}
			tr.more(8)
			if got := w.sandbox.Requests(sandbox.Keys); len(got) < asked+2 {
				t.Error("nobody asked the issuers")
			}
			tr.end()
			w.sandbox.ClearFaults(sandbox.Keys)
		})
	}
}

// TestStartWhileIssuersAreAway refuses what it cannot judge and says when to come
// again; it needs no restart.
func TestStartWhileIssuersAreAway(t *testing.T) {
	t.Parallel()
	w := build(t, sandbox.Config{})
	w.sandbox.Fault(sandbox.Keys, sandbox.Fault{Status: http.StatusServiceUnavailable})
	w.service.start()
	t.Cleanup(w.service.stop)
	knock := func(kind sandbox.Kind) (status int, after string) {
		t.Helper()
		raw, err := json.Marshal(hello(w))
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.service.url()+"/api/messages", strings.NewReader(string(raw)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+sandboxtest.Mint(t, w.sandbox, sandbox.Token{Kind: kind}))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("Retry-After")
	}
	kinds := []sandbox.Kind{sandbox.SkillCall, sandbox.ChannelCall}
	for _, kind := range kinds {
		if status, after := knock(kind); status != http.StatusServiceUnavailable || after == "" {
			t.Errorf("kind %d: status %d, Retry-After %q", kind, status, after)
		}
	}
	w.sandbox.ClearFaults(sandbox.Keys)
	for _, kind := range kinds {
		eventually(t, "accepted", func() bool {
			status, _ := knock(kind)
			return status == http.StatusAccepted
		})
	}
}

// TestClockSkew takes tokens and webhooks of clocks that are four minutes off, and
// none of those that are six.
func TestClockSkew(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	for offset, good := range map[time.Duration]bool{4 * time.Minute: true, 6 * time.Minute: false} {
		accepted := map[bool]int{true: http.StatusAccepted, false: http.StatusUnauthorized}[good]
		heard := map[bool]int{true: http.StatusNoContent, false: http.StatusUnauthorized}[good]
		late, early := time.Now().Add(-offset), time.Now().Add(offset)
		for _, kind := range []sandbox.Kind{sandbox.SkillCall, sandbox.SkillCallV1, sandbox.ChannelCall} {
			for name, claims := range map[string]map[string]any{
				"expired": {"exp": late.Unix(), "nbf": late.Add(-time.Hour).Unix()}, "to come": {"nbf": early.Unix(), "iat": early.Unix()},
			} {
				token := sandboxtest.Mint(t, w.sandbox, sandbox.Token{Kind: kind, Claims: claims})
				if got, _ := w.post(t, "/api/messages", token, hello(w)); got != accepted {
					t.Errorf("a token of kind %d that is %s by %s: status %d, want %d", kind, name, offset, got, accepted)
				}
			}
		}
		for name, at := range map[string]time.Time{"late": late, "early": early} {
			body := fmt.Sprintf(`{"conversationId":%q,"message":"%s by %s","sender":"Ada"}`, id, name, offset)
			if got, _ := w.post(t, "/api/livechat/messages", "", []byte(body), sign(name+offset.String(), at, body)...); got != heard {
				t.Errorf("a webhook that is %s by %s: status %d, want %d", name, offset, got, heard)
			}
		}
	}
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "late by 4m")
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "early by 4m")
}

// nextSecret is a webhook secret that follows the world's.
const nextSecret = "whsec_bmV4dC13ZWJob29rLXNlY3JldA=="

// TestWebhookSecretRotates in three rolling restarts: the service knows both, the
// hub signs with the next, the service forgets the old.
func TestWebhookSecretRotates(t *testing.T) {
	t.Parallel()
	w := newRollingWorld(t)
	tr := talk(t, w)
	w.rollService(t, "LIAISON_HUB_CONTOSO_WEBHOOK_SECRET="+secret+","+nextSecret)
	tr.more(4)
	w.rollHub(t, "CONTOSO_WEBHOOK_SECRET="+nextSecret)
	tr.more(4)
	w.rollService(t, "LIAISON_HUB_CONTOSO_WEBHOOK_SECRET="+nextSecret)
	tr.more(4)
	tr.end()
	body := `{"conversationId":"nobody","message":"x","sender":"Ada"}`
	if got, _ := w.post(t, "/api/livechat/messages", "", []byte(body), sign("old", time.Now(), body)...); got != http.StatusUnauthorized {
		t.Errorf("the old secret still convinces: status %d", got)
	}
}

// TestClientSecretsRotate in one rolling restart, between the day Entra ID knows
// the next and the day it forgets the old.
func TestClientSecretsRotate(t *testing.T) {
	t.Parallel()
	w := newRollingWorld(t)
	tr := talk(t, w)
	apps := map[string]string{"COPILOT": copilotID, "SKILL": skillID}
	var next []string
	for name, app := range apps {
		w.sandbox.AcceptSecret(app, "next-"+name)
		next = append(next, "LIAISON_CONNECTION_"+name+"_CLIENT_SECRET=next-"+name)
	}
	w.rollService(t, next...)
	tr.more(4)
	env := w.sandbox.Env()
	for name, app := range apps {
		w.sandbox.RefuseSecret(app, env["LIAISON_CONNECTION_"+name+"_CLIENT_SECRET"])
	}
	asked := len(w.sandbox.TokenRequests())
	w.rollService(t, next...) // without tokens
	tr.more(4)
	tr.end()
	if requests := w.sandbox.TokenRequests(); len(requests) == asked || requests[len(requests)-1].Status != http.StatusOK {
		t.Error("nobody got a token with the next secret")
	}
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {skillID}, "scope": {copilotID + "/.default"},
		"client_secret": {env["LIAISON_CONNECTION_SKILL_CLIENT_SECRET"]},
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/entra/"+tenantID+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp := httptest.NewRecorder()
	w.sandbox.Handler().ServeHTTP(resp, req)
	if resp.Code != http.StatusUnauthorized {
		t.Errorf("the old secret still gets a token: status %d", resp.Code)
	}
}

// TestTokenIsRevoked: a peer that refuses a token gets another, and nobody sees
// anything of it.
func TestTokenIsRevoked(t *testing.T) {
	t.Parallel()
	w := newRollingWorld(t)
	tr := talk(t, w)
	asked := len(w.sandbox.TokenRequests())
	w.sandbox.Fault(sandbox.Connector, sandbox.Fault{Status: http.StatusUnauthorized, Code: "Unauthorized", Times: 1})
	tr.more(4)
	tr.end()
	if got := len(w.sandbox.TokenRequests()); got != asked+1 {
		t.Errorf("%d tokens were asked for, want one", got-asked)
	}
	if strings.Contains(w.log.String(), "attempt did not deliver") {
		t.Error("an attempt failed")
	}
}

// TestAPIKeyRotates in three rolling restarts: the hub knows both, the service
// sends the next, the hub forgets the old.
func TestAPIKeyRotates(t *testing.T) {
	t.Parallel()
	w := newRollingWorld(t)
	tr := talk(t, w)
	const next = "next-api-key"
	w.rollHub(t, "CONTOSO_API_KEY="+apiKey+","+next)
	tr.more(4)
	w.rollService(t, "LIAISON_HUB_CONTOSO_API_KEY="+next)
	tr.more(4)
	w.rollHub(t, "CONTOSO_API_KEY="+next)
	tr.more(4)
	tr.end()
	for key, want := range map[string]int{apiKey: http.StatusUnauthorized, next: http.StatusOK} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.hub.url()+"/api/chat/messages", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-API-Key", key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: status %d, want %d", key, resp.StatusCode, want)
		}
	}
}
