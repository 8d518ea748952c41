package sandbox_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

const (
	desk     = "dddddddd-0000-4000-8000-000000000004"
	deskURL  = "http://127.0.0.1:9" // nobody listens there
	callback = deskURL + "/auth/callback"
	verifier = "a-verifier-of-forty-three-characters-or-more"
)

func startWithDesk(tb testing.TB) *sandbox.Sandbox {
	tb.Helper()
	s := start(tb, sandbox.Config{DeskAppID: desk, DeskSecret: "desk's secret"})
	s.SetDeskURL(deskURL + "/")
	return s
}

// question is what the desk asks of Entra.
func question() url.Values {
	challenge := sha256.Sum256([]byte(verifier))
	return url.Values{
		"client_id": {desk}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid profile"}, "state": {"s&\"><b>"},
		"nonce": {"n"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
}

// a browser that stays where the desk would take over.
func browser(tb testing.TB) sandboxtest.Browser {
	tb.Helper()
	b := sandboxtest.NewBrowser(tb)
	b.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return b
}

func authorizeURL(s *sandbox.Sandbox, q url.Values) string {
	return s.URL() + "/entra/" + tenant + "/oauth2/v2.0/authorize?" + q.Encode()
}

// signIn chooses somebody and returns what the desk would be told.
func signIn(tb testing.TB, s *sandbox.Sandbox, name string) url.Values {
	tb.Helper()
	b := browser(tb)
	p := b.Pick(b.Open(authorizeURL(s, question())), name)
	to, err := url.Parse(p.Header.Get("Location"))
	if err != nil || p.Status != http.StatusFound || to.Scheme+"://"+to.Host+to.Path != callback {
		tb.Fatalf("status %d to %s", p.Status, to)
	}
	return to.Query()
}

func redemption(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {desk}, "client_secret": {"desk's secret"},
		"code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
	}
}

func TestSignInGivesATokenAnOpenIDClientAccepts(t *testing.T) {
	t.Parallel()
	s := startWithDesk(t)
	for _, name := range sandbox.Agents() {
		back := signIn(t, s, name)
		if back.Get("state") != `s&"><b>` {
			t.Errorf("state is %q", back.Get("state"))
		}
		status, body := postForm(t, s.URL()+"/entra/"+tenant+"/oauth2/v2.0/token", redemption(back.Get("code")))
		var answer struct {
			Type string `json:"token_type"`
			ID   string `json:"id_token"`
		}
		if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
			t.Fatalf("status %d %s", status, body)
		}
		claims := verified(t.Context(), t, provider(t, s).Verifier(&oidc.Config{ClientID: desk}), answer.ID)
		first, last, _ := strings.Cut(strings.ToLower(name), " ")
		got := []any{answer.Type, claims["name"], claims["preferred_username"], claims["nonce"], claims["tid"], claims["ver"]}
		if diff := cmp.Diff([]any{"Bearer", name, first + last[:1] + "@contoso.com", "n", tenant, "2.0"}, got); diff != "" {
			t.Error(diff)
		}
		if claims["sub"] == "" || claims["oid"] == "" || claims["sub"] == claims["oid"] {
			t.Errorf("sub %v, oid %v", claims["sub"], claims["oid"])
		}
	}
	for _, r := range append(s.Requests(sandbox.Entra), s.Requests(sandbox.SignIn)...) {
		if text := string(r.Body) + r.Path; strings.Contains(text, "secret") || strings.Contains(text, "code=") || strings.Contains(text, verifier) {
			t.Errorf("the record holds what opens doors: %s", text)
		}
	}
}

func TestSignInRefusesOnItsOwnPage(t *testing.T) {
	t.Parallel()
	s := startWithDesk(t)
	for name, tc := range map[string]struct{ member, value, text string }{
		"a foreign redirect":           {"redirect_uri", "http://evil.example/auth/callback", "AADSTS50011"},
		"a redirect that begins alike": {"redirect_uri", callback + "/more", "AADSTS50011"},
		"another path of the desk":     {"redirect_uri", deskURL + "/", "AADSTS50011"},
		"no redirect":                  {"redirect_uri", "", "AADSTS50011"},
		"an app that signs nobody in":  {"client_id", skill, "AADSTS700016"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := question()
			q.Set(tc.member, tc.value)
			p := browser(t).Open(authorizeURL(s, q))
			if p.Status != http.StatusBadRequest || !strings.Contains(p.Text, tc.text) || p.Header.Get("Location") != "" || strings.Contains(p.Text, "<form") {
				t.Errorf("status %d, to %q: %s", p.Status, p.Header.Get("Location"), p.Text)
			}
			status, body := postForm(t, strings.Split(authorizeURL(s, q), "?")[0], q)
			if status != http.StatusBadRequest || !strings.Contains(string(body), tc.text) {
				t.Errorf("posted: status %d", status)
			}
		})
	}
}

func TestSignInTellsTheDeskWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := startWithDesk(t)
	for name, tc := range map[string]struct{ member, value, code string }{
		"another flow":        {"response_type", "id_token", "unsupported_response_type"},
		"no openid":           {"scope", "profile", "invalid_scope"},
		"no challenge":        {"code_challenge", "", "invalid_request"},
		"a plain challenge":   {"code_challenge_method", "plain", "invalid_request"},
		"nobody may be asked": {"prompt", "none", "interaction_required"},
	} {
		q := question()
		q.Set(tc.member, tc.value)
		to, err := url.Parse(browser(t).Open(authorizeURL(s, q)).Header.Get("Location"))
		if err != nil || to.Query().Get("error") != tc.code || to.Query().Get("state") != q.Get("state") {
			t.Errorf("%s: sent to %s", name, to)
		}
	}
	if back := signIn(t, s, ""); back.Get("error") != "access_denied" || back.Has("code") {
		t.Errorf("cancelled: %v", back)
	}
}

func TestACodeServesOnceAndItsOwner(t *testing.T) {
	t.Parallel()
	s := startWithDesk(t)
	token := s.URL() + "/entra/" + tenant + "/oauth2/v2.0/token"
	for name, tc := range map[string]struct {
		change url.Values
		code   string
	}{
		"another verifier":   {url.Values{"code_verifier": {"another"}}, "invalid_grant"},
		"no verifier":        {url.Values{"code_verifier": {""}}, "invalid_grant"},
		"another redirect":   {url.Values{"redirect_uri": {deskURL + "/"}}, "invalid_grant"},
		"another app":        {url.Values{"client_id": {skill}, "client_secret": {"skill's secret & more"}}, "invalid_grant"},
		"a code of no one's": {url.Values{"code": {"guess"}}, "invalid_grant"},
		"a wrong secret":     {url.Values{"client_secret": {"guess"}}, "invalid_client"},
		"no secret":          {url.Values{"client_secret": {""}}, "invalid_client"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := redemption(signIn(t, s, "Adele Vance").Get("code"))
			bad := maps.Clone(good)
			maps.Copy(bad, tc.change)
			if status, body := postForm(t, token, bad); status/100 != 4 || !strings.Contains(string(body), `"`+tc.code+`"`) {
				t.Errorf("status %d %s, want %s", status, body, tc.code)
			}
			// What was tried in vain by an app that is one is spent; a stranger spends nothing.
			status, _ := postForm(t, token, good)
			spent := tc.code == "invalid_grant" && !tc.change.Has("code")
			if (status == http.StatusBadRequest) != spent {
				t.Errorf("afterwards: status %d, spent %t", status, spent)
			}
			if status, _ := postForm(t, token, good); status != http.StatusBadRequest {
				t.Errorf("once more: status %d", status)
			}
		})
	}
	form := redemption("")
	form.Set("grant_type", "client_credentials")
	if status, body := postForm(t, token, form); status != http.StatusBadRequest || !strings.Contains(string(body), "unauthorized_client") {
		t.Errorf("the desk for itself: %d %s", status, body)
	}
}

func TestSignInPageIsClosedToScriptsAndFrames(t *testing.T) {
	t.Parallel()
	s := startWithDesk(t)
	q := question()
	q.Set("person", "injected")
	p := browser(t).Open(authorizeURL(s, q))
	want := "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' " + deskURL
	if got := p.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("policy is %q, want %q", got, want)
	}
	for _, bad := range []string{"<b>\"", `s&"`, "<script", "style=", "injected"} {
		if strings.Contains(p.Text, bad) {
			t.Errorf("the page contains %s", bad)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, strings.Split(authorizeURL(s, q), "?")[0], strings.NewReader(q.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	if status, _ := do(t, req); status != http.StatusForbidden {
		t.Errorf("another site chooses: status %d", status)
	}
}

func TestSignOutLeadsBackToTheDeskOnly(t *testing.T) {
	t.Parallel()
	s := startWithDesk(t)
	out := s.URL() + "/entra/" + tenant + "/oauth2/v2.0/logout?post_logout_redirect_uri="
	if p := browser(t).Open(out + url.QueryEscape(deskURL+"/")); p.Header.Get("Location") != deskURL+"/" {
		t.Errorf("to %q", p.Header.Get("Location"))
	}
	p := browser(t).Open(out + url.QueryEscape("http://evil.example/"))
	if p.Status != http.StatusOK || p.Header.Get("Location") != "" || !strings.Contains(p.Text, "You signed out") {
		t.Errorf("status %d to %q", p.Status, p.Header.Get("Location"))
	}
}

func TestSignInFailsWhenToldTo(t *testing.T) {
	t.Parallel()
	s := startWithDesk(t)
	s.Fault(sandbox.SignIn, sandbox.Fault{Status: http.StatusServiceUnavailable, Times: 1})
	if p := browser(t).Open(authorizeURL(s, question())); p.Status != http.StatusServiceUnavailable {
		t.Errorf("status %d", p.Status)
	}
	s.BendIDTokens(sandbox.Token{Claims: map[string]any{"nonce": "bent", "name": nil}})
	_, body := postForm(t, s.URL()+"/entra/"+tenant+"/oauth2/v2.0/token", redemption(signIn(t, s, "Adele Vance").Get("code")))
	var answer struct {
		ID string `json:"id_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	claims := verified(t.Context(), t, provider(t, s).Verifier(&oidc.Config{ClientID: desk}), answer.ID)
	if claims["nonce"] != "bent" || claims["name"] != nil || claims["oid"] == nil {
		t.Errorf("claims are %v", claims)
	}
}
