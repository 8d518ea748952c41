package auth_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/internal/jsonhttp"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// speak posts a message to a user in Teams with the credentials, and returns the
// token that served.
func speak(t *testing.T, c *auth.Credentials, s *sandbox.Sandbox) string {
	t.Helper()
	ada := s.User("Ada")
	a := activity.Activity{Type: activity.TypeMessage, Text: "hello", From: activity.Account{ID: "28:" + copilot}}
	err := jsonhttp.Do(t.Context(), jsonhttp.NewClient(10*time.Second, &auth.Transport{Credentials: c, Base: http.DefaultTransport}),
		jsonhttp.Request{URL: s.URL() + "/teams/v3/conversations/" + url.PathEscape(string(ada.Conversation())) + "/activities", In: a})
	if err != nil {
		t.Fatalf("post: %v", err)
	}
	token, err := c.Token(t.Context(), s.URL()+"/teams/", "")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// failed returns why there is no token for Teams.
func failed(t *testing.T, c *auth.Credentials, s *sandbox.Sandbox) *auth.TokenError {
	t.Helper()
	_, err := c.Token(t.Context(), s.URL()+"/teams/", "")
	failure, ok := errors.AsType[*auth.TokenError](err)
	if !ok {
		t.Fatalf("error %v (%T), want a *TokenError", err, err)
	}
	return failure
}

// A cluster issues workloads' tokens.
type cluster struct {
	t      *testing.T
	signer jose.Signer
	issuer sandbox.FederatedIssuer
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	key := rsaKey(t)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &cluster{t, signer, sandbox.FederatedIssuer{
		Issuer: "https://cluster.example.com", Subject: "system:serviceaccount:liaison:liaison", Key: key.Public(),
	}}
}

func (c *cluster) token(life time.Duration) []byte {
	c.t.Helper()
	now := time.Now()
	token, err := jwt.Signed(c.signer).Claims(jwt.Claims{
		Issuer: c.issuer.Issuer, Subject: c.issuer.Subject, Audience: jwt.Audience{"api://AzureADTokenExchange"},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(life)),
	}).Serialize()
	if err != nil {
		c.t.Fatal(err)
	}
	return []byte(token + "\n")
}

func TestFederated_a_rotated_file_is_read_again(t *testing.T) {
	t.Parallel()
	s, k8s := start(t), newCluster(t)
	s.AcceptIssuer(copilot, k8s.issuer)
	file := write(t, filepath.Join(t.TempDir(), "token"), k8s.token(time.Hour))
	c := credentials(t, lookuper(s.Env(), only("FEDERATED_TOKEN_FILE", file)))
	first := speak(t, c, s)
	write(t, file, k8s.token(-time.Hour))
	c.Drop(s.URL()+"/teams/", "", first)
	if failure := failed(t, c, s); failure.Status != http.StatusUnauthorized || strings.Contains(fmt.Sprintf("%+v %#v", failure, failure), "eyJ") {
		t.Errorf("with an expired file: %v", failure)
	}
}

func TestFederated_recovers_with_the_file(t *testing.T) {
	t.Parallel()
	s, k8s := start(t), newCluster(t)
	s.AcceptIssuer(copilot, k8s.issuer)
	file := write(t, filepath.Join(t.TempDir(), "token"), k8s.token(-time.Hour))
	environ := lookuper(s.Env(), only("FEDERATED_TOKEN_FILE", file))
	_ = failed(t, credentials(t, environ), s)
	write(t, file, k8s.token(time.Hour))
	speak(t, credentials(t, environ), s)
}

// A platform is Azure's endpoint for managed identities, as App Service has it.
type platform struct {
	*httptest.Server
	sandbox *sandbox.Sandbox
	t       *testing.T

	mu     sync.Mutex
	asked  []string
	header http.Header
	status int
	body   string
}

// onPlatform runs the test on Azure, as far as the environment tells.
func onPlatform(t *testing.T) (*platform, *auth.Credentials) {
	t.Helper()
	p := &platform{sandbox: start(t), t: t, header: http.Header{}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	for _, name := range []string{"IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT", "MSI_ENDPOINT", "MSI_SECRET"} {
		t.Setenv(name, "")
	}
	t.Setenv("IDENTITY_ENDPOINT", p.URL+"/msi/token")
	t.Setenv("IDENTITY_HEADER", "header-pa55word")
	return p, credentials(t, lookuper(p.sandbox.Env(), only("MANAGED_IDENTITY", copilot), map[string]string{"LIAISON_CONNECTION_COPILOT_CLIENT_ID": ""}))
}

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := r.URL.Query()
	p.asked = append(p.asked, strings.Join([]string{r.URL.Path, q.Get("client_id"), q.Get("resource"), r.Header.Get("X-Identity-Header")}, " "))
	if p.status != 0 {
		for name := range p.header {
			w.Header().Set(name, p.header.Get(name))
		}
		w.WriteHeader(p.status)
		_, _ = w.Write([]byte(p.body))
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{
		"access_token": sandboxtest.Mint(p.t, p.sandbox, sandbox.Token{Kind: sandbox.ConnectorUse, Claims: claims("jti", fmt.Sprint(len(p.asked)))}),
		"expires_on":   fmt.Sprint(time.Now().Add(time.Hour).Unix()), "resource": q.Get("resource"), "token_type": "Bearer",
	})
}

func TestManagedIdentity_speaks(t *testing.T) { //nolint:paralleltest // the environment is the process's
	p, c := onPlatform(t)
	first := speak(t, c, p.sandbox)
	want := "/msi/token " + copilot + " https://api.botframework.com header-pa55word"
	if !slices.Equal(p.asked, []string{want}) || len(asked(p.sandbox)) != 0 {
		t.Errorf("asked %q, want %q, and Entra nothing", p.asked, want)
	}
	if !c.Drop(p.sandbox.URL()+"/teams/", "", first) {
		t.Fatal("the token was not dropped")
	}
	if second := speak(t, c, p.sandbox); second == first || len(p.asked) != 2 {
		t.Errorf("asked %d times after a refusal, same token %t", len(p.asked), second == first)
	}
}

func TestManagedIdentity_failures(t *testing.T) { //nolint:paralleltest // the environment is the process's
	for name, test := range map[string]struct { //nolint:paralleltest // the environment is the process's
		status    int
		body      string
		after     string
		permanent bool
		text      string
	}{
		"not assigned":    {400, `{"error":"invalid_request","error_description":"pa55word"}`, "", true, "fetch token: status 400 invalid_request"},
		"another form":    {400, `{"statusCode":400,"message":"pa55word"}`, "", true, "fetch token: status 400"},
		"throttled":       {429, "", "7", false, "fetch token: status 429"},
		"being updated":   {410, "", "", false, "fetch token: status 410"},
		"starting":        {404, "", "", false, "fetch token: status 404"},
		"down":            {503, "pa55word", "", false, "fetch token: status 503"},
		"a page":          {200, "<html>pa55word</html>", "", false, "fetch token: no usable answer"},
		"not a token":     {200, "{}", "", false, "fetch token: "},
		"somewhere else":  {307, "", "", true, "fetch token: status 307"},
		"broken off":      {-1, "", "", false, "fetch token: no usable answer"},
		"without content": {204, "", "", false, "fetch token: "},
	} {
		t.Run(name, func(t *testing.T) {
			p, c := onPlatform(t)
			p.status, p.body = test.status, test.body
			if test.status < 0 {
				p.Close()
			}
			p.header.Set("Retry-After", test.after)
			p.header.Set("Location", "https://evil.example/")
			failure := failed(t, c, p.sandbox)
			if failure.Misconfigured() != test.permanent || !strings.HasPrefix(failure.Error(), test.text) || (failure.RetryAfter() == 7*time.Second) != (test.after != "") {
				t.Errorf("%v: misconfigured %t, after %v", failure, failure.Misconfigured(), failure.RetryAfter())
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v", failure, failure, failure), "pa55word") {
				t.Errorf("the error holds what was said: %#v", failure)
			}
			if len(p.asked) > 1 {
				t.Errorf("asked %d times", len(p.asked))
			}
		})
	}
}

// TestEveryKind_one_request: callers of any kind share one token request, and a
// refusal causes one more.
func TestEveryKind_one_request(t *testing.T) { //nolint:paralleltest // the environment is the process's
	own := issue(t, rsaKey(t), "liaison", tomorrow(), nil)
	k8s := newCluster(t)
	dir := t.TempDir()
	p, managed := onPlatform(t)
	s := start(t)
	s.AcceptCertificate(copilot, own.cert)
	s.AcceptIssuer(copilot, k8s.issuer)
	for name, c := range map[string]*auth.Credentials{ //nolint:paralleltest // the environment is the process's
		"secret":      credentials(t, lookuper(s.Env())),
		"certificate": credentials(t, lookuper(s.Env(), only("CERTIFICATE_FILE", write(t, filepath.Join(dir, "own"), own.pem(t))))),
		"federated":   credentials(t, lookuper(s.Env(), only("FEDERATED_TOKEN_FILE", write(t, filepath.Join(dir, "token"), k8s.token(time.Hour))))),
		"managed":     managed,
	} {
		t.Run(name, func(t *testing.T) {
			at, count := s, func() int { return len(asked(s)) }
			if name == "managed" {
				at, count = p.sandbox, func() int { p.mu.Lock(); defer p.mu.Unlock(); return len(p.asked) }
			}
			before := count()
			var calls sync.WaitGroup
			for range 50 {
				calls.Go(func() {
					if _, err := c.Token(t.Context(), at.URL()+"/teams/", ""); err != nil {
						t.Error(err)
					}
				})
			}
			calls.Wait()
			if n := count() - before; n != 1 {
				t.Fatalf("asked %d times, want once", n)
			}
			at.Fault(sandbox.Connector, sandbox.Fault{Status: http.StatusUnauthorized, Times: 1})
			speak(t, c, at)
			if n := count() - before; n != 2 {
				t.Errorf("asked %d times after a refusal, want twice", n)
			}
		})
	}
}
