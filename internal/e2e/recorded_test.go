package e2e

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// A call is a request a recorded address received.
type call struct {
	Method, Path string
	Audience     string // of the bearer token
	App          string // that presented it
	ContentType  string
	Body         map[string]any
}

// recorder listens where a recorded body says its sender is.
type recorder struct {
	mu    sync.Mutex
	calls []call
}

func record(tb testing.TB, addr string) *recorder {
	tb.Helper()
	r := &recorder{}
	srv := &httptest.Server{Listener: listen(tb, addr), Config: &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}}
	srv.Start()
	tb.Cleanup(srv.Close)
	return r
}

// ServeHTTP implements [http.Handler].
func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	c := call{Method: req.Method, Path: req.URL.EscapedPath(), ContentType: req.Header.Get("Content-Type")}
	var claims struct{ Aud, Azp string }
	if parts := strings.Split(req.Header.Get("Authorization"), "."); len(parts) == 3 {
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
		_ = json.Unmarshal(payload, &claims)
	}
	c.Audience, c.App = claims.Aud, claims.Azp
	body, _ := io.ReadAll(req.Body)
	_ = json.Unmarshal(body, &c.Body)
	r.mu.Lock()
	r.calls = append(r.calls, c)
	r.mu.Unlock()
	w.WriteHeader(http.StatusCreated) // with an empty body, as Teams behind Copilot Studio does
}

// wait returns the first n calls.
func (r *recorder) wait(tb testing.TB, n int) []call {
	tb.Helper()
	var got []call
	eventually(tb, "enough calls", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		got = append([]call(nil), r.calls...)
		return len(got) >= n
	})
	return got
}

// TestRecordedBodies posts bodies seen on the wire as they are, and checks every
// leg that follows. Their senders' addresses are part of them.
func TestRecordedBodies(t *testing.T) {
	t.Parallel()
	host, teams := record(t, "127.0.0.1:4402"), record(t, "127.0.0.1:4200")
	w := newWorld(t, sandbox.Config{},
		"LIAISON_TRUSTED_SERVICE_URLS=http://127.0.0.1:4402/*,http://127.0.0.1:4200/*",
		"LIAISON_CONNECTIONS_MAP=http://127.0.0.1:4200*=copilot,http://127.0.0.1:4402*=skill")
	token := sandboxtest.Mint(t, w.sandbox, sandbox.Token{Kind: sandbox.SkillCallV1})
	post := func(file string) {
		t.Helper()
		body, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if status, answer := w.post(t, "/api/messages", token, body); status != http.StatusAccepted || answer != "" {
			t.Fatalf("%s: status %d, body %q, want 202 and none", file, status, answer)
		}
	}
	bot := map[string]any{"id": "28:aaaaaaaa-0000-4000-8000-000000000001", "name": "Root bot"}
	user := map[string]any{"id": "29:1user", "name": "Ann User", "aadObjectId": "00000000-0000-4000-8000-000000000029"}
	conversation := map[string]any{"id": "a:116f0d1a", "conversationType": "personal", "tenantId": tenantID}

	post("skill-start.json")
	c := w.chat(t)
	want := []call{{
		Method: http.MethodPost, Path: "/api/skills/v3/conversations/a:116f0d1a/activities/1795207924771",
		Audience: copilotID, App: skillID, ContentType: "application/json; charset=utf-8",
		Body: map[string]any{
			"type": "endOfConversation", "name": "startConversation", "code": "completedSuccessfully",
			"value":     map[string]any{"LiveChatConversationId": c.ID, "status": "queued", "queuePosition": 1.0},
			"replyToId": "1795207924771", "channelId": "msteams", "conversation": conversation, "from": bot, "recipient": user,
		},
	}}
	if diff := cmp.Diff(want, host.wait(t, 1)); diff != "" {
		t.Errorf("answer to the host (-want +got):\n%s", diff)
	}

	post("skill-message.json")
	eventually(t, "the words on the desk", func() bool { return cmp.Equal(w.said(t, c.ID), []string{"hello"}) })
	if name := w.chat(t).User.Name; name != "Ann User" {
		t.Errorf("the desk shows %q", name)
	}
	w.agentSays(t, c.ID, "hi from agent")
	said := teams.wait(t, 2)[1] // the first says who joined
	if diff := cmp.Diff(call{
		Method: http.MethodPost, Path: "/teams/v3/conversations/a:116f0d1a/activities",
		Audience: "https://api.botframework.com", App: copilotID, ContentType: "application/json; charset=utf-8",
		Body: map[string]any{
			"type": "message", "text": "**Bo**: hi from agent", "textFormat": "markdown",
			"channelId": "msteams", "conversation": conversation, "from": bot, "recipient": user,
		},
	}, said); diff != "" {
		t.Errorf("the agent's words (-want +got):\n%s", diff)
	}

	// A chat that nobody escalated gets an answer and its end.
	post("playground-message.json")
	calls := host.wait(t, 3)
	for i, kind := range []string{"message", "endOfConversation"} {
		got := calls[1+i]
		path := "/_connector/v3/conversations/504ad7c9-0000-4000-8000-000000000000/activities/f9f64ec5-0000-4000-8000-000000000000"
		if got.Path != path || got.Body["type"] != kind {
			t.Errorf("answer %d: %s to %s, want %s to %s", i, got.Body["type"], got.Path, kind, path)
		}
	}

	// The host gives up: the hub is told, the host is not.
	post("skill-reply.json")
	eventually(t, "the end on the desk", func() bool { return w.chat(t).State == "ended" })
	if n := len(host.wait(t, 3)); n != 3 {
		t.Errorf("%d calls to the host after it gave up, want the 3 before", n)
	}
	if v := w.sandbox.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}
