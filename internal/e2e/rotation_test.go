package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestRotation replaces every key and secret in turn while everybody talks. What
// docs/security.md tells an operator to do is what the steps do.
func TestRotation(t *testing.T) { //nolint:tparallel // the steps come one after the other
	t.Parallel()
	w := newRollingWorld(t)
	tr := startTalking(t, w)
	for _, step := range []struct {
		name   string
		rotate func(t *testing.T, w *rollingWorld, tr *traffic)
	}{
		{"the issuers' keys", rotateKeys},
		{"a token that is refused", rotateToken},
		{"client secrets", rotateClientSecrets},
		{"the webhook secret", rotateWebhookSecret},
		{"the API key", rotateAPIKey},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.rotate(t, w, tr) }) {
			break
		}
	}
	tr.end()
}

// rotateKeys: both issuers sign with new keys. Tokens of the old ones, which tr
// uses on, are good as long as those are published.
func rotateKeys(t *testing.T, w *rollingWorld, tr *traffic) {
	t.Helper()
	key := func() string {
		head, _, _ := strings.Cut(sandboxtest.Mint(t, w.sandbox, sandbox.Token{}), ".")
		return head
	}
	before, fetched := key(), len(w.sandbox.Requests(sandbox.Keys))
	if err := w.sandbox.AddKeys(); err != nil {
		t.Fatal(err)
	}
	tr.more(t, 4)
	sandboxtest.SignIn(t, w.hub.url(), "Diego Siciliani")
	if key() == before || len(w.sandbox.Requests(sandbox.Keys)) < fetched+4 {
		t.Error("no key was rotated, or nobody asked for the new ones")
	}
}

// rotateToken: a peer that refuses a token gets another, and nobody sees anything
// of it.
func rotateToken(t *testing.T, w *rollingWorld, tr *traffic) {
	t.Helper()
	asked, logged := len(w.sandbox.TokenRequests()), len(w.log.String())
	w.sandbox.Fault(sandbox.Connector, sandbox.Fault{Status: http.StatusUnauthorized, Code: "Unauthorized", Times: 1})
	tr.more(t, 4)
	eventually(t, "another token", func() bool { return len(w.sandbox.TokenRequests()) > asked })
	tr.more(t, 2)
	if got := len(w.sandbox.TokenRequests()) - asked; got != 1 {
		t.Errorf("%d tokens were asked for, want one", got)
	}
	if strings.Contains(w.log.String()[logged:], "attempt did not deliver") {
		t.Error("an attempt failed")
	}
}

// rotateClientSecrets in one rolling restart, between the day Entra ID knows the
// next and the day it forgets the old.
func rotateClientSecrets(t *testing.T, w *rollingWorld, tr *traffic) {
	t.Helper()
	apps := map[string]string{"COPILOT": copilotID, "SKILL": skillID}
	for name, app := range apps {
		w.sandbox.AcceptSecret(app, "next-"+name)
		w.environ = append(w.environ, "LIAISON_CONNECTION_"+name+"_CLIENT_SECRET=next-"+name)
	}
	w.rollService(t)
	tr.more(t, 2)
	env := w.sandbox.Env()
	for name, app := range apps {
		w.sandbox.RefuseSecret(app, env["LIAISON_CONNECTION_"+name+"_CLIENT_SECRET"])
	}
	asked := len(w.sandbox.TokenRequests())
	w.rollService(t) // without tokens
	tr.more(t, 2)
	eventually(t, "a token by the next secret", func() bool {
		requests := w.sandbox.TokenRequests()
		return len(requests) > asked && requests[len(requests)-1].Status == http.StatusOK
	})
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

// nextSecret is a webhook secret that follows the world's.
const nextSecret = "whsec_bmV4dC13ZWJob29rLXNlY3JldA=="

// rotateWebhookSecret in three rolling restarts: the service knows both, the hub
// signs with the next, the service forgets the old.
func rotateWebhookSecret(t *testing.T, w *rollingWorld, tr *traffic) {
	t.Helper()
	const variable = "LIAISON_HUB_CONTOSO_WEBHOOK_SECRET="
	w.environ = append(w.environ, variable+secret+","+nextSecret)
	w.rollService(t)
	tr.more(t, 2)
	w.hubSettings = append(w.hubSettings, "CONTOSO_WEBHOOK_SECRET="+nextSecret)
	w.rollHub(t)
	tr.more(t, 2)
	w.environ = append(w.environ, variable+nextSecret)
	w.rollService(t)
	tr.more(t, 2)
	body := `{"conversationId":"nobody","message":"x","sender":"Ada"}`
	if got := status(t, w.service.url()+"/api/livechat/messages", []byte(body), sign("old", time.Now(), body)...); got != http.StatusUnauthorized {
		t.Errorf("the old secret still convinces: status %d", got)
	}
}

// rotateAPIKey in three rolling restarts: the hub knows both, the service sends
// the next, the hub forgets the old.
func rotateAPIKey(t *testing.T, w *rollingWorld, tr *traffic) {
	t.Helper()
	const next = "next-api-key"
	w.hubSettings = append(w.hubSettings, "CONTOSO_API_KEY="+apiKey+","+next)
	w.rollHub(t)
	tr.more(t, 2)
	w.environ = append(w.environ, "LIAISON_HUB_CONTOSO_API_KEY="+next)
	w.rollService(t)
	tr.more(t, 2)
	w.hubSettings = append(w.hubSettings, "CONTOSO_API_KEY="+next)
	w.rollHub(t)
	tr.more(t, 2)
	for key, want := range map[string]int{apiKey: http.StatusUnauthorized, next: http.StatusOK} {
		if got := status(t, w.hub.url()+"/api/chat/messages", nil, "X-API-Key", key); got != want {
			t.Errorf("%s: status %d, want %d", key, got, want)
		}
	}
}
