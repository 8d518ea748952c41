package contoso_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// cookies are those a browser would send to the desk.
func (o office) cookies(tb testing.TB, client *http.Client) map[string]string {
	tb.Helper()
	at, err := url.Parse(o.url)
	if err != nil {
		tb.Fatal(err)
	}
	all := map[string]string{}
	for _, c := range client.Jar.Cookies(at) {
		all[c.Name] = c.Value
	}
	return all
}

func (o office) exec(tb testing.TB, sql string) {
	tb.Helper()
	if _, err := o.db.Exec(tb.Context(), sql); err != nil {
		tb.Fatal(err)
	}
}

func TestSession_ends_when_it_is_idle_or_old(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		seen, created string
		status        int
	}{
		"seen within a shift":      {"7 hours 59 minutes", "8 hours", 200},
		"idle":                     {"8 hours 1 minute", "9 hours", 401},
		"used for almost a day":    {"0 minutes", "23 hours 59 minutes", 200},
		"used for more than a day": {"0 minutes", "24 hours 1 minute", 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := openOffice(t, sandbox.Config{})
			agent := sandboxtest.SignIn(t, o.url, adele)
			o.exec(t, fmt.Sprintf(`UPDATE contoso.session SET seen_at = now() - interval '%s', created_at = now() - interval '%s'`, tc.seen, tc.created))
			for range 2 { // a session that is over does not come back
				if got := o.me(t, agent); got.status != tc.status {
					t.Errorf("me is %v, want %d", got, tc.status)
				}
			}
		})
	}
}

// What pages do by themselves does not count, and who comes back is told why.
func TestSession_of_a_desk_that_is_left_alone_ends_and_says_so(t *testing.T) {
	t.Parallel()
	o := openOffice(t, sandbox.Config{}, "CONTOSO_SESSION_IDLE", "10m", "CONTOSO_OIDC_SUPERVISORS", "@contoso.com")
	agent := sandboxtest.SignIn(t, o.url, adele)
	id := o.open(t, "")
	for range 2 {
		o.exec(t, `UPDATE contoso.session SET seen_at = seen_at - interval '5 minutes 1 second', created_at = created_at - interval '6 minutes'`)
		for _, c := range []call{
			{path: "/api/desk/presence", body: "{}"},
			{path: "/api/desk/conversations/" + id + "/read"},
			{method: "GET", path: "/api/desk/settings"},
			{method: "GET", path: "/api/desk/supervisor"},
			{method: "GET", path: "/api/desk/conversations/" + id + "/notes"},
			{method: "GET", path: "/api/desk/files/1"},
			{method: "GET", path: "/api/desk/me"},
		} {
			o.as(t, agent, c)
		}
	}
	for range 2 {
		if got := o.me(t, agent); got.status != 401 || got.text != `{"error":"signed out for doing nothing; sign in again"}` {
			t.Errorf("me is %v", got)
		}
	}
}

func TestSession_lasts_while_it_is_used(t *testing.T) {
	t.Parallel()
	o := openOffice(t, sandbox.Config{})
	agent := sandboxtest.SignIn(t, o.url, adele)
	const age = `UPDATE contoso.session SET seen_at = seen_at - interval '7 hours', created_at = created_at - interval '7 hours'`
	for range 3 {
		o.exec(t, age)
		if got := o.as(t, agent, call{method: http.MethodGet, path: "/api/desk/conversations"}); got.status != http.StatusOK {
			t.Fatalf("conversations are %v", got)
		}
	}
}

func TestSession_is_new_at_each_sign_in_and_kept_as_a_hash(t *testing.T) {
	t.Parallel()
	o := openOffice(t, sandbox.Config{})
	b := sandboxtest.NewBrowser(t)
	b.Choose(b.Open(o.url+"/auth/signin"), adele)
	first := o.cookies(t, b.Client)["contoso-desk"]
	o.exec(t, `INSERT INTO contoso.session (id_hash, subject, name, seen_at, created_at)
		VALUES (sha256('old'), 's', 'n', now() - interval '2 days', now() - interval '2 days')`)
	b.Choose(b.Open(o.url+"/auth/signin"), "Diego Siciliani")
	second := o.cookies(t, b.Client)["contoso-desk"]
	if len(first) < 26 || first == second { // 128 bits take 26 characters of base32
		t.Errorf("ids are %q and %q", first, second)
	}
	if got := o.do(t, call{method: "GET", path: "/api/desk/me", header: header("Cookie", "contoso-desk="+first)}); got.status != 401 {
		t.Errorf("the first session: %v, want it gone", got)
	}
	if got := o.me(t, b.Client); got.text != `{"name":"Diego Siciliani","signedIn":true}` {
		t.Errorf("me is %v", got)
	}
	var rows int
	var text string
	if err := o.db.QueryRow(t.Context(), `SELECT count(*), string_agg(s::text, '') FROM contoso.session s`).Scan(&rows, &text); err != nil {
		t.Fatal(err)
	}
	if rows != 1 || strings.Contains(text, second) {
		t.Errorf("%d sessions are kept, want the last one's hash: %s", rows, text)
	}
}

func TestSession_cookies_are_for_the_server_alone(t *testing.T) {
	t.Parallel()
	issuer := sandboxtest.Start(t, sandbox.Config{})
	for name, tc := range map[string]struct {
		public, prefix string
		secure         bool
	}{
		"on this machine": {"", "", false},
		"elsewhere":       {"https://desk.example.com/", "__Host-", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{PublicURL: tc.public, SignIn: contoso.SignIn{
				Issuer: issuer.DeskEnv()["CONTOSO_OIDC_ISSUER"], ClientID: issuer.DeskEnv()["CONTOSO_OIDC_CLIENT_ID"],
			}})
			client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+"/auth/signin", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if len(resp.Cookies()) != 1 {
				t.Fatalf("cookies are %v", resp.Cookies())
			}
			c := resp.Cookies()[0]
			if c.Name != tc.prefix+"contoso-signin" || c.Secure != tc.secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode ||
				c.Path != "/" || c.Domain != "" {
				t.Errorf("the attempt's cookie is %v", c)
			}
			if got := resp.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("the answer may be kept: %q", got)
			}
		})
	}
	o := openOffice(t, sandbox.Config{})
	b := sandboxtest.NewBrowser(t)
	var set []string
	b.Client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		set = append(set, r.Response.Header.Values("Set-Cookie")...)
		return nil
	}
	b.Choose(b.Open(o.url+"/auth/signin"), adele)
	session := set[len(set)-1]
	if !strings.HasPrefix(session, "contoso-desk=") || !strings.HasSuffix(session, "; Path=/; HttpOnly; SameSite=Lax") {
		t.Errorf("the session's cookie is %q", session)
	}
	if left := o.cookies(t, b.Client); len(left) != 1 {
		t.Errorf("after signing in the browser has %v, want the session alone", left)
	}
}

func TestSignOut_ends_the_session_its_streams_and_the_issuers(t *testing.T) {
	t.Parallel()
	o := openOffice(t, sandbox.Config{})
	b := sandboxtest.NewBrowser(t)
	b.Choose(b.Open(o.url+"/auth/signin"), adele)
	stolen := header("Cookie", "contoso-desk="+o.cookies(t, b.Client)["contoso-desk"])

	out := call{path: "/auth/signout", header: header("Sec-Fetch-Site", "cross-site")}
	if got := o.as(t, b.Client, out); got.status != http.StatusForbidden {
		t.Errorf("asked by another site's page: %v, want 403", got)
	}
	if got := o.me(t, b.Client); got.status != http.StatusOK {
		t.Fatalf("me is %v", got)
	}
	ended := make(chan answer, 1)
	go func() { ended <- o.do(t, call{method: "GET", path: "/api/desk/events", header: stolen}) }()
	eventually(t, "the stream to be there", func() bool { return o.me(t, b.Client).status == http.StatusOK })
	out.header = header("Sec-Fetch-Site", "same-origin")
	got := o.as(t, b.Client, out)
	want := o.issuer.URL() + "/entra/11111111-1111-4111-8111-111111111111/oauth2/v2.0/logout?client_id=dddddddd-0000-4000-8000-000000000004" +
		"\\u0026post_logout_redirect_uri=" + url.QueryEscape(o.url+"/")
	if got.status != http.StatusOK || got.text != `{"to":"`+want+`"}` {
		t.Errorf("got %v, want %s", got, want)
	}
	<-ended // or the client's patience fails the test
	if got := o.do(t, call{method: "GET", path: "/api/desk/me", header: stolen}); got.status != http.StatusUnauthorized {
		t.Errorf("the cookie still works: %v", got)
	}
	if at := b.Open(strings.ReplaceAll(want, "\\u0026", "&")).URL.String(); at != o.url+"/" {
		t.Errorf("after signing out at the issuer: %s", at)
	}
	if got := o.do(t, call{path: "/auth/signout"}); got.status != http.StatusOK {
		t.Errorf("signing out without a session: %v", got)
	}
}

func TestWithoutSignIn_this_machine_alone_is_let_in(t *testing.T) {
	t.Parallel()
	open := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	keyed := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{APIKey: "right"})
	for _, tc := range []struct {
		name   string
		at     hub
		path   string
		header http.Header
		status int
	}{
		{"desk", open, "/api/desk/conversations", nil, 200},
		{"desk through a proxy", open, "/api/desk/conversations", header("X-Forwarded-For", "127.0.0.1"), 403},
		{"desk through a tunnel", open, "/api/desk/conversations", header("X-Forwarded-Host", "desk.example.com"), 403},
		{"desk by a name that resolves here", open, "/api/desk/conversations", header("Host", "rebound.example"), 403},
		{"API", open, "/api/chat/messages", nil, 200},
		{"API through a proxy", open, "/api/chat/messages", header("Forwarded", "for=127.0.0.1"), 403},
		{"API by a name that resolves here", open, "/api/chat/messages", header("Host", "rebound.example:80"), 403},
		{"API with its key through a proxy", keyed, "/api/chat/messages", header("X-API-Key", "right", "X-Forwarded-For", "10.0.0.1"), 200},
		{"API without its key", keyed, "/api/chat/messages", nil, 401},
		{"sign-in", open, "/auth/signin", nil, 404},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := tc.at.do(t, call{method: "GET", path: tc.path, header: tc.header})
			if got.status != tc.status || tc.status == 403 && !strings.Contains(got.text, "set CONTOSO_") {
				t.Errorf("got %v, want %d", got, tc.status)
			}
		})
	}
}

// A page follows the events without anybody there.
func TestSession_is_not_kept_alive_by_following(t *testing.T) {
	t.Parallel()
	o := openOffice(t, sandbox.Config{})
	agent := sandboxtest.SignIn(t, o.url, adele)
	o.exec(t, `UPDATE contoso.session SET seen_at = now() - interval '7 hours', created_at = now() - interval '8 hours'`)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, o.url+"/api/desk/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := agent.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	var idle bool
	if err := o.db.QueryRow(t.Context(), `SELECT bool_and(seen_at < now() - interval '6 hours') FROM contoso.session`).Scan(&idle); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || !idle {
		t.Errorf("status %d, still idle: %t", resp.StatusCode, idle)
	}
}
