package e2e

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// hostileURLs are service URLs that look like the connector's, or are not safe to
// send a token to.
func hostileURLs() []string {
	return []string{
		"https://smba.trafficmanager.net.evil.example/teams/",
		"https://evil.trafficmanager.net/teams/",
		"https://evilsmba.trafficmanager.net/teams/",
		"http://smba.trafficmanager.net/teams/",
		"https://smba.trafficmanager.net@evil.example/teams/",
		"https://smba.trafficmanager.net:443@evil.example/teams/",
		"https://token@smba.trafficmanager.net/teams/",
		"https://smba.trafficmanager.net:8443/teams/",
		"https://evil.example/smba.trafficmanager.net/teams/",
		"https://evilbotframework.com/",
	}
}

// A trap is an evil listener. It is also the proxy on the way to every host that
// is not of this machine, so that no name leads past it.
type trap struct {
	*httptest.Server

	mu     sync.Mutex
	caught []string // method and host of every request
	tokens int      // requests with a credential
}

func newTrap(tb testing.TB) *trap {
	tb.Helper()
	e := &trap{}
	e.Server = httptest.NewServer(e)
	tb.Cleanup(e.Close)
	return e
}

// ServeHTTP implements [http.Handler].
func (e *trap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.caught = append(e.caught, r.Method+" "+r.Host)
	if r.Header.Get("Authorization") != "" || r.Header.Get("Proxy-Authorization") != "" {
		e.tokens++
	}
	if r.Method == http.MethodConnect {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

func (e *trap) seen() (requests []string, tokens int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.caught), e.tokens
}

// connectorHosts forges the service URL that a conversation's
// words go to. The connections map would give a token to any host, so that the
// list of trusted ones is all that stands between.
func connectorHosts(t *testing.T) {
	t.Helper()
	evil, l := newTrap(t), buildLedger(t)
	var asked sync.Map // statuses by which the redirector, a trusted connector, was given a token
	redirector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		asked.Store(status, r.Header.Get("Authorization") != "")
		w.Header().Set("Location", evil.URL+r.URL.Path)
		code, _ := strconv.Atoi(status)
		w.WriteHeader(code)
	}))
	t.Cleanup(redirector.Close)
	env := l.sandbox.Env()
	l.environ = append(l.environ,
		"HTTP_PROXY="+evil.URL, "HTTPS_PROXY="+evil.URL, "http_proxy="+evil.URL, "https_proxy="+evil.URL, "NO_PROXY=", "no_proxy=",
		"LIAISON_TRUSTED_SERVICE_URLS="+env["LIAISON_TRUSTED_SERVICE_URLS"]+","+redirector.URL,
		"LIAISON_CONNECTIONS_MAP="+env["LIAISON_CONNECTIONS_MAP"]+",*=copilot")
	p := &process{tb: t, w: l.world, bin: program(t, "liaison")}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("the service logged:\n%s", l.log)
		}
	})
	p.start()
	user := l.sandbox.User("Megan")
	sandboxtest.Say(t, user, "talk to a person", "help")
	k := talk{l, user, l.chat(t).ID}
	k.agentSays(t, k.id, "to the user")
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "to the user")

	known, unknown := strings.TrimPrefix(l.sandbox.URL(), "http://"), strings.TrimPrefix(evil.URL, "http://")
	l.hold(t, statement{name: "62 sends no Authorization header to a host outside the list", check: func(t *testing.T) {
		t.Helper()
		for _, serviceURL := range append(hostileURLs(),
			"http://"+unknown+"/teams/",
			"http://localhost:"+strings.TrimPrefix(unknown, "127.0.0.1:")+"/teams/",
			"http://"+known+"@"+unknown+"/teams/",
			"http://"+unknown+"/"+known+"/teams/",
			"http://"+unknown+"#@"+known+"/teams/",
			"http://"+unknown+"?@"+known+"/teams/",
		) {
			t.Run(serviceURL, func(t *testing.T) { k.toNobody(t, evil, serviceURL) })
		}
	}}, statement{name: "62 follows no redirect with it", check: func(t *testing.T) {
		t.Helper()
		for _, status := range []string{"301", "302", "303", "307", "308"} {
			t.Run(status, func(t *testing.T) {
				k.toNobody(t, evil, redirector.URL+"/"+status)
				if token, ok := asked.Load(status); !ok || token != true {
					t.Errorf("the redirector, which is trusted, got a token: %v", token)
				}
			})
		}
	}}, statement{name: "62 tries the connector itself, which the trap sees", check: func(t *testing.T) {
		t.Helper()
		k.forge(t, "https://smba.trafficmanager.net/teams/")
		k.agentSays(t, k.id, "to the connector")
		eventually(t, "a connection to the connector", func() bool {
			requests, _ := evil.seen()
			return slices.Contains(requests, "CONNECT smba.trafficmanager.net:443")
		})
	}})
}

// toNobody has the agent say something that is to go to serviceURL, and holds that
// it goes nowhere.
func (k talk) toNobody(t *testing.T, evil *trap, serviceURL string) {
	t.Helper()
	before := len(k.sandbox.Requests(sandbox.Connector))
	k.unsaid(t, serviceURL)
	if requests, tokens := evil.seen(); len(requests) > 0 || tokens > 0 {
		t.Errorf("the evil host got %q, %d with a token", requests, tokens)
	}
	if n := len(k.sandbox.Requests(sandbox.Connector)) - before; n != 0 {
		t.Errorf("%d requests at the connector, want none", n)
	}
}
