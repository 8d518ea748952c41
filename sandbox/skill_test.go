package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// A scriptedSkill is a skill on a real HTTP server. It answers startConversation
// and endConversation as the protocol wants it, unless script says otherwise.
type scriptedSkill struct {
	tb     testing.TB
	s      *sandbox.Sandbox
	script func(a activity.Activity) (status int, replies []activity.Activity)

	mu       sync.Mutex
	got      []activity.Activity
	tokens   []string
	statuses []int // of what it posted
}

// newSkill runs a skill and tells s where it is.
func newSkill(tb testing.TB, s *sandbox.Sandbox) *scriptedSkill {
	tb.Helper()
	k := &scriptedSkill{tb: tb, s: s, script: polite}
	server := httptest.NewServer(k)
	tb.Cleanup(server.Close)
	s.SetSkillURL(server.URL + "/api/messages")
	return k
}

// polite is what a good skill answers.
func polite(a activity.Activity) (int, []activity.Activity) {
	if a.Type != activity.TypeEvent {
		return http.StatusAccepted, nil
	}
	end := activity.Activity{Type: activity.TypeEndOfConversation, Name: a.Name, Code: activity.CodeCompleted}
	if a.Name == "startConversation" {
		end.Value = json.RawMessage(`{"LiveChatConversationId":"chat-1"}`)
	}
	return http.StatusAccepted, []activity.Activity{end}
}

// ServeHTTP implements http.Handler.
func (k *scriptedSkill) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/skill-manifest.json" {
		_, _ = io.WriteString(w, `{"name":"scripted"}`)
		return
	}
	var a activity.Activity
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		http.Error(w, "bad", http.StatusBadRequest)
		return
	}
	k.mu.Lock()
	k.got = append(k.got, a)
	k.tokens = append(k.tokens, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	script := k.script
	k.mu.Unlock()
	status, replies := script(a)
	if a.ExpectsReplies() {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(activity.ExpectedReplies{Activities: append([]activity.Activity{}, replies...)})
		return
	}
	for _, reply := range replies {
		reply.ReplyToID = a.ID
		k.post(r.Context(), a, reply)
	}
	w.WriteHeader(status)
}

// post sends an activity to where a came from, as the skill.
func (k *scriptedSkill) post(ctx context.Context, a, reply activity.Activity) int {
	token, err := credentials(k.s, "SKILL", copilot+"/.default").Token(ctx)
	if err != nil {
		k.tb.Errorf("skill's token: %v", err)
		return 0
	}
	target := a.ServiceURL + "v3/conversations/" + url.PathEscape(string(a.Conversation.ID)) + "/activities"
	status := send(ctx, k.tb, http.MethodPost, target, token.AccessToken, reply)
	k.mu.Lock()
	k.statuses = append(k.statuses, status)
	k.mu.Unlock()
	return status
}

// proactive posts a person's words into the chat a came from, as the copilot.
func (k *scriptedSkill) proactive(ctx context.Context, conversation activity.ConversationID, text string) int {
	return send(ctx, k.tb, http.MethodPost, chatURL(k.s, conversation), botToken(ctx, k.tb, k.s),
		activity.Activity{Type: activity.TypeMessage, Text: text, TextFormat: activity.FormatMarkdown})
}

func (k *scriptedSkill) use(script func(activity.Activity) (int, []activity.Activity)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.script = script
}

func (k *scriptedSkill) received() []activity.Activity {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.got)
}

func (k *scriptedSkill) last() activity.Activity {
	k.tb.Helper()
	got := k.received()
	if len(got) == 0 {
		k.tb.Fatal("the skill was not called")
	}
	return got[len(got)-1]
}

// waitText waits for words.
func (k *scriptedSkill) waitText(want string) activity.Activity {
	k.tb.Helper()
	return k.waitFor(func(a activity.Activity) bool { return a.Type == activity.TypeMessage && a.Text == want })
}

// waitFor waits for an activity: the page shows what the user does before the skill
// knows, and tells of typing beside.
func (k *scriptedSkill) waitFor(is func(activity.Activity) bool) activity.Activity {
	k.tb.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for ctx := patient(k.tb); ; {
		if got := k.received(); slices.ContainsFunc(got, is) {
			return got[slices.IndexFunc(got, is)]
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			k.tb.Fatalf("the skill was told %+v, and not what was waited for", k.received())
		}
	}
}

func chatURL(s *sandbox.Sandbox, conversation activity.ConversationID) string {
	return s.URL() + "/teams/v3/conversations/" + url.PathEscape(string(conversation)) + "/activities"
}

func botToken(ctx context.Context, tb testing.TB, s *sandbox.Sandbox) string {
	tb.Helper()
	token, err := credentials(s, "COPILOT", "https://api.botframework.com/.default").Token(ctx)
	if err != nil {
		tb.Fatalf("bot's token: %v", err)
	}
	return token.AccessToken
}

// send makes one call and returns its status, or 0 when no answer came.
func send(ctx context.Context, tb testing.TB, method, target, token string, v any) int {
	tb.Helper()
	status, _ := sendRead(ctx, tb, method, target, token, v)
	return status
}

func sendRead(ctx context.Context, tb testing.TB, method, target, token string, v any) (int, []byte) {
	tb.Helper()
	encoded, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(encoded))
	if err != nil {
		tb.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, body
}

// patient ends a test that waits for what never comes.
func patient(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	tb.Cleanup(cancel)
	return ctx
}

// say is what a user says; the copilot must not apologise.
func say(tb testing.TB, u sandbox.User, texts ...string) {
	tb.Helper()
	sandboxtest.Say(tb, u, texts...)
}

// chat returns who said what.
func chat(u sandbox.User) []string {
	var all []string
	for _, line := range u.Lines() {
		all = append(all, string(line.Author)+": "+line.Text)
	}
	return all
}

func wantChat(tb testing.TB, u sandbox.User, want ...string) {
	tb.Helper()
	if diff := cmp.Diff(want, chat(u)); diff != "" {
		tb.Errorf("chat (-want +got):\n%s", diff)
	}
}

func oidcFor(audience string) *oidc.Config { return &oidc.Config{ClientID: audience} }

func cmpEmpty() cmp.Option { return cmpopts.EquateEmpty() }
