package contoso_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/sethvargo/go-envconfig"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

const adele = "Adele Vance"

// An office is a hub whose agents sign in at a sandbox.
type office struct {
	hub
	db     *pgxpool.Pool
	issuer *sandbox.Sandbox
}

// openOffice runs one; pairs are settings beside those of the sandbox.
func openOffice(tb testing.TB, cfg sandbox.Config, pairs ...string) office {
	tb.Helper()
	issuer := sandboxtest.Start(tb, cfg)
	settings := issuer.DeskEnv()
	for i := 0; i < len(pairs); i += 2 {
		settings[pairs[i]] = pairs[i+1]
	}
	settings["CONTOSO_WEBHOOK_URL"] = "http://127.0.0.1:1/"
	var config contoso.Config
	if err := env.Process(tb.Context(), envconfig.MapLookuper(settings), "", &config); err != nil {
		tb.Fatal(err)
	}
	db := pgtest.DB(tb, contoso.Schema())
	o := office{hub: run(tb, db, config), db: db, issuer: issuer}
	issuer.SetDeskURL(o.url)
	return o
}

// as makes a call with a browser's cookies.
func (o office) as(tb testing.TB, client *http.Client, c call) answer {
	tb.Helper()
	at, err := url.Parse(o.url)
	if err != nil {
		tb.Fatal(err)
	}
	with := http.Header{}
	maps.Copy(with, c.header)
	for _, cookie := range client.Jar.Cookies(at) {
		with.Add("Cookie", cookie.Name+"="+cookie.Value)
	}
	c.header = with
	return o.do(tb, c)
}

func (o office) me(tb testing.TB, client *http.Client) answer {
	tb.Helper()
	return o.as(tb, client, call{method: http.MethodGet, path: "/api/desk/me"})
}

func TestSignIn_the_token_names_the_agent(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]sandbox.Config{"with a secret": {}, "public client": {DeskPublic: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := openOffice(t, cfg)
			agent := sandboxtest.SignIn(t, o.url, adele)
			if got := o.me(t, agent); got.status != 200 || got.text != `{"name":"Adele Vance","signedIn":true}` {
				t.Fatalf("me is %v", got)
			}
			id := o.open(t, "")
			for _, c := range []call{
				{path: "/api/desk/conversations/" + id + "/messages", body: `{"message":"one","sender":"The Boss"}`},
				{path: "/api/chat/send", body: `{"conversationId":"` + id + `","message":"two","sender":"The Boss"}`},
				{path: "/api/desk/conversations/" + id + "/end", body: `{"sender":"The Boss"}`},
			} {
				if got := o.as(t, agent, c); got.status/100 != 2 {
					t.Errorf("%s: %v", c.path, got)
				}
			}
			for _, line := range o.messages(t, "?system=true&conversationId="+id) {
				if line.Sender != adele {
					t.Errorf("%q is by %q, want the token's name", line.Message, line.Sender)
				}
			}
		})
	}
}

func TestSignIn_nobody_else_gets_in(t *testing.T) {
	t.Parallel()
	o := openOffice(t, sandbox.Config{}, "CONTOSO_API_KEY", "right")
	for _, c := range []call{
		{method: "GET", path: "/api/desk/me"},
		{method: "GET", path: "/api/desk/conversations"},
		{method: "GET", path: "/api/desk/events"},
		{method: "GET", path: "/api/desk/files/x"},
		{path: "/api/desk/presence", body: "{}"},
		{path: "/api/desk/conversations/x/join"},
		{path: "/api/desk/conversations/x/transfer", body: "{}"},
		{path: "/api/desk/conversations/x/files?name=x", body: "x"},
		{method: "PUT", path: "/api/desk/conversations/x/messages/y", body: "{}"},
		{method: "DELETE", path: "/api/desk/conversations/x/messages/y"},
		{path: "/api/desk/conversations/x/messages", body: "{}"},
		{path: "/api/desk/conversations/x/messages", body: "{}", header: header("X-API-Key", "right")},
		{method: "GET", path: "/api/desk/me", header: header("Cookie", "contoso-desk=guess")},
		{method: "GET", path: "/api/desk/me", header: header("Cookie", "contoso-desk=")},
		{method: "GET", path: "/api/chat/messages"},
		{method: "GET", path: "/api/chat/messages", header: header("X-API-Key", "wrong")},
	} {
		if got := o.do(t, c); got.status != http.StatusUnauthorized {
			t.Errorf("%s %v: %v, want 401", c.path, c.header, got)
		}
	}
	agent := sandboxtest.SignIn(t, o.url, adele)
	list := call{method: "GET", path: "/api/chat/messages"}
	if got := o.as(t, agent, list); got.status != 200 {
		t.Errorf("the API with a session: %v", got)
	}
	list.header = header("X-API-Key", "wrong")
	if got := o.as(t, agent, list); got.status != http.StatusUnauthorized {
		t.Errorf("a session and a wrong key: %v, want 401", got)
	}
	if got := o.do(t, call{method: "GET", path: "/"}); got.status != 200 {
		t.Errorf("the page itself: %v", got)
	}
}

func TestSignIn_is_turned_away(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		bend    sandbox.Token
		fault   sandbox.Leg
		status  int
		allowed string
		person  string
		why     string
	}{
		"the person cancels":       {person: "", why: "denied"},
		"another attempt's nonce":  {bend: sandbox.Token{Claims: map[string]any{"nonce": "another"}}, person: adele, why: "failed"},
		"no nonce":                 {bend: sandbox.Token{Claims: map[string]any{"nonce": nil}}, person: adele, why: "failed"},
		"another issuer":           {bend: sandbox.Token{Claims: map[string]any{"iss": "https://evil.example"}}, person: adele, why: "failed"},
		"another audience":         {bend: sandbox.Token{Claims: map[string]any{"aud": "another"}}, person: adele, why: "failed"},
		"ours among others' token": {bend: sandbox.Token{Claims: map[string]any{"aud": []string{"dddddddd-0000-4000-8000-000000000004", "x"}, "azp": "x"}}, person: adele, why: "failed"},
		"an expired token":         {bend: sandbox.Token{Claims: map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}}, person: adele, why: "failed"},
		"a stranger's key":         {bend: sandbox.Token{Key: sandbox.KeyStranger}, person: adele, why: "failed"},
		"no signature":             {bend: sandbox.Token{Alg: "none"}, person: adele, why: "failed"},
		"the public key as secret": {bend: sandbox.Token{Alg: "HS256", Key: sandbox.KeyPublicBytes}, person: adele, why: "failed"},
		"no tokens to be had":      {fault: sandbox.Entra, status: 503, person: adele, why: "failed"},
		"not allowed":              {allowed: "diegos@contoso.com,@example.com", person: adele, why: "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := openOffice(t, sandbox.Config{}, "CONTOSO_OIDC_ALLOWED", tc.allowed)
			o.issuer.BendIDTokens(tc.bend)
			if tc.status != 0 {
				o.issuer.Fault(tc.fault, sandbox.Fault{Status: tc.status})
			}
			b := sandboxtest.NewBrowser(t)
			if at := b.Choose(b.Open(o.url+"/auth/signin"), tc.person); at != o.url+"/?signin="+tc.why {
				t.Errorf("ended at %s, want %s", at, tc.why)
			}
			if got := o.me(t, b.Client); got.status != http.StatusUnauthorized {
				t.Errorf("me is %v, want 401", got)
			}
		})
	}
}

func TestSignIn_waits_for_an_issuer_that_is_down(t *testing.T) {
	t.Parallel()
	o := openOffice(t, sandbox.Config{})
	o.issuer.Fault(sandbox.Keys, sandbox.Fault{Status: http.StatusServiceUnavailable, Times: 1})
	b := sandboxtest.NewBrowser(t)
	if at := b.Open(o.url + "/auth/signin").URL.String(); at != o.url+"/?signin=failed" {
		t.Errorf("ended at %s", at)
	}
	sandboxtest.SignIn(t, o.url, adele)
}

func TestSignIn_an_answer_counts_once_and_in_its_browser(t *testing.T) {
	t.Parallel()
	o := openOffice(t, sandbox.Config{})
	victim, thief := sandboxtest.NewBrowser(t), sandboxtest.NewBrowser(t)
	var callback string // the way back, held up before the desk sees it
	thief.Client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/auth/callback" {
			callback = r.URL.String()
			return http.ErrUseLastResponse
		}
		return nil
	}
	thief.Choose(thief.Open(o.url+"/auth/signin"), "Diego Siciliani")
	thief.Client.CheckRedirect = nil

	late := o.url + "/?signin=late"
	if at := victim.Open(callback).URL.String(); at != late {
		t.Errorf("a browser that began nothing: ended at %s", at)
	}
	victim.Client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.Path, "/entra/") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	begin := func() url.Values {
		to, err := url.Parse(victim.Open(o.url + "/auth/signin").Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		return to.Query()
	}
	begin()
	if at := victim.Open(callback).URL.String(); at != late {
		t.Errorf("another browser's state: ended at %s", at)
	}
	begin()
	if at := victim.Open(o.url + "/auth/callback?code=x").URL.String(); at != late {
		t.Errorf("no state: ended at %s", at)
	}
	stolen, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	with := url.Values{"state": {begin().Get("state")}, "code": {stolen.Query().Get("code")}}
	if at := victim.Open(o.url + "/auth/callback?" + with.Encode()).URL.String(); at != o.url+"/?signin=failed" {
		t.Errorf("another attempt's code: ended at %s, want PKCE to stop it", at)
	}
	if at := thief.Open(callback).URL.String(); at != o.url+"/?signin=failed" {
		t.Errorf("a code that was tried before: ended at %s", at)
	}
	if at := thief.Choose(thief.Open(o.url+"/auth/signin"), adele); at != o.url+"/" {
		t.Fatalf("ended at %s", at)
	}
	if at := thief.Open(callback).URL.String(); at != late {
		t.Errorf("an answer repeated: ended at %s", at)
	}
}

func TestSignIn_asks_for_what_the_flow_needs(t *testing.T) {
	t.Parallel()
	o := openOffice(t, sandbox.Config{})
	b := sandboxtest.NewBrowser(t)
	b.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	seen := map[string]bool{}
	for range 2 {
		to, err := url.Parse(b.Open(o.url + "/auth/signin?other=1").Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		q := to.Query()
		if q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("scope") != "openid profile email" ||
			q.Get("redirect_uri") != o.url+"/auth/callback" || q.Get("prompt") != "select_account" || q.Has("client_secret") {
			t.Errorf("asks %v", q)
		}
		for _, name := range []string{"state", "nonce", "code_challenge"} {
			if v := q.Get(name); len(v) < 22 || seen[v] { // 128 bits take 22 characters of base64
				t.Errorf("%s is %q: too short, or not new", name, v)
			}
			seen[q.Get(name)] = true
		}
	}
	local := strings.Replace(o.url, "127.0.0.1", "localhost", 1)
	if to := b.Open(local + "/auth/signin").Header.Get("Location"); to != o.url+"/auth/signin?here=1" {
		t.Errorf("by another name of this machine: %s", to)
	}
}
