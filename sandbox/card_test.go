package sandbox_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/card"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// object is JSON.
type object = map[string]any

// withCards is a message with attachments.
func withCards(attachments ...object) object {
	return object{"type": "message", "attachments": attachments}
}

func survey() object {
	return object{"contentType": card.TypeAdaptive, "content": object{
		"type": "AdaptiveCard", "version": "1.5",
		"body": []object{
			{"type": "TextBlock", "text": "How was it?"},
			{"type": "Input.Rating", "id": "stars", "isRequired": true},
		},
		"actions": []object{{"type": "Action.Submit", "title": "Send", "data": object{"survey": 7}}},
	}}
}

func picks() object {
	return object{"contentType": card.TypeHero, "content": object{"title": "Pick", "buttons": []object{
		{"type": "imBack", "title": "Track", "value": "track it"},
		{"type": "messageBack", "title": "Refund", "text": "refund", "displayText": "I want a refund", "value": object{"order": 7}},
		{"type": "openUrl", "title": "Terms", "value": "https://example.com/terms"},
	}}}
}

// withSkill is a user whose live chat is open, and the skill.
func withSkill(tb testing.TB, cfg sandbox.Config) (*sandbox.Sandbox, *scriptedSkill, sandbox.User) {
	tb.Helper()
	s := start(tb, cfg)
	k := newSkill(tb, s)
	alex := s.User("Alex")
	escalated(tb, alex)
	return s, k, alex
}

// posted posts v into the user's chat as the bot, and returns the id of the line.
func posted(tb testing.TB, s *sandbox.Sandbox, u sandbox.User, v any) string {
	tb.Helper()
	status, body := sendRead(tb.Context(), tb, http.MethodPost, chatURL(s, u.Conversation()), botToken(tb.Context(), tb, s), v)
	var answer struct{ ID string }
	if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusCreated {
		tb.Fatalf("status %d %s: %v", status, body, err)
	}
	return answer.ID
}

// wire is the activity the skill got last, as it was written.
func wire(tb testing.TB, s *sandbox.Sandbox) object {
	tb.Helper()
	calls := s.Calls()
	var a object
	if err := json.Unmarshal(calls[len(calls)-1].Body, &a); err != nil {
		tb.Fatal(err)
	}
	return a
}

func TestPressedButtonsReachWhoeverHasTheConversation(t *testing.T) {
	t.Parallel()
	s, k, alex := withSkill(t, sandbox.Config{})
	line := posted(t, s, alex, withCards(survey(), picks()))
	before := len(alex.Lines())

	sandboxtest.Press(t, alex, line, "Send", map[string]string{"stars": "4"})
	if a := k.last(); a.Text != "" || string(a.Value) != `{"stars":4,"survey":7}` || a.ReplyToID != line || a.Type != activity.TypeMessage {
		t.Errorf("a submit: %+v", a)
	}
	sandboxtest.Press(t, alex, line, "Refund", nil)
	if a := k.last(); a.Text != "refund" || string(a.Value) != `{"order":7}` || a.ReplyToID != line {
		t.Errorf("a messageBack: %+v", a)
	}
	sandboxtest.Press(t, alex, line, "Track", nil)
	if a := k.last(); a.Text != "track it" || a.Value != nil || a.ReplyToID != "" {
		t.Errorf("an imBack: %+v", a)
	}
	calls := len(s.Calls())
	sandboxtest.Press(t, alex, line, "Terms", nil)
	if len(s.Calls()) != calls {
		t.Error("a link called the skill")
	}
	if diff := cmp.Diff([]string{"user: I want a refund", "user: track it"}, chat(alex)[before:]); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	if got := alex.Lines()[before-1].Pressed; got != "Refund" {
		t.Errorf("the card shows %q as sent", got)
	}
}

func TestPressedButtonsReachTheTopicWhenNoSkillHasTheUser(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	newSkill(t, s)
	alex := s.User("Alex")
	line := posted(t, s, alex, withCards(survey()))
	sandboxtest.Press(t, alex, line, "Send", map[string]string{"stars": "5"})
	say(t, alex, "Hello")
	sandboxtest.Press(t, alex, alex.Lines()[3].ID, "Talk to a person", nil)
	want := []string{
		"agent: ", "copilot: " + sandbox.Noted, "user: Hello", "copilot: " + sandbox.Greeting,
		"user: Talk to a person", "copilot: " + sandbox.AskProblem,
	}
	wantChat(t, alex, want...)
	if n := len(s.Calls()); n != 0 {
		t.Errorf("the skill was called %d times", n)
	}
}

func TestButtonsThatAreNotThereCannotBePressed(t *testing.T) {
	t.Parallel()
	s, _, alex := withSkill(t, sandbox.Config{})
	line := posted(t, s, alex, withCards(survey()))
	for name, row := range map[string]struct {
		line, title string
		inputs      map[string]string
	}{
		"on no line":               {"1", "Send", nil},
		"of no such title":         {line, "Order", nil},
		"without what is required": {line, "Send", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := alex.Press(patient(t), row.line, row.title, row.inputs); err == nil {
				t.Error("pressed")
			}
		})
	}
}

func TestSuggestedActionsShowThree(t *testing.T) {
	t.Parallel()
	s, k, alex := withSkill(t, sandbox.Config{})
	var actions []object
	for _, title := range []string{"One", "Two", "Three", "Four"} {
		actions = append(actions, object{"type": "imBack", "title": title, "value": "say " + title})
	}
	line := posted(t, s, alex, object{"type": "message", "text": "?", "suggestedActions": object{"actions": actions}})
	sandboxtest.Press(t, alex, line, "Three", nil)
	if got := k.last().Text; got != "say Three" {
		t.Errorf("said %q", got)
	}
	if err := alex.Press(patient(t), line, "Four", nil); err == nil {
		t.Error("a fourth is shown")
	}
	posted(t, s, alex, object{"type": "message", "attachments": []object{picks()}, "suggestedActions": object{"actions": actions}})
	if diff := cmp.Diff([]string{"suggested actions beside attachments are not shown"}, s.Violations()); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

func TestConnectorRefusesContentTeamsDoesNotShow(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	target, token := chatURL(s, s.User("Alex").Conversation()), botToken(t.Context(), t, s)
	big := survey()
	big["content"].(object)["body"] = []object{{"type": "TextBlock", "text": strings.Repeat("é", 60_000)}}
	for _, row := range []struct {
		name   string
		body   object
		status int
		code   string
	}{
		{"a card of no sense", withCards(object{"contentType": card.TypeAdaptive, "content": object{"type": "AdaptiveCard"}}), 400, "BadArgument"},
		{"a card as large as no message", withCards(big), 413, "MessageSizeTooBig"},
		{"a type of its own", withCards(object{"contentType": "application/pdf", "contentUrl": "https://example.com/a.pdf"}), 400, "BadArgument"},
		{"a suggestion that opens a link", object{"type": "message", "suggestedActions": object{"actions": []object{{"type": "openUrl", "title": "x", "value": "https://example.com"}}}}, 400, "BadArgument"},
		{"a suggestion of no type", object{"type": "message", "suggestedActions": object{"actions": []object{{"title": "x"}}}}, 400, "BadArgument"},
		{"a consent to nothing", withCards(object{"contentType": "application/vnd.microsoft.teams.card.file.consent", "name": "a.txt", "content": object{}}), 400, "BadArgument"},
		{"a file that was not uploaded", withCards(object{"contentType": "application/vnd.microsoft.teams.card.file.info", "name": "a", "contentUrl": "https://example.com", "content": object{"uniqueId": "1"}}), 400, "BadArgument"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			status, body := sendRead(t.Context(), t, http.MethodPost, target, token, row.body)
			if status != row.status || code(t, body) != row.code {
				t.Errorf("%d %s, want %d %s", status, body, row.status, row.code)
			}
		})
	}
}

func TestHostTakesCardsOfTheSkill(t *testing.T) {
	t.Parallel()
	s, k, alex := withSkill(t, sandbox.Config{})
	post := func(v any) (int, []byte) {
		target := strings.Replace(chatURL(s, alex.Conversation()), "/teams/", "/pvaruntime/api/runtime/bots/"+copilot+"/skillsV2/", 1)
		token, err := credentials(s, "SKILL", copilot+"/.default").Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return sendRead(t.Context(), t, http.MethodPost, target, token.AccessToken, v)
	}
	if status, body := post(withCards(object{"contentType": card.TypeHero, "content": object{}})); status != http.StatusBadRequest || code(t, body) != "BadArgument" {
		t.Errorf("nonsense: %d %s", status, body)
	}
	if status, body := post(withCards(picks())); status != http.StatusOK {
		t.Fatalf("a card: %d %s", status, body)
	}
	lines := alex.Lines()
	sandboxtest.Press(t, alex, lines[len(lines)-1].ID, "Track", nil)
	if got := k.last().Text; got != "track it" {
		t.Errorf("said %q", got)
	}
}
