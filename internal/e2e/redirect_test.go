package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// A detour stands before a peer. While it is closed, it sends everybody on to the
// eavesdropper, and keeps what it was shown.
type detour struct {
	*httptest.Server
	evil *eavesdropper

	mu     sync.Mutex
	status int // 0 while it is open
	shown  string
}

func startDetour(t *testing.T, peer string, evil *eavesdropper) *detour {
	t.Helper()
	to, err := url.Parse(peer)
	if err != nil {
		t.Fatal(err)
	}
	d := &detour{evil: evil}
	through := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !d.redirects(w, r) {
			through.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *detour) redirects(w http.ResponseWriter, r *http.Request) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.status == 0 {
		return false
	}
	body, _ := io.ReadAll(r.Body)
	d.shown += fmt.Sprintln(r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("X-Api-Key"), string(body))
	w.Header().Set("Location", d.evil.plain.URL+r.URL.Path)
	w.WriteHeader(d.status)
	return true
}

// set closes the detour with a status, or opens it with 0.
func (d *detour) set(status int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status, d.shown = status, ""
}

// wait blocks until the detour was shown all of wants.
func (d *detour) wait(t *testing.T, wants ...string) {
	t.Helper()
	for _, want := range wants {
		eventually(t, "the detour is shown "+want, func() bool {
			d.mu.Lock()
			defer d.mu.Unlock()
			return strings.Contains(d.shown, want)
		})
	}
}

// idle waits until nothing is left to deliver.
func (w *world) idle(t *testing.T) {
	t.Helper()
	eventually(t, "nothing left to deliver", func() bool {
		var busy int
		err := w.db.QueryRow(t.Context(), `SELECT count(*) FROM lane WHERE acked_seq < last_seq`).Scan(&busy)
		return err == nil && busy == 0
	})
}

// TestRedirects: a connector, a skill host or a hub that sends us on keeps our
// credential to itself.
func TestRedirects(t *testing.T) {
	t.Parallel()
	w, evil := build(t, sandbox.Config{}), startEavesdropper(t)
	evil.works(t)
	tenant, hub := startDetour(t, w.sandbox.URL(), evil), startDetour(t, w.hub.url(), evil)
	w.environ = append(w.environ,
		"LIAISON_CONNECTOR_URL="+tenant.URL+"/teams/", "LIAISON_TRUSTED_SERVICE_URLS="+tenant.URL+"/*",
		"LIAISON_CONNECTIONS_MAP="+tenant.URL+"/teams*=copilot,"+tenant.URL+"/pvaruntime*=skill",
		"LIAISON_HUB_CONTOSO_URL="+hub.URL)
	w.service.start()
	t.Cleanup(w.service.stop)
	token := sandboxtest.Mint(t, w.sandbox, sandbox.Token{})
	for _, status := range []int{301, 302, 303, 307, 308} {
		conversation := w.sandbox.User(fmt.Sprint("User", status)).Conversation()
		says := func(id string, members map[string]any) {
			a := turn(w, id, members)
			a["serviceUrl"] = strings.Replace(fmt.Sprint(a["serviceUrl"]), w.sandbox.URL(), tenant.URL, 1)
			a["conversation"] = map[string]any{"id": conversation, "tenantId": tenantID}
			if got, answer := w.post(t, "/api/messages", token, a); got != http.StatusAccepted {
				t.Fatalf("%d, %s: status %d %s", status, id, got, answer)
			}
		}
		says("start", event("startConversation"))
		w.idle(t)
		var id string
		if err := w.db.QueryRow(t.Context(), `SELECT hub_conversation FROM mapping WHERE conversation_id = $1`, conversation).Scan(&id); err != nil {
			t.Fatal(err)
		}
		tenant.set(status)
		hub.set(status)
		says("word", map[string]any{"text": "hello"})
		hub.wait(t, "POST /api/chat/receive  "+apiKey)
		w.hears(t, "line", fmt.Sprintf(`{"conversationId":%q,"message":"hello","sender":"Bo"}`, id))
		w.hears(t, "end", fmt.Sprintf(`{"conversationId":%q,"event":"ended"}`, id))
		tenant.wait(t, "POST /teams/v3/conversations/"+string(conversation)+"/activities Bearer ey",
			"POST /pvaruntime/api/runtime/bots/"+copilotID+"/skillsV2/v3/conversations/"+string(conversation)+"/activities Bearer ey")
		w.idle(t)
		tenant.set(0)
		hub.set(0)
		evil.heardNothing(t)
	}
}

// TestRedirects_by_Entra: neither our secret nor the choice of keys goes anywhere
// else.
func TestRedirects_by_Entra(t *testing.T) {
	t.Parallel()
	w, evil := build(t, sandbox.Config{}), startEavesdropper(t)
	evil.works(t)
	entra := startDetour(t, w.sandbox.URL(), evil)
	w.environ = append(w.environ, "LIAISON_ENTRA_URL="+entra.URL+"/entra")
	w.service.start()
	t.Cleanup(w.service.stop)
	entra.set(http.StatusTemporaryRedirect) // which repeats what was posted

	issuer := entra.URL + "/entra/" + tenantID + "/v2.0"
	token := sandboxtest.Mint(t, w.sandbox, sandbox.Token{Claims: map[string]any{"iss": issuer}})
	if status, answer := w.post(t, "/api/messages", token, turn(w, "1", nil)); status != http.StatusServiceUnavailable {
		t.Errorf("status %d %s, want 503: there are no keys", status, answer)
	}
	entra.wait(t, "GET /entra/"+tenantID+"/v2.0/.well-known/openid-configuration")

	id := w.stored(t, "x", w.sandbox.URL()+"/teams/")
	w.hears(t, "line", fmt.Sprintf(`{"conversationId":%q,"message":"hello","sender":"Bo"}`, id))
	entra.wait(t, "POST /entra/"+tenantID+"/oauth2/v2.0/token", "client_secret="+w.sandbox.Env()["LIAISON_CONNECTION_COPILOT_CLIENT_SECRET"])
	eventually(t, "the line waits", func() bool { return strings.Contains(w.log.String(), "attempt did not deliver") })
	if n := len(w.sandbox.Requests(sandbox.Connector)); n > 0 {
		t.Errorf("%d posts without a token", n)
	}
	evil.heardNothing(t)
}
