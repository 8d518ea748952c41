package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/internal/hostile"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// An eavesdropper listens on loopback and counts who calls.
type eavesdropper struct {
	plain, tls *httptest.Server

	mu          sync.Mutex
	connections int
	credentials []string // of each request
}

func startEavesdropper(tb testing.TB) *eavesdropper {
	tb.Helper()
	e := new(eavesdropper)
	for _, s := range []**httptest.Server{&e.plain, &e.tls} {
		*s = httptest.NewUnstartedServer(e)
		(*s).Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				e.mu.Lock()
				e.connections++
				e.mu.Unlock()
			}
		}
		tb.Cleanup(func() { (*s).Close() })
	}
	e.plain.Start()
	e.tls.StartTLS()
	return e
}

// ServeHTTP implements [http.Handler].
func (e *eavesdropper) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.credentials = append(e.credentials, r.Header.Get("Authorization")+r.Header.Get("X-Api-Key"))
}

// heard returns what came so far, and forgets it.
func (e *eavesdropper) heard() (connections int, credentials []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	connections, credentials, e.connections, e.credentials = e.connections, e.credentials, 0, nil
	return connections, credentials
}

// works shows that whoever calls is heard.
func (e *eavesdropper) works(t *testing.T) {
	t.Helper()
	for _, s := range []*httptest.Server{e.plain, e.tls} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer x")
		resp, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if connections, credentials := e.heard(); connections < 2 || len(credentials) != 2 || credentials[0] != "Bearer x" {
		t.Fatalf("the eavesdropper is deaf: %d connections, %q", connections, credentials)
	}
}

func (e *eavesdropper) heardNothing(t *testing.T) {
	t.Helper()
	if connections, credentials := e.heard(); connections > 0 || len(credentials) > 0 {
		t.Errorf("%d connections, %d requests, with %.12q", connections, len(credentials), credentials)
	}
}

// hostileURLs are those that reach the eavesdropper where loopback allows it.
func (e *eavesdropper) hostileURLs(t *testing.T, w *world) []hostile.URL {
	t.Helper()
	urls, err := hostile.URLs(hostile.Addresses{
		Plain: e.plain.Listener.Addr().String(), TLS: e.tls.Listener.Addr().String(), Trusted: strings.TrimPrefix(w.sandbox.URL(), "http://"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return urls
}

// rows counts the rows of everything an activity or a line could leave.
func (w *world) rows(t *testing.T) (n int) {
	t.Helper()
	err := w.db.QueryRow(t.Context(), `
		SELECT (SELECT count(*) FROM mapping) + (SELECT count(*) FROM delivery)
		     + (SELECT count(*) FROM accepted) + (SELECT count(*) FROM lane)`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestHostileURLs_at_the_door: a valid token does not vouch for where it wants to
// be answered.
func TestHostileURLs_at_the_door(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{})
	evil := startEavesdropper(t)
	evil.works(t)
	copilot := sandboxtest.Mint(t, w.sandbox, sandbox.Token{})
	for i, u := range evil.hostileURLs(t, w) {
		channel := sandboxtest.Mint(t, w.sandbox, sandbox.Token{Kind: sandbox.ChannelCall, Claims: map[string]any{"serviceurl": u.Raw}})
		for _, row := range []struct {
			token string
			body  map[string]any
		}{
			{copilot, event("startConversation")},
			{copilot, map[string]any{"text": "hello"}},
			{copilot, event("endConversation")},
			{channel, event("startConversation")},
		} {
			row.body["serviceUrl"] = u.Raw
			status, answer := w.post(t, "/api/messages", row.token, turn(w, fmt.Sprint(i), row.body))
			if status != http.StatusBadRequest && status != http.StatusUnauthorized && status != http.StatusForbidden {
				t.Errorf("%q (%s): status %d %s", u.Raw, u.Why, status, answer)
			}
		}
		// What it says of the user's channel is not refused, and not believed.
		aside := turn(w, fmt.Sprint(i), map[string]any{"type": "typing", "relatesTo": map[string]any{"serviceUrl": u.Raw}})
		if status, answer := w.post(t, "/api/messages", copilot, aside); status != http.StatusAccepted {
			t.Errorf("%q (%s) of the channel: status %d %s", u.Raw, u.Why, status, answer)
		}
	}
	if n := w.rows(t); n > 0 {
		t.Errorf("%d rows are left of what was refused", n)
	}
	if n := len(w.sandbox.TokenRequests()); n > 0 {
		t.Errorf("%d tokens were asked for", n)
	}
	evil.heardNothing(t)
}

// stored puts an escalated conversation into the service's database whose
// connector and skill host are at the URL, and returns the hub's id of it.
func (w *world) stored(t *testing.T, name, serviceURL string) string {
	t.Helper()
	at := proactive.Target{ServiceURL: serviceURL, ChannelID: "msteams", Conversation: activity.Conversation{ID: activity.ConversationID("a:" + name)}}
	host := at
	host.Audience = copilotID
	m, _, err := mapping.Reserve(t.Context(), w.db, mapping.Mapping{
		Key: mapping.Key{BotAppID: copilotID, Conversation: at.Conversation.ID}, Tenant: tenantID, User: "29:" + name,
		Hub: "contoso", Teams: at, Connector: serviceURL, Host: &host,
	})
	if err == nil {
		err = mapping.Opened(t.Context(), w.db, m.ID, livechat.ConversationID("hub-"+name), livechat.QueueState{})
	}
	if err == nil {
		_, err = w.db.Exec(t.Context(), `UPDATE mapping SET host_active = true WHERE id = $1`, m.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return "hub-" + name
}

// hears has the hub say something, signed.
func (w *world) hears(t *testing.T, id, body string) {
	t.Helper()
	if status, answer := w.post(t, "/api/livechat/messages", "", []byte(body), sign(id, time.Now(), body)...); status != http.StatusNoContent {
		t.Fatalf("%s: status %d %s", body, status, answer)
	}
}

// dead counts the deliveries to a destination that were given up.
func (w *world) dead(t *testing.T, destination string) (n int) {
	t.Helper()
	err := w.db.QueryRow(t.Context(), `SELECT count(*) FROM delivery WHERE outcome = 'dead' AND destination = $1`, destination).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestHostileURLs_in_the_database: what was believed once, or written there by
// somebody else, is held against the list again when a token is to go there.
func TestHostileURLs_in_the_database(t *testing.T) {
	t.Parallel()
	w, user, _ := escalated(t, sandbox.Config{})
	evil := startEavesdropper(t)
	evil.works(t)
	urls := evil.hostileURLs(t, w)
	for i, u := range urls {
		hub := w.stored(t, fmt.Sprint(i), u.Raw)
		w.hears(t, fmt.Sprint("line ", i), fmt.Sprintf(`{"conversationId":%q,"message":"hello","sender":"Bo"}`, hub))
		w.hears(t, fmt.Sprint("end ", i), fmt.Sprintf(`{"conversationId":%q,"event":"ended"}`, hub))
	}
	// Each line, each notice of the end, and each word to the copilot.
	eventually(t, "all of it is given up", func() bool {
		return w.dead(t, "teams") == 2*len(urls) && w.dead(t, "copilot") == len(urls)
	})
	evil.heardNothing(t)

	// A conversation that shows no connector of its own gets the tenant's last one.
	late := turn(w, "late", event("startConversation"))
	late["conversation"] = map[string]any{"id": "a:late", "tenantId": tenantID}
	if status, answer := w.post(t, "/api/messages", sandboxtest.Mint(t, w.sandbox, sandbox.Token{}), late); status != http.StatusAccepted {
		t.Fatalf("status %d %s", status, answer)
	}
	eventually(t, "it is with the hub", func() bool { return len(w.chats(t)) == 2 })
	for _, c := range w.chats(t) {
		w.agentSays(t, c.ID, "still here")
	}
	eventually(t, "the line is given up", func() bool { return w.dead(t, "teams") > 2*len(urls) })
	evil.heardNothing(t)

	// The same service does send its token where it is trusted.
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "still here")
	posts := w.sandbox.Requests(sandbox.Connector)
	if last := posts[len(posts)-1]; last.Claims["aud"] != "https://api.botframework.com" {
		t.Errorf("the user's connector was shown %v", last.Claims)
	}
}
