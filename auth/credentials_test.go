package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/sandbox"
)

// asked returns what the token endpoint was asked, as "client scope".
func asked(s *sandbox.Sandbox) []string {
	var all []string
	for _, r := range s.TokenRequests() {
		all = append(all, r.ClientID+" "+r.Scope)
	}
	return all
}

func TestToken_by_connection_and_scope(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := credentials(t, lookuper(s.Env()))
	for range 3 { // the second and third time from memory
		for serviceURL, audience := range map[string]string{
			s.URL() + "/teams/amer/":                   "",
			s.URL() + "/teams/v3/conversations/a%3Bb/": "",
			s.URL() + "/pvaruntime/api/":               copilot,
		} {
			if token, err := c.Token(t.Context(), serviceURL, audience); err != nil || token == "" {
				t.Fatalf("%s: %q, %v", serviceURL, token, err)
			}
		}
	}
	got := asked(s)
	slices.Sort(got)
	want := []string{copilot + " https://api.botframework.com/.default", skill + " " + copilot + "/.default"}
	if !slices.Equal(got, want) {
		t.Errorf("asked %q, want %q", got, want)
	}
}

func TestToken_scope_of_the_connection_comes_first(t *testing.T) {
	t.Parallel()
	s := start(t)
	scope := "api://" + copilot + "/.default"
	c := credentials(t, lookuper(s.Env(), map[string]string{"LIAISON_CONNECTION_SKILL_SCOPE": scope}))
	if _, err := c.Token(t.Context(), s.URL()+"/pvaruntime/", foreign); err != nil {
		t.Fatal(err)
	}
	if got := asked(s); !slices.Equal(got, []string{skill + " " + scope}) {
		t.Errorf("asked %q", got)
	}
}

func TestToken_first_matching_pattern_serves(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := credentials(t, lookuper(s.Env(), map[string]string{"LIAISON_CONNECTIONS_MAP": s.URL() + "/teams/x*=skill,*=copilot"}))
	for _, path := range []string{"/teams/x/", "/teams/y/"} {
		if _, err := c.Token(t.Context(), s.URL()+path, ""); err != nil {
			t.Fatal(err)
		}
	}
	const scope = " https://api.botframework.com/.default"
	if got := asked(s); !slices.Equal(got, []string{skill + scope, copilot + scope}) {
		t.Errorf("asked %q", got)
	}
}

func TestToken_refused_before_anything_is_asked(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := credentials(t, lookuper(s.Env(), map[string]string{"LIAISON_CONNECTIONS_MAP": s.URL() + "/*=copilot"}))
	for name, test := range map[string]struct {
		url  string
		want any
	}{
		"a foreign host":            {"https://evil.example/teams/", new(*auth.UntrustedError)},
		"no pattern matches":        {"https://smba.trafficmanager.net/teams/", new(*auth.NoConnectionError)},
		"a skill host, app unknown": {s.URL() + "/pvaruntime/", new(*auth.NoConnectionError)},
	} {
		_, err := c.Token(t.Context(), test.url, "")
		if err == nil || !errors.As(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
		permanent, ok := errors.AsType[interface {
			error
			Permanent() bool
		}](err)
		if !ok || !permanent.Permanent() {
			t.Errorf("%s: %v is not permanent", name, err)
		}
	}
	if got := asked(s); len(got) != 0 {
		t.Errorf("asked %q", got)
	}
}

func TestToken_many_at_once_ask_once(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := credentials(t, lookuper(s.Env()))
	s.Fault(sandbox.Entra, sandbox.Fault{Delay: 50 * time.Millisecond})
	var calls sync.WaitGroup
	for range 16 {
		calls.Go(func() {
			if _, err := c.Token(t.Context(), s.URL()+"/teams/", ""); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	if got := asked(s); len(got) != 1 {
		t.Errorf("asked %d times, want once", len(got))
	}
}

func TestToken_a_caller_that_gives_up_spoils_nothing(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := credentials(t, lookuper(s.Env()))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Token(gone, s.URL()+"/teams/", ""); err != nil {
		t.Errorf("the fetch was given up: %v", err)
	}
}

func TestToken_a_failure_is_shared_and_told(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault     sandbox.Fault
		vars      map[string]string
		permanent bool
		after     time.Duration
		text      string
	}{
		"wrong secret":        {vars: map[string]string{"LIAISON_CONNECTION_COPILOT_CLIENT_SECRET": "wr0ng-pa55word"}, permanent: true, text: "fetch token: status 401 invalid_client"},
		"wrong app":           {vars: map[string]string{"LIAISON_CONNECTION_COPILOT_CLIENT_ID": foreign}, permanent: true, text: "fetch token: status 400 unauthorized_client"},
		"throttled":           {fault: sandbox.Fault{Status: 429, RetryAfter: 7 * time.Second}, after: 7 * time.Second, text: "fetch token: status 429"},
		"throttled for a day": {fault: sandbox.Fault{Status: 429, RetryAfter: 24 * time.Hour}, after: 5 * time.Minute, text: "fetch token: status 429"},
		"down":                {fault: sandbox.Fault{Status: 503}, text: "fetch token: status 503"},
		"broken off":          {fault: sandbox.Fault{Reset: true}, text: "fetch token: "},
		"an echo":             {fault: sandbox.Fault{Status: 500, Echo: true}, text: "fetch token: status 500"},
		"an echo, not HTTP":   {fault: sandbox.Fault{Echo: true}, text: "fetch token: answer is not HTTP"},
		"no token":            {fault: sandbox.Fault{EmptyBody: true}, text: "fetch token: answer is not a token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			c := credentials(t, lookuper(s.Env(), test.vars))
			if test.vars == nil {
				s.Fault(sandbox.Entra, test.fault)
			}
			began := time.Now()
			var failures sync.WaitGroup
			for range 8 {
				failures.Go(func() {
					_, err := c.Token(t.Context(), s.URL()+"/teams/", "")
					failure, ok := errors.AsType[*auth.TokenError](err)
					if !ok {
						t.Errorf("error %v (%T), want a *TokenError", err, err)
						return
					}
					if failure.Misconfigured() != test.permanent || failure.RetryAfter() != test.after || !strings.HasPrefix(err.Error(), test.text) {
						t.Errorf("%v: misconfigured %t, after %v", err, failure.Misconfigured(), failure.RetryAfter())
					}
					text := fmt.Sprintf("%v %+v %#v", err, err, err)
					if strings.Contains(text, "pa55word") || strings.Contains(text, url.QueryEscape(s.Env()["LIAISON_CONNECTION_COPILOT_CLIENT_SECRET"])) {
						t.Errorf("the error holds the secret: %#v", err)
					}
				})
			}
			failures.Wait()
			// Who was late by a second, on a busy machine, may ask again.
			if got := len(asked(s)); got < 1 || got > 1+int(time.Since(began).Seconds()) {
				t.Errorf("asked %d times, want once", got)
			}
		})
	}
}

// TestToken_a_code_that_is_ours is a secret that looks like an error code, at an
// endpoint that repeats it as one.
func TestToken_a_code_that_is_ours(t *testing.T) {
	t.Parallel()
	entra := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": r.FormValue("client_secret")})
	}))
	defer entra.Close()
	s := start(t)
	c := credentials(t, lookuper(s.Env(), map[string]string{"LIAISON_ENTRA_URL": entra.URL, "LIAISON_CONNECTION_COPILOT_CLIENT_SECRET": "open_sesame"}))
	_, err := c.Token(t.Context(), s.URL()+"/teams/", "")
	if failure, ok := errors.AsType[*auth.TokenError](err); !ok || failure.Error() != "fetch token: status 400" || !failure.Misconfigured() {
		t.Errorf("error %v, want status 400 alone", err)
	}
}

func TestToken_a_redirect_is_not_followed(t *testing.T) {
	t.Parallel()
	var strays atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strays.Add(1) }))
	defer elsewhere.Close()
	entra := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer entra.Close()
	s := start(t)
	c := credentials(t, lookuper(s.Env(), map[string]string{"LIAISON_ENTRA_URL": entra.URL}))
	_, err := c.Token(t.Context(), s.URL()+"/teams/", "")
	if failure, ok := errors.AsType[*auth.TokenError](err); !ok || !failure.Misconfigured() || strays.Load() != 0 {
		t.Errorf("error %v, %d requests elsewhere", err, strays.Load())
	}
}
