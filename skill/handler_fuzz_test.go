package skill_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/internal/bridgetest"
	"github.com/liaison-skill/liaison/internal/jsonhttp"
	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/livechat/contoso"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
	"github.com/liaison-skill/liaison/skill"
)

// fuzzedBody is the longest body the fuzzed door takes, in bytes.
const fuzzedBody = 16 << 10

// A door is the skill's endpoint in front of a database, a hub that takes
// everything and a sandbox.
type door struct {
	sandbox *sandbox.Sandbox
	open    http.Handler
	// bare has no bridge: a stranger's request that gets as far panics.
	bare http.Handler
}

func openDoor(tb testing.TB) *door {
	tb.Helper()
	d := &door{sandbox: sandboxtest.Start(tb, sandbox.Config{})}
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"conversationId":%q}`, r.Header.Get("Idempotency-Key"))
	}))
	tb.Cleanup(hub.Close)
	cfg := bridgetest.Config(tb, d.sandbox)
	b, _ := bridgetest.Start(tb, cfg, &contoso.Adapter{HTTP: jsonhttp.NewClient(time.Minute, http.DefaultTransport), URL: hub.URL})
	d.open, d.bare = mount(tb, cfg.Auth, b), mount(tb, cfg.Auth, nil)
	return d
}

func mount(tb testing.TB, cfg auth.Config, b *bridge.Bridge) http.Handler {
	tb.Helper()
	log := slog.New(slog.DiscardHandler)
	verifier, err := auth.NewVerifier(cfg, http.DefaultTransport, log)
	if err != nil {
		tb.Fatal(err)
	}
	hosts, err := auth.NewHosts(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	r := web.NewEngine(log)
	(&skill.Handler{Bridge: b, Verifier: verifier, Hosts: hosts, Log: log, MaxBody: fuzzedBody}).Mount(r)
	return r
}

func knock(tb testing.TB, h http.Handler, authorization string, body []byte) *httptest.ResponseRecorder {
	tb.Helper()
	req := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/api/messages", bytes.NewReader(body))
	req.Header["Authorization"] = []string{authorization}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// FuzzReceive posts bodies to the skill's endpoint. A stranger's are refused
// before anything is done; a copilot's are taken or refused, whatever they hold,
// and never break anything.
func FuzzReceive(f *testing.F) {
	d := openDoor(f)
	token := sandboxtest.Mint(f, d.sandbox, sandbox.Token{})
	const from = `"channelId":"msteams","id":"1","serviceUrl":"SANDBOX/pvaruntime/","from":{"id":"29:u"},"conversation":{"id":"a:1","tenantId":"t"}`
	for _, body := range []string{
		`{"type":"event","name":"startConversation",` + from + `}`,
		`{"type":"event","name":"startConversation","deliveryMode":"expectReplies",` + from + `}`,
		`{"type":"message","text":"hello","value":{"ProblemDescription":"p","LiveChatConversationId":"h","order":7},` + from + `}`,
		`{"type":"message","text":"a\u0000b","attachments":[{"contentType":"image/png","name":"x"}],"value":"{\"a\":\"\\u0000\"}",` + from + `}`,
		`{"type":"message","text":"hi","relatesTo":{"serviceUrl":"SANDBOX/teams/","conversation":{"id":"a:2"}},` + from + `}`,
		`{"type":"event","name":"endConversation","deliveryMode":"expectReplies",` + from + `}`,
		`{"type":"endOfConversation",` + from + `}`,
		`{"type":"endOfConversation"}`,
		`{"type":"invoke","name":"handoff/action",` + from + `}`,
		`{"type":"messageReaction",` + from + `}`,
		`[]`, ``, `{"type":`,
	} {
		f.Add("", true, []byte(body))
		f.Add("Bearer "+token, false, []byte(body)) // which the fuzzer is not told, but changes
	}
	f.Fuzz(func(t *testing.T, authorization string, known bool, body []byte) {
		body = bytes.ReplaceAll(body, []byte("SANDBOX"), []byte(d.sandbox.URL())) // whose port is another each time
		if !known {
			refused(t, knock(t, d.bare, authorization+"x", body), len(body))
			return
		}
		w := knock(t, d.open, "Bearer "+token, body)
		for range 5 {
			if w.Code != http.StatusServiceUnavailable {
				break
			}
			w = knock(t, d.open, "Bearer "+token, body) // a busy machine's database may be late
		}
		a, invalid := activity.Decode(body)
		switch {
		case len(body) > fuzzedBody:
			if w.Code != http.StatusRequestEntityTooLarge {
				t.Fatalf("%d bytes: status %d", len(body), w.Code)
			}
		case w.Code == http.StatusNotImplemented && a.Type == activity.TypeInvoke:
		case (w.Code == http.StatusAccepted || w.Code == http.StatusOK) && invalid == nil:
			answered(t, w, a.ExpectsReplies())
		case w.Code != http.StatusBadRequest:
			t.Fatalf("status %d %s", w.Code, w.Body)
		}
	})
}

// refused demands that a stranger got nothing but a refusal.
func refused(t *testing.T, w *httptest.ResponseRecorder, size int) {
	t.Helper()
	want := http.StatusUnauthorized
	if size > fuzzedBody {
		want = http.StatusRequestEntityTooLarge
	}
	if w.Code != want {
		t.Fatalf("a stranger got status %d %s, want %d", w.Code, w.Body, want)
	}
}

// answered demands the form an accepted activity is answered in.
func answered(t *testing.T, w *httptest.ResponseRecorder, inline bool) {
	t.Helper()
	if !inline {
		if w.Code != http.StatusAccepted || w.Body.Len() > 0 {
			t.Fatalf("status %d with %q, want 202 and nothing", w.Code, w.Body)
		}
		return
	}
	var replies struct{ Activities []activity.Activity }
	body, _ := io.ReadAll(w.Body)
	if err := json.Unmarshal(body, &replies); w.Code != http.StatusOK || err != nil || replies.Activities == nil {
		t.Fatalf("status %d with %q: %v", w.Code, body, err)
	}
	if slices.ContainsFunc(replies.Activities, func(a activity.Activity) bool { return a.Type == "" }) {
		t.Fatalf("an answer without a type: %s", body)
	}
}
