package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

var hello = map[string]any{"type": "message", "text": "**Ann**: hello", "textFormat": "markdown"}

func TestConnectorTakesMessagesFromTheBotOnly(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	alex := s.User("Alex")
	for _, row := range []struct {
		name  string
		token sandbox.Token
		none  bool
		want  int
	}{
		{"the copilot's app", sandbox.Token{Kind: sandbox.ConnectorUse}, false, http.StatusCreated},
		{"no token", sandbox.Token{}, true, http.StatusUnauthorized},
		{"the skill's app", sandbox.Token{Kind: sandbox.ConnectorUse, Claims: map[string]any{"azp": skill}}, false, http.StatusUnauthorized},
		{"another audience", sandbox.Token{}, false, http.StatusUnauthorized},
		{"expired", sandbox.Token{Kind: sandbox.ConnectorUse, Claims: map[string]any{"exp": 1}}, false, http.StatusUnauthorized},
		{"a stranger's key", sandbox.Token{Kind: sandbox.ConnectorUse, Key: sandbox.KeyStranger}, false, http.StatusUnauthorized},
		{"unsigned", sandbox.Token{Kind: sandbox.ConnectorUse, Alg: "none"}, false, http.StatusUnauthorized},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var token string
			if !row.none {
				token = sandboxtest.Mint(t, s, row.token)
			}
			status, body := sendRead(t.Context(), t, http.MethodPost, chatURL(s, alex.Conversation()), token, hello)
			if status != row.want {
				t.Errorf("status %d, want %d: %s", status, row.want, body)
			}
			if status == http.StatusUnauthorized && code(t, body) != "AuthorizationError" {
				t.Errorf("body %s", body)
			}
		})
	}
}

func code(tb testing.TB, body []byte) string {
	tb.Helper()
	var answer struct {
		Error struct{ Code string }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		tb.Fatalf("error body %q: %v", body, err)
	}
	return answer.Error.Code
}

func TestConnectorRefuses(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	token := botToken(t.Context(), t, s)
	mine := chatURL(s, s.User("Alex").Conversation())
	for _, row := range []struct {
		name, method, url string
		body              any
		status            int
		code              string
	}{
		{"an unknown conversation", "POST", s.URL() + "/teams/v3/conversations/a:1none/activities", hello, 404, "ConversationNotFound"},
		{"an endOfConversation", "POST", mine, map[string]any{"type": "endOfConversation"}, 400, "BadArgument"},
		{"an event", "POST", mine, map[string]any{"type": "event", "name": "x"}, 400, "BadArgument"},
		{"what is no activity", "POST", mine, []int{1}, 400, "BadSyntax"},
		{"an activity without type", "POST", mine, map[string]any{"text": "x"}, 400, "BadSyntax"},
		{"a huge message", "POST", mine, map[string]any{"type": "message", "text": strings.Repeat("x", 60_000)}, 413, "MessageSizeTooBig"},
		{"the edit of an unknown line", "PUT", mine + "/1", hello, 404, "ActivityNotFoundInConversation"},
		{"the deletion of an unknown line", "DELETE", mine + "/1", nil, 404, "ActivityNotFoundInConversation"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			status, body := sendRead(t.Context(), t, row.method, row.url, token, row.body)
			if status != row.status || code(t, body) != row.code {
				t.Errorf("%d %s, want %d %s", status, body, row.status, row.code)
			}
		})
	}
	if status := send(t.Context(), t, "POST", strings.Replace(mine, "/v3/", "//v3/", 1), token, hello); status != http.StatusNotFound {
		t.Errorf("a doubled slash: %d, want 404", status)
	}
}

func TestConnectorKeepsIDsOfAnyForm(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	alex := s.User("Alex")
	id := string(alex.Conversation())
	if !strings.ContainsAny(id, "/") || !strings.ContainsAny(id, "+") || !strings.ContainsAny(id, ";=@:") {
		t.Fatalf("conversation %s is too easy", id)
	}
	token := botToken(t.Context(), t, s)
	if status := send(t.Context(), t, "POST", chatURL(s, alex.Conversation()), token, hello); status != http.StatusCreated {
		t.Errorf("escaped: %d", status)
	}
	full := s.URL() + "/teams/v3/conversations/" + url.QueryEscape(id) + "/activities"
	if status := send(t.Context(), t, "POST", full, token, hello); status != http.StatusCreated {
		t.Errorf("every character escaped, %s: %d", full, status)
	}
	raw := s.URL() + "/teams/v3/conversations/" + id + "/activities"
	if status := send(t.Context(), t, "POST", raw, token, hello); status != http.StatusNotFound {
		t.Errorf("not escaped: %d, want 404", status)
	}
	if got := s.Requests(sandbox.Connector)[0].Path; !strings.Contains(got, "%2F") {
		t.Errorf("recorded path %s is not as it came", got)
	}
}

func TestConnectorEditsAndDeletesTheBotsOwnLines(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	alex := s.User("Alex")
	say(t, alex, "Hello")
	target, token := chatURL(s, alex.Conversation()), botToken(t.Context(), t, s)
	var answer struct{ ID string }
	_, body := sendRead(t.Context(), t, "POST", target, token, hello)
	if err := json.Unmarshal(body, &answer); err != nil || answer.ID == "" {
		t.Fatalf("answer %s: %v", body, err)
	}
	if status := send(t.Context(), t, "PUT", target+"/"+answer.ID, token, map[string]any{"type": "message", "text": "better"}); status != http.StatusOK {
		t.Errorf("edit: %d", status)
	}
	if got := alex.Lines()[2]; got.Text != "better" || !got.Edited {
		t.Errorf("edited line %+v", got)
	}
	if status := send(t.Context(), t, "DELETE", target+"/"+answer.ID, token, nil); status != http.StatusOK {
		t.Errorf("delete: %d", status)
	}
	if got := alex.Lines()[2]; got.Text != "" || !got.Deleted {
		t.Errorf("deleted line %+v", got)
	}
	if status := send(t.Context(), t, "DELETE", target+"/"+alex.Lines()[0].ID, token, nil); status != http.StatusNotFound {
		t.Errorf("delete the user's own line: %d, want 404", status)
	}
}

func TestConnectorHoldsAnEditToTheRulesOfAMessage(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	alex := s.User("Alex")
	target, token := chatURL(s, alex.Conversation())+"/"+posted(t, s, alex, withCards(survey())), botToken(t.Context(), t, s)
	for _, row := range []struct {
		name   string
		body   any
		status int
		code   string
	}{
		{"typing", object{"type": "typing"}, 400, "BadSyntax"},
		{"nonsense", withCards(object{"contentType": "application/pdf"}), 400, "BadArgument"},
		{"a huge text", object{"type": "message", "text": strings.Repeat("x", 60_000)}, 413, "MessageSizeTooBig"},
	} {
		status, body := sendRead(t.Context(), t, http.MethodPut, target, token, row.body)
		if status != row.status || code(t, body) != row.code {
			t.Errorf("%s: %d %s, want %d %s", row.name, status, body, row.status, row.code)
		}
	}
	if status := send(t.Context(), t, http.MethodPut, target, token, object{"type": "message", "text": "Thank you"}); status != http.StatusOK {
		t.Errorf("a text: %d", status)
	}
	if got := alex.Lines()[0]; got.Text != "Thank you" || got.Cards != nil || !got.Edited || got.Author != sandbox.ByAgent {
		t.Errorf("the card became %+v", got)
	}
}

func TestConnectorNotesWhatABotMustNotSend(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	target, token := chatURL(s, s.User("Alex").Conversation()), botToken(t.Context(), t, s)
	send(t.Context(), t, "POST", target, token, map[string]any{
		"type": "message", "id": "1", "timestamp": time.Now(), "text": "x",
		"conversation": map[string]string{"id": "other"}, "from": map[string]string{"id": "28:somebody"},
	})
	want := []string{
		"message carries id, which is the channel's to set",
		"message carries timestamp, which is the channel's to set",
		"message names another conversation than its path",
		"connector: from.id is not the bot's",
		"connector: typing more often than every two seconds",
	}
	dots := map[string]any{"type": "typing"}
	send(t.Context(), t, "POST", target, token, dots)
	if n := len(s.Violations()); n != len(want)-1 {
		t.Errorf("%d violations before the second typing: %v", n, s.Violations())
	}
	for ctx := patient(t); len(s.Violations()) < len(want) && ctx.Err() == nil; { // a machine may halt for two seconds
		send(ctx, t, "POST", target, token, dots)
	}
	if diff := cmp.Diff(want, s.Violations()); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

// untilThrottled makes calls, which end with a status, until one is refused for
// coming too soon, and checks how many were taken: least, and no more unless they
// took longer than a second together.
func untilThrottled(t *testing.T, least, status int, call func() int) {
	t.Helper()
	began, taken := time.Now(), 0
	got := call()
	for ; got == status && taken < 60; got = call() { // Teams takes so many in half a minute
		taken++
	}
	quick := time.Since(began) < time.Second
	if got != http.StatusTooManyRequests || taken < least || quick && taken > least {
		t.Errorf("status %d after %d, want 429 after %d", got, taken, least)
	}
}

func TestConnectorEnforcesTheLimitsOfTeams(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{Limits: true})
	target, token := chatURL(s, s.User("Alex").Conversation()), botToken(t.Context(), t, s)
	untilThrottled(t, 7, http.StatusCreated, func() int { return send(t.Context(), t, "POST", target, token, hello) })
	if status := send(t.Context(), t, "POST", chatURL(s, s.User("Lee").Conversation()), token, hello); status != http.StatusCreated {
		t.Errorf("another conversation: %d", status)
	}
}

func TestCreateConversationFindsTheOneThatIs(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	alex, token := s.User("Alex"), botToken(t.Context(), t, s)
	members := func(id string) any { return map[string]any{"members": []map[string]string{{"id": id}}} }
	status, body := sendRead(t.Context(), t, "POST", s.URL()+"/teams/v3/conversations", token, members(alex.ID()))
	var answer struct{ ID activity.ConversationID }
	if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusCreated || answer.ID != alex.Conversation() {
		t.Errorf("%d %s %v", status, body, err)
	}
	if status := send(t.Context(), t, "POST", s.URL()+"/teams/v3/conversations", token, members("29:1nobody")); status != http.StatusForbidden {
		t.Errorf("a stranger: %d, want 403", status)
	}
}

func TestRequestsKeepClaimsInsteadOfTokens(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	alex := s.User("Alex")
	token := botToken(t.Context(), t, s)
	send(t.Context(), t, "POST", chatURL(s, alex.Conversation()), token, hello)
	requests, err := s.WaitRequests(patient(t), sandbox.Connector, 1)
	if err != nil {
		t.Fatal(err)
	}
	got := requests[0]
	if got.Method != "POST" || got.Claims["azp"] != copilot || got.Status != http.StatusCreated || got.Header.Get("Authorization") != "" || !strings.Contains(string(got.Body), "**Ann**: hello") {
		t.Errorf("recorded %+v", got)
	}
}
