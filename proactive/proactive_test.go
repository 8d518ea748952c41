package proactive_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sethvargo/go-envconfig"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/internal/jsonhttp"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// A peer records what it is posted and answers as it is told.
type peer struct {
	*httptest.Server
	client *proactive.Client
	issuer *sandbox.Sandbox
	got    chan posted
}

type posted struct{ path, body string }

// start runs a peer that is trusted by a client whose tokens a sandbox issues.
func start(t *testing.T, answer http.HandlerFunc) peer {
	t.Helper()
	p := peer{issuer: sandboxtest.Start(t, sandbox.Config{}), got: make(chan posted, 1)}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.got <- posted{r.RequestURI, string(body)}
		answer(w, r)
	}))
	t.Cleanup(p.Close)
	vars := p.issuer.Env()
	vars["LIAISON_TRUSTED_SERVICE_URLS"] = p.URL + "/*"
	vars["LIAISON_CONNECTIONS_MAP"] = p.URL + "/pvaruntime*=skill," + p.URL + "*=copilot"
	l := envconfig.MapLookuper(vars)
	var cfg auth.Config
	identity, err := auth.ReadIdentity(t.Context(), l, "LIAISON_")
	if err := errors.Join(err, env.Process(t.Context(), l, "LIAISON_", &cfg)); err != nil {
		t.Fatal(err)
	}
	if cfg, err = cfg.Resolve(); err != nil {
		t.Fatal(err)
	}
	credentials, err := auth.NewCredentials(cfg, identity, http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	p.client = &proactive.Client{Credentials: credentials, Base: http.DefaultTransport, Timeout: 30 * time.Second}
	return p
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func to(serviceURL string) proactive.Target {
	return proactive.Target{
		ServiceURL: serviceURL, ChannelID: "msteams", Conversation: activity.Conversation{ID: "a:1"},
		Bot: activity.Account{ID: "28:bot", Name: "Bot"}, User: activity.Account{ID: "29:user"},
	}
}

func TestSendAddressesIDs(t *testing.T) {
	t.Parallel()
	p := start(t, status(http.StatusCreated))
	const odd = `19:a;b@c=d/e%2F?f#g+h &"ü`
	for name, tc := range map[string]struct {
		base, conversation, replyTo string
		outOfTurn                   bool
		want                        string
	}{
		"with a slash":          {"/amer/", "a:1", "", false, "/amer/v3/conversations/a:1/activities"},
		"without a slash":       {"/amer", "a:1", "", false, "/amer/v3/conversations/a:1/activities"},
		"the answered activity": {"/amer/", "a:1", "7|2", false, "/amer/v3/conversations/a:1/activities/7%7C2"},
		"not out of turn":       {"/amer/", "a:1", "7", true, "/amer/v3/conversations/a:1/activities"},
		"odd ids":               {"", odd, odd, false, "/v3/conversations/19:a%3Bb@c=d%2Fe%252F%3Ff%23g+h%20&%22%C3%BC/activities/19:a%3Bb@c=d%2Fe%252F%3Ff%23g+h%20&%22%C3%BC"},
		"a kilobyte, as it is":  {"/x/", strings.Repeat("Aa", 512), "", false, "/x/v3/conversations/" + strings.Repeat("Aa", 512) + "/activities"},
	} {
		target := to(p.URL + tc.base)
		target.Conversation.ID = activity.ConversationID(tc.conversation)
		_, err := p.client.Send(t.Context(), proactive.Post{To: target, ReplyTo: tc.replyTo, OutOfTurn: tc.outOfTurn, Activity: proactive.Notice("x")})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := <-p.got; got.path != tc.want {
			t.Errorf("%s: path is %s\nwant %s", name, got.path, tc.want)
		}
	}
}

// TestSendAddressesBody: who, where and what it answers are the post's; id,
// timestamp and service URL are not an agent's to set.
func TestSendAddressesBody(t *testing.T) {
	t.Parallel()
	p := start(t, status(http.StatusOK))
	a := proactive.Notice("hello")
	a.ID, a.ServiceURL, a.Timestamp = "mine", "https://elsewhere/", time.Now()
	a.From.ID, a.Conversation.ID, a.ChannelID, a.ReplyToID = "x", "y", "z", "0"
	if _, err := p.client.Send(t.Context(), proactive.Post{To: to(p.URL), ReplyTo: "7", Activity: a}); err != nil {
		t.Fatal(err)
	}
	var got, want map[string]any
	if err := json.Unmarshal([]byte((<-p.got).body), &got); err != nil {
		t.Fatal(err)
	}
	const body = `{"type":"message","text":"hello","textFormat":"plain","channelId":"msteams","replyToId":"7",
		"from":{"id":"28:bot","name":"Bot"},"recipient":{"id":"29:user"},"conversation":{"id":"a:1"}}`
	if err := json.Unmarshal([]byte(body), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestSendTakesAnySuccess(t *testing.T) {
	t.Parallel()
	answers := map[string]http.HandlerFunc{
		"an id":     func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"id":"1"}`) },
		"text":      func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") },
		"empty 200": status(200), "empty 201": status(201), "empty 202": status(202), "empty 204": status(204),
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, answer)
			if _, err := p.client.Send(t.Context(), proactive.Post{To: to(p.URL), Activity: proactive.Notice("x")}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSendAsksForTheTargetsToken: a connector and a skill host see different
// tokens.
func TestSendAsksForTheTargetsToken(t *testing.T) {
	t.Parallel()
	const host = "aaaaaaaa-0000-4000-8000-000000000001"
	p := start(t, status(http.StatusOK))
	for _, audience := range []string{"", host} {
		target := to(p.URL)
		if target.Audience = audience; audience != "" {
			target.ServiceURL = p.URL + "/pvaruntime/"
		}
		if _, err := p.client.Send(t.Context(), proactive.Post{To: target, Activity: proactive.Notice("x")}); err != nil {
			t.Fatal(err)
		}
		<-p.got
	}
	var asked []string
	for _, r := range p.issuer.TokenRequests() {
		asked = append(asked, r.ClientID+" "+r.Scope)
	}
	want := []string{
		host + " https://api.botframework.com/.default",
		"bbbbbbbb-0000-4000-8000-000000000002 " + host + "/.default",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("tokens asked for (-want +got):\n%s", diff)
	}
}

func TestSendKeepsTheVerdict(t *testing.T) {
	t.Parallel()
	p := start(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, "secret-words")
	})
	_, err := p.client.Send(t.Context(), proactive.Post{To: to(p.URL + "/secret-words"), Activity: proactive.Notice("secret-words")})
	e, ok := errors.AsType[*jsonhttp.Error](err)
	if !ok || e.Permanent() || !e.Unavailable() || e.RetryAfter() != 3*time.Second {
		t.Errorf("error is %v", err)
	}
	if strings.Contains(err.Error(), "secret-words") {
		t.Errorf("error tells a secret: %v", err)
	}
}

// TestSendKeepsToTrustedHosts: neither words nor token go anywhere else.
func TestSendKeepsToTrustedHosts(t *testing.T) {
	t.Parallel()
	p := start(t, status(http.StatusOK))
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a stranger was called") }))
	t.Cleanup(stranger.Close)
	for _, url := range []string{stranger.URL, "http://smba.trafficmanager.net/", "https://smba.trafficmanager.net.evil.example/"} {
		_, err := p.client.Send(t.Context(), proactive.Post{To: to(url), Activity: proactive.Notice("x")})
		var refusal interface{ Permanent() bool }
		if !errors.As(err, &refusal) || !refusal.Permanent() {
			t.Errorf("%s: error is %v, want a permanent one", url, err)
		}
	}
	if n := len(p.issuer.TokenRequests()); n > 0 {
		t.Errorf("%d tokens were asked for", n)
	}
}
