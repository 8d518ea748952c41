package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
)

const (
	botApp   = "cccccccc-0000-4000-8000-000000000003"
	deepLink = "https://teams.microsoft.com/l/chat/0/0?users=28:" + botApp + "&continuation="
	manifest = `{"composeExtensions":[{"botId":"` + botApp + `","commands":[
		{"id":"person","title":"Talk to a person","parameters":[{"name":"reason"}]},
		{"id":"find","title":"Search","parameters":[{"name":"query"}]}]}]}`
)

// A scriptedBot is a bot on a real HTTP server, which answers invokes as it is told.
type scriptedBot struct {
	mu     sync.Mutex
	status int
	answer string
	got    []activity.Activity
}

// withBot runs the bot of a sandbox that has its app.
func withBot(tb testing.TB, cfg sandbox.Config) (*sandbox.Sandbox, *scriptedBot) {
	tb.Helper()
	cfg.BotAppID = botApp
	s := start(tb, cfg)
	b := &scriptedBot{status: http.StatusOK, answer: result("tok")}
	server := httptest.NewServer(b)
	tb.Cleanup(server.Close)
	s.SetSkillURL(server.URL + "/api/messages")
	if err := s.InstallApp([]byte(manifest)); err != nil {
		tb.Fatal(err)
	}
	return s, b
}

func (b *scriptedBot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var a activity.Activity
	_ = json.NewDecoder(r.Body).Decode(&a)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, a)
	w.WriteHeader(b.status)
	_, _ = io.WriteString(w, b.answer)
}

func (b *scriptedBot) set(status int, answer string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status, b.answer = status, answer
}

func (b *scriptedBot) last() activity.Activity {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.got[len(b.got)-1]
}

// result is an answer of one card, whose button leads to a bot with a token.
func result(token string) string {
	return `{"composeExtension":{"type":"result","attachmentLayout":"list","attachments":[{
		"contentType":"application/vnd.microsoft.card.adaptive",
		"content":{"type":"AdaptiveCard","version":"1.5","body":[{"type":"TextBlock","text":"Chai"}],
			"actions":[{"type":"Action.OpenUrl","title":"Talk","url":"` + deepLink + token + `"}]},
		"preview":{"contentType":"application/vnd.microsoft.card.thumbnail","content":{"title":"Chai","text":"Tea"}}}]}}`
}

func TestCopilot_asks_the_extension_for_what_the_prompt_is_about(t *testing.T) {
	t.Parallel()
	s, b := withBot(t, sandbox.Config{})
	lee := s.User("Lee")
	for _, row := range []struct{ prompt, command, parameter, value string }{
		{"Please show me the teas we have in stock!", "find", "query", "tea"},
		{"I need to talk to a person", "person", "reason", "Please show me the teas we have in stock!"},
		{
			"I want to talk to a person about the order of 40 chairs that arrived late", "person", "reason",
			"I want to talk to a person about the order of 40 chairs that arrived late",
		},
	} {
		answer, err := lee.AskCopilot(t.Context(), row.prompt)
		if err != nil || answer.Command != row.command || len(answer.Results) != 1 || answer.Results[0].Title != "Chai" {
			t.Errorf("%s: %+v, %v", row.prompt, answer, err)
		}
		var value struct {
			CommandID  string
			Parameters []struct{ Name, Value string }
		}
		a := b.last()
		if err := json.Unmarshal(a.Value, &value); err != nil {
			t.Fatal(err)
		}
		if value.CommandID != row.command || value.Parameters[0].Name != row.parameter || value.Parameters[0].Value != row.value {
			t.Errorf("%s: asked %s", row.prompt, a.Value)
		}
		if a.Name != "composeExtension/query" || a.Recipient.ID != "28:"+botApp || !strings.Contains(string(a.ChannelData), `"source":{"name":"copilot"}`) {
			t.Errorf("%s: sent %+v", row.prompt, a)
		}
	}
	if chat := lee.CopilotChat(); len(chat) != 3 {
		t.Errorf("the chat is %+v", chat)
	}
	if lee.ClearCopilot(); len(lee.CopilotChat()) != 0 {
		t.Error("a new chat is not empty")
	}
}

func TestCopilot_shows_no_answer_that_is_none(t *testing.T) {
	t.Parallel()
	s, b := withBot(t, sandbox.Config{})
	lee := s.User("Lee")
	for name, row := range map[string]struct {
		status int
		answer string
	}{
		"refused":    {http.StatusTooManyRequests, `{}`},
		"no JSON":    {http.StatusOK, `x`},
		"no type":    {http.StatusOK, `{"composeExtension":{}}`},
		"no preview": {http.StatusOK, strings.Replace(result("t"), `"preview"`, `"x"`, 1)},
		"no card":    {http.StatusOK, strings.Replace(result("t"), `"TextBlock"`, `"Video"`, 1)},
	} {
		b.set(row.status, row.answer)
		if answer, err := lee.AskCopilot(t.Context(), "tea"); err == nil || len(answer.Results) != 0 || answer.Text == "" {
			t.Errorf("%s: %+v, %v", name, answer, err)
		}
	}
	b.set(http.StatusOK, `{"composeExtension":{"type":"message","text":"not now"}}`)
	if answer, err := lee.AskCopilot(t.Context(), "tea"); err != nil || answer.Text != "not now" {
		t.Errorf("a message: %+v, %v", answer, err)
	}
	if err := s.InstallApp([]byte(strings.ReplaceAll(manifest, botApp, skill))); err == nil {
		t.Error("another bot's app is installed")
	}
}

func TestFollow_gives_the_bot_the_links_token_in_its_own_chat(t *testing.T) {
	t.Parallel()
	s, b := withBot(t, sandbox.Config{})
	lee := s.User("Lee")
	b.set(http.StatusOK, "")
	if err := lee.Follow(t.Context(), deepLink+"a%2Bb"); err != nil {
		t.Fatal(err)
	}
	a := b.last()
	if a.Name != "handoff/action" || string(a.Value) != `{"continuation":"a+b"}` || !strings.HasPrefix(a.ID, "f:") ||
		a.Conversation.ID != lee.Bot().Conversation() || a.From.ID != lee.Bot().ID() || a.From.AADObjectID != lee.Profile().ObjectID {
		t.Errorf("sent %+v %s", a, a.Value)
	}
	b.set(http.StatusServiceUnavailable, "")
	if err := lee.Follow(t.Context(), deepLink+"x"); err == nil {
		t.Error("a refused link is followed")
	}
	n := len(b.got)
	for _, link := range []string{
		deepLink, "https://teams.microsoft.com/l/chat/0/0?users=28:" + copilot + "&continuation=x", "https://evil.example/l/chat/0/0?continuation=x",
		"http" + strings.TrimPrefix(deepLink+"x", "https"), deepLink + strings.Repeat("x", 2048), ":",
	} {
		if err := lee.Follow(t.Context(), link); err == nil || len(b.got) != n {
			t.Errorf("%.80s is followed", link)
		}
	}
}

// TestBot_has_a_chat_of_its_own where Teams calls it, where it alone can post, and
// which outlives a restart.
func TestBot_has_a_chat_of_its_own(t *testing.T) {
	t.Parallel()
	config := sandbox.Config{BotAppID: botApp, BotSecret: "bot-pa55word", StateFile: filepath.Join(t.TempDir(), "state.jsonl")}
	first, stop := run(t, config, "127.0.0.1:0")
	b := &scriptedBot{status: http.StatusAccepted}
	server := httptest.NewServer(b)
	defer server.Close()
	first.SetSkillURL(server.URL)
	own := first.User("Lee").Bot()
	say(t, own, "Hello")
	if a := b.last(); a.Text != "Hello" || a.Recipient.ID != "28:"+botApp || a.ServiceURL != first.URL()+"/teams/" || a.Conversation.ID != own.Conversation() {
		t.Errorf("the bot got %+v", a)
	}
	k := &scriptedSkill{tb: t, s: first}
	if status := k.proactive(t.Context(), own.Conversation(), "as the copilot"); status != http.StatusForbidden || len(first.Violations()) != 1 {
		t.Errorf("the copilot in the bot's chat: %d, violations %q", status, first.Violations())
	}
	token, err := credentials(first, "BOT", "https://api.botframework.com/.default").Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	hello := activity.Activity{Type: activity.TypeMessage, Text: "Hello Lee"}
	if status := send(t.Context(), t, http.MethodPost, chatURL(first, own.Conversation()), token.AccessToken, hello); status != http.StatusCreated {
		t.Errorf("the bot in its chat: %d", status)
	}
	stop()
	second, _ := run(t, config, "127.0.0.1:0")
	again := second.User("Lee").Bot()
	if diff := cmp.Diff(own.Lines(), again.Lines()); diff != "" || again.Conversation() != own.Conversation() || len(again.Lines()) != 2 {
		t.Errorf("after a restart (-before +after):\n%s", diff)
	}
	if n := len(second.User("Lee").Lines()); n != 0 {
		t.Errorf("%d lines in the copilot's chat", n)
	}
}
