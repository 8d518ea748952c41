package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// turn is an activity as Copilot Studio posts it, with members replaced.
func turn(w *world, id string, members map[string]any) map[string]any {
	a := map[string]any{
		"type": "message", "id": id, "text": "hello", "channelId": "msteams",
		"serviceUrl":   w.sandbox.URL() + "/pvaruntime/api/runtime/bots/" + copilotID + "/skillsV2/",
		"from":         map[string]any{"id": "29:u", "name": "Ann", "aadObjectId": "00000000-0000-4000-8000-000000000029"},
		"conversation": map[string]any{"id": "a:c1", "conversationType": "personal", "tenantId": tenantID},
	}
	for name, value := range members {
		if value == nil {
			delete(a, name)
		} else {
			a[name] = value
		}
	}
	return a
}

func event(name string) map[string]any {
	return map[string]any{"type": "event", "name": name, "text": nil}
}

func TestBadActivities(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{}, "LIAISON_MAX_BODY=4KiB")
	good := sandboxtest.Mint(t, w.sandbox, sandbox.Token{})
	for name, row := range map[string]struct {
		token  string
		body   any
		status int
	}{
		"not JSON":                {good, []byte("hello"), 400},
		"not JSON from nobody":    {"", []byte("hello"), 401},
		"no type":                 {good, turn(w, "1", map[string]any{"type": nil}), 400},
		"no conversation":         {good, turn(w, "1", map[string]any{"conversation": nil}), 400},
		"no channel":              {good, turn(w, "1", map[string]any{"channelId": nil}), 400},
		"no sender":               {good, turn(w, "1", map[string]any{"from": nil}), 400},
		"event without name":      {good, turn(w, "1", map[string]any{"type": "event"}), 400},
		"no serviceUrl":           {good, turn(w, "1", map[string]any{"serviceUrl": nil}), 400},
		"foreign serviceUrl":      {good, turn(w, "1", map[string]any{"serviceUrl": "https://smba.trafficmanager.net.evil.example/"}), 400},
		"too large":               {good, turn(w, "1", map[string]any{"text": strings.Repeat("x", 5000)}), 413},
		"no token":                {"", turn(w, "1", nil), 401},
		"nonsense token":          {"x", turn(w, "1", nil), 401},
		"expired token":           {sandboxtest.Mint(t, w.sandbox, sandbox.Token{Claims: map[string]any{"exp": time.Now().Add(-6 * time.Minute).Unix()}}), turn(w, "1", nil), 401},
		"caller not allowed":      {sandboxtest.Mint(t, w.sandbox, sandbox.Token{Claims: map[string]any{"azp": "cccccccc-0000-4000-8000-000000000003"}}), turn(w, "1", nil), 403},
		"stranger's key":          {sandboxtest.Mint(t, w.sandbox, sandbox.Token{Key: sandbox.KeyStranger}), turn(w, "1", nil), 401},
		"unknown invoke":          {good, turn(w, "1", map[string]any{"type": "invoke", "name": "x/y"}), 501},
		"unknown type":            {good, turn(w, "1", map[string]any{"type": "somethingNew"}), 202},
		"unknown event":           {good, turn(w, "1", event("somethingNew")), 202},
		"reaction":                {good, turn(w, "1", map[string]any{"type": "messageReaction"}), 202},
		"old timestamp":           {good, turn(w, "1", map[string]any{"type": "typing", "timestamp": "2020-01-01T00:00:00Z"}), 202},
		"health check":            {good, map[string]any{"type": "endOfConversation"}, 202},
		"health check, addressed": {good, turn(w, "1", map[string]any{"type": "endOfConversation"}), 202},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, answer := w.post(t, "/api/messages", row.token, row.body)
			if status != row.status {
				t.Errorf("status %d %s, want %d", status, answer, row.status)
			}
			if status == 202 && answer != "" {
				t.Errorf("body %q, want none", answer)
			}
		})
	}
	t.Cleanup(func() {
		if n := len(w.sandbox.Requests(sandbox.SkillHost)) + len(w.sandbox.Requests(sandbox.Connector)); n > 0 {
			t.Errorf("%d calls followed from what should have no effect", n)
		}
		if strings.Contains(w.log.String(), good) {
			t.Error("a token is in the log")
		}
	})
}

func TestWrongMethod(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{})
	for _, path := range []string{"/api/messages", "/api/livechat/messages"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.service.url()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != http.MethodPost {
			t.Errorf("GET %s: status %d, Allow %q", path, resp.StatusCode, resp.Header.Get("Allow"))
		}
	}
}

// TestOtherChannels refuses politely where agents could not answer.
func TestOtherChannels(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{})
	token := sandboxtest.Mint(t, w.sandbox, sandbox.Token{})
	for _, channel := range []string{"directline", "pva-studio"} {
		body := turn(w, "1", event("startConversation"))
		body["channelId"], body["deliveryMode"] = channel, "expectReplies"
		status, answer := w.post(t, "/api/messages", token, body)
		if status != 200 || !strings.Contains(answer, "Microsoft Teams only") || !strings.Contains(answer, `"endOfConversation"`) ||
			!strings.Contains(answer, `"status":"unavailable"`) {
			t.Errorf("%s: status %d, %s", channel, status, answer)
		}
	}
	body := turn(w, "2", event("startConversation"))
	body["channelId"], body["deliveryMode"] = "msteams:COPILOT", "expectReplies"
	if status, answer := w.post(t, "/api/messages", token, body); status != 200 || !strings.Contains(answer, `"LiveChatConversationId":"`) {
		t.Errorf("msteams:COPILOT: status %d, %s", status, answer)
	}
}

// sign signs a webhook body as Standard Webhooks want it.
func sign(id string, at time.Time, body string) []string {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.%s", id, at.Unix(), body)
	return []string{
		"webhook-id", id, "webhook-timestamp", fmt.Sprint(at.Unix()),
		"webhook-signature", "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)),
	}
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{})
	user := w.sandbox.User("Megan")
	sandboxtest.Say(t, user, "talk to a person", "help")
	c := w.chat(t)
	ended := w.sandbox.User("Lee")
	sandboxtest.Say(t, ended, "talk to a person", "help")
	eventually(t, "two conversations", func() bool { return len(w.chats(t)) == 2 })
	sandboxtest.Say(t, ended, "good bye")
	var over string
	for _, other := range w.chats(t) {
		if other.ID != c.ID {
			over = other.ID
		}
	}
	body := func(conversation, text string) string {
		return fmt.Sprintf(`{"ConversationId":%q,"Id":"w-%s","Message":%q,"Sender":"Ada"}`, conversation, text, text)
	}
	for name, row := range map[string]struct {
		body     string
		unsigned bool
		at       time.Time
		status   int
	}{
		"good":                 {body: body(c.ID, "hello"), status: 204},
		"unsigned":             {body: body(c.ID, "x"), unsigned: true, status: 401},
		"old":                  {body: body(c.ID, "x"), at: time.Now().Add(-6 * time.Minute), status: 401},
		"unknown conversation": {body: body("nobody", "x"), status: 404},
		"ended conversation":   {body: body(over, "x"), status: 409},
		"malformed":            {body: `{"ConversationId":`, status: 400},
		"empty text":           {body: body(c.ID, ""), status: 400},
		"no conversation":      {body: `{"message":"x","sender":"y"}`, status: 400},
		"other event":          {body: fmt.Sprintf(`{"conversationId":%q,"event":"survey"}`, c.ID), status: 204},
	} {
		if row.at.IsZero() {
			row.at = time.Now()
		}
		var header []string
		if !row.unsigned {
			header = sign(name, row.at, row.body)
		}
		status, answer := w.post(t, "/api/livechat/messages", "", []byte(row.body), header...)
		if status != row.status {
			t.Errorf("%s: status %d %s, want %d", name, status, answer, row.status)
		}
		if status == 204 && answer != "" {
			t.Errorf("%s: body %q: some hubs would show it to the user", name, answer)
		}
	}
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "**Ada**: hello")
	for range 3 {
		status, _ := w.post(t, "/api/livechat/messages", "", []byte(body(c.ID, "hello")), sign("again", time.Now(), body(c.ID, "hello"))...)
		if status != 204 {
			t.Errorf("a repeat got %d", status)
		}
	}
	w.post(t, "/api/livechat/messages", "", []byte(body(c.ID, "last")), sign("last", time.Now(), body(c.ID, "last"))...)
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "last")
	if said := byAuthor(user, sandbox.ByAgent); len(said) != 2 {
		t.Errorf("the user sees %q, want the repeated line once", said)
	}
}
