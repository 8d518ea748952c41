package e2e

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestHubSpeaksBeforeItAnswers asks a hub whose agent writes at once to come
// again: what is refused for good is lost with many hubs.
func TestHubSpeaksBeforeItAnswers(t *testing.T) {
	t.Parallel()
	var service atomic.Pointer[world]
	early := make(chan int, 1)
	hub := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/start") {
			body := `{"conversationId":"fast","id":"1","message":"at once","sender":"Ada"}`
			status, _ := service.Load().post(t, "/api/livechat/messages", "", []byte(body), sign("1", time.Now(), body)...) //nolint:contextcheck // bounded by the test
			early <- status
			_, _ = io.WriteString(rw, `{"conversationId":"fast"}`)
		}
	}))
	t.Cleanup(hub.Close)
	w := newWorld(t, sandbox.Config{}, "LIAISON_HUB_CONTOSO_URL="+hub.URL)
	service.Store(w)
	c := newCaller(t, w)
	c.says("s1", event("startConversation"))
	if status := <-early; status != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503 while a conversation is being opened", status)
	}
	eventually(t, "open", func() bool { return w.mappings(t, "waiting") == 1 })
	body := `{"conversationId":"slow","id":"2","message":"hello","sender":"Ada"}`
	if status, _ := w.post(t, "/api/livechat/messages", "", []byte(body), sign("2", time.Now(), body)...); status != http.StatusNotFound {
		t.Errorf("status %d, want 404 when none is", status)
	}
}

// endless is an id that no index takes, however well it is compressed.
func endless() string {
	var b strings.Builder
	for range 400 {
		b.WriteString(rand.Text())
	}
	return b.String()
}

// TestUnusableOpening ends what the hub has opened and we cannot use.
func TestUnusableOpening(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"an id that cannot be kept": fmt.Sprintf(`{"conversationId":%q}`, endless()),
		"no id":                     `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var opening atomic.Value
			ended := make(chan string, 1)
			hub := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				switch {
				case strings.HasSuffix(r.URL.Path, "/start"):
					opening.Store(r.Header.Get("Idempotency-Key"))
					_, _ = io.WriteString(rw, answer)
				case strings.HasSuffix(r.URL.Path, "/end"):
					var in struct{ Key string }
					_ = json.NewDecoder(r.Body).Decode(&in)
					select {
					case ended <- in.Key:
					default:
					}
				}
			}))
			t.Cleanup(hub.Close)
			c := newCaller(t, newWorld(t, sandbox.Config{}, "LIAISON_HUB_CONTOSO_URL="+hub.URL))
			c.says("s1", event("startConversation"))
			eventually(t, "given up", func() bool { return c.mappings(t, "failed") == 1 })
			select {
			case key := <-ended:
				if key != opening.Load() {
					t.Errorf("ended %q, opened %q", key, opening.Load())
				}
			case <-time.After(time.Minute):
				t.Error("the hub's conversation was left open")
			}
		})
	}
}

// TestHubGone keeps the service alive when an open conversation's hub is no
// longer configured, and lets the user leave.
func TestHubGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{})
	c := newCaller(t, w)
	c.says("s1", event("startConversation"))
	eventually(t, "open", func() bool { return w.mappings(t, "waiting") == 1 })
	c.answered()
	w.service.stop()
	for n, s := range w.environ {
		w.environ[n] = strings.Replace(s, "LIAISON_HUB_CONTOSO_", "LIAISON_HUB_OTHER_", 1)
	}
	w.environ = append(w.environ, "LIAISON_HUBS=other", "LIAISON_HUB_OTHER_KIND=contoso")
	w.service.start()
	eventually(t, "ready", func() bool { // and no connection to the last one is used again
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.service.url()+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
	a := turn(w, "m1", nil)
	a["conversation"] = c.conv
	if status, answer := w.post(t, "/api/messages", c.token, a); status != http.StatusServiceUnavailable {
		t.Errorf("status %d %s, want 503: nobody can be told", status, answer)
	}
	c.says("e1", event("endConversation"))
	if w.mappings(t, "closed") != 1 {
		t.Error("the user cannot leave")
	}
	c.says("s2", event("startConversation"))
	eventually(t, "open at the other hub", func() bool { return w.mappings(t, "waiting") == 1 })
}

// TestLongEventID refuses for good an id that cannot be kept.
func TestLongEventID(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	body := fmt.Sprintf(`{"conversationId":%q,"id":%q,"message":"hello","sender":"Ada"}`, id, endless())
	if status, answer := w.post(t, "/api/livechat/messages", "", []byte(body), sign("1", time.Now(), body)...); status != http.StatusBadRequest {
		t.Errorf("status %d %s, want 400", status, answer)
	}
	w.agentSays(t, id, "still here")
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "still here")
}
