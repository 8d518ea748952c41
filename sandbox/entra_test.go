package sandbox_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

const (
	tenant  = "11111111-1111-4111-8111-111111111111"
	copilot = "aaaaaaaa-0000-4000-8000-000000000001"
	skill   = "bbbbbbbb-0000-4000-8000-000000000002"
)

// start runs a sandbox with fixed identities.
func start(tb testing.TB, cfg sandbox.Config) *sandbox.Sandbox {
	tb.Helper()
	cfg.TenantID, cfg.CopilotAppID, cfg.SkillAppID = tenant, copilot, skill
	cfg.CopilotSecret, cfg.SkillSecret = "copilot's secret", "skill's secret & more"
	return sandboxtest.Start(tb, cfg)
}

// credentials asks for a token as a service does, with the words of Env.
func credentials(s *sandbox.Sandbox, connection, scope string) *clientcredentials.Config {
	env := s.Env()
	name := "LIAISON_CONNECTION_" + connection
	return &clientcredentials.Config{
		ClientID:     env[name+"_CLIENT_ID"],
		ClientSecret: env[name+"_CLIENT_SECRET"],
		TokenURL:     env["LIAISON_ENTRA_URL"] + "/" + env[name+"_TENANT_ID"] + "/oauth2/v2.0/token",
		Scopes:       []string{scope},
		AuthStyle:    oauth2.AuthStyleInParams,
	}
}

// verified returns the claims of a token that an OpenID client accepts.
func verified(ctx context.Context, tb testing.TB, v *oidc.IDTokenVerifier, raw string) map[string]any {
	tb.Helper()
	token, err := v.Verify(ctx, raw)
	if err != nil {
		tb.Fatalf("verify: %v", err)
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		tb.Fatalf("claims: %v", err)
	}
	return claims
}

func provider(tb testing.TB, s *sandbox.Sandbox) *oidc.Provider {
	tb.Helper()
	p, err := oidc.NewProvider(tb.Context(), s.URL()+"/entra/"+tenant+"/v2.0")
	if err != nil {
		tb.Fatalf("discover: %v", err)
	}
	return p
}

func TestEntraIssuesTokensAnOpenIDClientAccepts(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	for _, row := range []struct {
		name, connection, scope, audience, azp string
		style                                  oauth2.AuthStyle
	}{
		{"skill for the copilot", "SKILL", copilot + "/.default", copilot, skill, oauth2.AuthStyleInParams},
		{"copilot for the skill by its URI", "COPILOT", "api://" + skill + "/.default", skill, copilot, oauth2.AuthStyleInParams},
		{"copilot for the connector", "COPILOT", "https://api.botframework.com/.default", "https://api.botframework.com", copilot, oauth2.AuthStyleInParams},
		{"secret in the header", "SKILL", copilot + "/.default", copilot, skill, oauth2.AuthStyleInHeader},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			config := credentials(s, row.connection, row.scope)
			config.AuthStyle = row.style
			token, err := config.Token(t.Context())
			if err != nil {
				t.Fatalf("token: %v", err)
			}
			claims := verified(t.Context(), t, provider(t, s).Verifier(&oidc.Config{ClientID: row.audience}), token.AccessToken)
			got := []any{claims["azp"], claims["ver"], claims["tid"], token.TokenType, claims["appid"]}
			if diff := cmp.Diff([]any{row.azp, "2.0", tenant, "Bearer", nil}, got); diff != "" {
				t.Errorf("azp, ver, tid, type, appid (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEntraIssuesVersion1WhenAskedTo(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	s.UseV1Tokens(true)
	token, err := credentials(s, "SKILL", copilot+"/.default").Token(t.Context())
	if err != nil {
		t.Fatalf("token: %v", err)
	}
	keys := oidc.NewRemoteKeySet(t.Context(), s.URL()+"/entra/"+tenant+"/discovery/v2.0/keys")
	verifier := oidc.NewVerifier("https://sts.windows.net/"+tenant+"/", keys, &oidc.Config{ClientID: copilot})
	claims := verified(t.Context(), t, verifier, token.AccessToken)
	if diff := cmp.Diff([]any{skill, "1.0", nil}, []any{claims["appid"], claims["ver"], claims["azp"]}); diff != "" {
		t.Errorf("appid, ver, azp (-want +got):\n%s", diff)
	}
}

func TestEntraRefuses(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	good := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {skill},
		"client_secret": {"skill's secret & more"}, "scope": {copilot + "/.default"},
	}
	for _, row := range []struct {
		name, tenant, member, value string
		status                      int
		code                        string
	}{
		{"a wrong secret", tenant, "client_secret", "guess", http.StatusUnauthorized, "invalid_client"},
		{"no secret", tenant, "client_secret", "", http.StatusUnauthorized, "invalid_client"},
		{"an unknown app", tenant, "client_id", "cccccccc-0000-4000-8000-000000000003", http.StatusBadRequest, "unauthorized_client"},
		{"a scope without .default", tenant, "scope", copilot, http.StatusBadRequest, "invalid_scope"},
		{"an unknown resource", tenant, "scope", "api://elsewhere/.default", http.StatusBadRequest, "invalid_resource"},
		{"another grant", tenant, "grant_type", "password", http.StatusBadRequest, "unsupported_grant_type"},
		{"another tenant", "22222222-2222-4222-8222-222222222222", "", "", http.StatusBadRequest, "invalid_tenant"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			form := maps.Clone(good)
			if row.member != "" {
				form.Set(row.member, row.value)
			}
			status, body := postForm(t, s.URL()+"/entra/"+row.tenant+"/oauth2/v2.0/token", form)
			var answer struct {
				Error       string `json:"error"`
				Description string `json:"error_description"`
				Token       string `json:"access_token"`
			}
			if err := json.Unmarshal(body, &answer); err != nil {
				t.Fatalf("answer: %v", err)
			}
			if status != row.status || answer.Error != row.code || answer.Token != "" {
				t.Errorf("got %d %s, want %d %s", status, body, row.status, row.code)
			}
			if !strings.HasPrefix(answer.Description, "AADSTS") {
				t.Errorf("description %q has no Entra code", answer.Description)
			}
		})
	}
}

func postForm(tb testing.TB, target string, form url.Values) (int, []byte) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(tb, req)
}

// do sends a request and reads its whole answer.
func do(tb testing.TB, req *http.Request) (int, []byte) {
	tb.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatalf("read answer: %v", err)
	}
	return resp.StatusCode, body
}

func TestTokenRequestsAreRecordedWithoutSecrets(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInParams, oauth2.AuthStyleInHeader} {
		config := credentials(s, "SKILL", copilot+"/.default")
		config.AuthStyle = style
		if _, err := config.Token(t.Context()); err != nil {
			t.Fatalf("token: %v", err)
		}
	}
	if _, err := s.WaitRequests(t.Context(), sandbox.Entra, 2); err != nil {
		t.Fatal(err)
	}
	for _, r := range s.TokenRequests() {
		if r.ClientID != skill || r.Scope != copilot+"/.default" || r.Status != http.StatusOK || r.At.IsZero() {
			t.Errorf("recorded %+v", r)
		}
	}
	for _, r := range s.Requests(sandbox.Entra) {
		if text := string(r.Body); strings.Contains(text, "secret") || r.Header.Get("Authorization") != "" {
			t.Errorf("the record holds a secret: %s %v", text, r.Header)
		}
	}
}

func TestAnAppMayHaveTwoSecretsForAWhile(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	config := credentials(s, "SKILL", copilot+"/.default")
	before := config.ClientSecret
	works := func(secret string) bool {
		config.ClientSecret = secret
		_, err := config.Token(t.Context())
		return err == nil
	}
	got := []bool{works(before), works("next")}
	s.AcceptSecret(skill, "next")
	got = append(got, works(before), works("next"))
	s.RefuseSecret(skill, before)
	got = append(got, works(before), works("next"))
	if diff := cmp.Diff([]bool{true, false, true, true, false, true}, got); diff != "" {
		t.Errorf("old and new secret, before, meanwhile and after (-want +got):\n%s", diff)
	}
}
