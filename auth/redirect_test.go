package auth_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/proactive"
)

// A decoy sends whoever comes on to somebody else, and keeps what it was shown.
type decoy struct {
	*httptest.Server
	mu    sync.Mutex
	shown string
}

// startDecoy redirects what path begins with, and answers the rest with body.
func startDecoy(t *testing.T, status int, path, to string, body func(d *decoy) string) *decoy {
	t.Helper()
	d := new(decoy)
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, path) {
			_, _ = io.WriteString(w, body(d))
			return
		}
		sent, _ := io.ReadAll(r.Body)
		d.mu.Lock()
		d.shown += r.Method + " " + r.URL.Path + " " + r.Header.Get("Authorization") + " " + string(sent) + "\n"
		d.mu.Unlock()
		w.Header().Set("Location", to+r.URL.Path)
		w.WriteHeader(status)
	}))
	t.Cleanup(d.Close)
	return d
}

// demand ends a test of a leg: its call failed although the decoy was shown what
// it wants, and nobody else was shown anything.
func (d *decoy) demand(t *testing.T, evil *attacker, want string, err error) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil || !strings.Contains(d.shown, want) {
		t.Errorf("error %v; the decoy was shown %.200q, want %q", err, d.shown, want)
	}
	if _, got := evil.took(); len(got) > 0 {
		t.Errorf("%d requests went on", len(got))
	}
}

// everyRedirect runs test with every status that asks to go on.
func everyRedirect(t *testing.T, test func(t *testing.T, status int, evil *attacker)) {
	t.Helper()
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			test(t, status, startAttacker(t))
		})
	}
}

func TestRedirect_by_a_connector_or_skill_host(t *testing.T) {
	t.Parallel()
	s := start(t)
	everyRedirect(t, func(t *testing.T, status int, evil *attacker) {
		t.Helper()
		for _, audience := range []string{"", copilot} {
			d := startDecoy(t, status, "/", evil.plain.URL, nil)
			c := credentials(t, lookuper(s.Env(), map[string]string{
				"LIAISON_TRUSTED_SERVICE_URLS": d.URL, "LIAISON_CONNECTIONS_MAP": "*=copilot",
			}))
			client := &proactive.Client{Credentials: c, Base: http.DefaultTransport, Timeout: 10 * time.Second}
			_, err := client.Send(t.Context(), proactive.Post{
				To:       proactive.Target{ServiceURL: d.URL, Audience: audience, Conversation: activity.Conversation{ID: "a:1"}},
				Activity: activity.Activity{Type: activity.TypeMessage, Text: "hello"},
			})
			d.demand(t, evil, "POST /v3/conversations/a:1/activities Bearer ey", err)
		}
	})
}

func TestRedirect_by_the_token_endpoint(t *testing.T) {
	t.Parallel()
	s := start(t)
	everyRedirect(t, func(t *testing.T, status int, evil *attacker) {
		t.Helper()
		d := startDecoy(t, status, "/", evil.plain.URL, nil)
		c := credentials(t, lookuper(s.Env(), map[string]string{"LIAISON_ENTRA_URL": d.URL}))
		token, err := c.Token(t.Context(), s.URL()+"/teams/", "")
		if _, ok := errors.AsType[*auth.TokenError](err); !ok || token != "" {
			t.Errorf("token %.5q, error %v (%T), want a *TokenError", token, err, err)
		}
		d.demand(t, evil, "client_secret=copilot-pa55word", err)
	})
}

// TestRedirect_by_the_keys: elsewhere, anybody's keys could be published.
func TestRedirect_by_the_keys(t *testing.T) {
	t.Parallel()
	forger := newNotary(t)
	token := forger.token(t, []byte(`{"alg":"RS256","kid":"k"}`),
		[]byte(`{"iss":"`+fuzzedChannel+`","aud":"`+skill+`","serviceurl":"`+fuzzedURL+`","exp":4102444800}`), true)
	for _, path := range []string{"/channel", "/keys"} {
		everyRedirect(t, func(t *testing.T, status int, evil *attacker) {
			t.Helper()
			d := startDecoy(t, status, path, evil.plain.URL, func(d *decoy) string { return `{"jwks_uri":"` + d.URL + `/keys"}` })
			cfg, err := auth.Config{Cloud: "public", SkillAppID: []string{skill}, ChannelMetadataURL: d.URL + "/channel"}.Resolve()
			if err != nil {
				t.Fatal(err)
			}
			v, err := auth.NewVerifier(cfg, http.DefaultTransport, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			_, err = v.Verify(t.Context(), "Bearer "+token, activity.Activity{ChannelID: "msteams", ServiceURL: fuzzedURL})
			if refusal, ok := errors.AsType[*web.Error](err); !ok || refusal.Status != http.StatusServiceUnavailable {
				t.Errorf("error %v, want a 503: there are no keys", err)
			}
			d.demand(t, evil, "GET "+path, err)
		})
	}
}

func TestRedirect_by_the_managed_identity(t *testing.T) { //nolint:paralleltest // the environment is the process's
	p, _ := onPlatform(t)
	evil := startAttacker(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		p.mu.Lock()
		p.status, p.header, p.asked = status, http.Header{"Location": {evil.plain.URL}}, nil
		p.mu.Unlock()
		c := credentials(t, lookuper(p.sandbox.Env(), only("MANAGED_IDENTITY", copilot), map[string]string{"LIAISON_CONNECTION_COPILOT_CLIENT_ID": ""}))
		_, err := c.Token(t.Context(), p.sandbox.URL()+"/teams/", "")
		if _, got := evil.took(); err == nil || len(got) > 0 || len(p.asked) != 1 {
			t.Errorf("%d: error %v, asked %q, %d requests went on", status, err, p.asked, len(got))
		}
	}
}
