package sandbox_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
)

// shortPatience is that of a copilot which is to lose it. What is well takes a
// hundredth of it.
const shortPatience = 5 * time.Second

// escalated is a user whose live chat is open.
func escalated(tb testing.TB, u sandbox.User) {
	tb.Helper()
	say(tb, u, "I want to talk to a person", "My order is late")
	if got := u.Holder(); got != sandbox.WaitingPerson {
		tb.Fatalf("after the escalation the conversation is with %s:\n%s", got, strings.Join(chat(u), "\n"))
	}
}

func TestConversationFromGreetingToGoodbye(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]sandbox.Config{
		"Copilot Studio":                {},
		"Bot Framework":                 {Style: sandbox.StyleBotFramework},
		"Copilot Studio, inline":        {ExpectReplies: true},
		"Bot Framework, inline replies": {Style: sandbox.StyleBotFramework, ExpectReplies: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, config)
			skill := newSkill(t, s)
			alex := s.User("Alex")
			say(t, alex, "Hello")
			escalated(t, alex)
			if status := skill.proactive(t.Context(), alex.Conversation(), "**Contoso Support**: hi"); status != http.StatusCreated {
				t.Fatalf("proactive message: %d", status)
			}
			if err := alex.WaitHolder(patient(t), sandbox.WithPerson); err != nil {
				t.Fatal(err)
			}
			say(t, alex, "It is number 7", "good bye", "Hello")
			wantChat(t, alex,
				"user: Hello", "copilot: "+sandbox.Greeting,
				"user: I want to talk to a person", "copilot: "+sandbox.AskProblem,
				"user: My order is late", "copilot: "+sandbox.Connecting,
				"agent: **Contoso Support**: hi", "user: It is number 7",
				"user: good bye", "copilot: "+sandbox.Back,
				"user: Hello", "copilot: "+sandbox.Greeting)
			wantCalls(t, skill, `event startConversation {}`,
				`message My order is late {"LiveChatConversationId":"chat-1","ProblemDescription":"My order is late"}`,
				`message It is number 7 `, `event endConversation {"LiveChatConversationId":"chat-1"}`)
			if v := s.Violations(); len(v) > 0 {
				t.Errorf("violations: %v", v)
			}
		})
	}
}

func wantCalls(tb testing.TB, k *scriptedSkill, want ...string) {
	tb.Helper()
	var got []string
	for _, a := range k.received() {
		got = append(got, a.Type+" "+a.Name+a.Text+" "+string(a.Value))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("calls of the skill (-want +got):\n%s", diff)
	}
}

func TestSkillThatOpensNoChat(t *testing.T) {
	t.Parallel()
	end := func(code string, value string) activity.Activity {
		return activity.Activity{Type: activity.TypeEndOfConversation, Code: code, Value: json.RawMessage(value)}
	}
	for _, row := range []struct {
		name     string
		status   int
		replies  []activity.Activity
		apology  bool
		want     []string
		patience time.Duration // of the copilot, where it is to come to an end
	}{
		{"says why", 202, []activity.Activity{{Type: activity.TypeMessage, Text: "We are closed."}, end("error", "")}, false, []string{"copilot: We are closed.", "copilot: " + sandbox.NotNow}, 0},
		{"says nothing", 202, []activity.Activity{end("unknown", "")}, false, []string{"copilot: Nobody can be reached right now. " + sandbox.NotNow}, 0},
		{"gives no id", 202, []activity.Activity{end(activity.CodeCompleted, `{}`)}, true, []string{"copilot: " + sandbox.Sorry}, 0},
		{"never ends", 202, nil, true, []string{"copilot: " + sandbox.Sorry}, shortPatience},
		{"answers 500", 500, nil, true, []string{"copilot: " + sandbox.Sorry}, 0},
		{"answers 500 although it ended", 500, []activity.Activity{end(activity.CodeCompleted, `{"LiveChatConversationId":"x"}`)}, true, []string{"copilot: " + sandbox.Sorry}, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, sandbox.Config{Patience: row.patience})
			k := newSkill(t, s)
			k.use(func(activity.Activity) (int, []activity.Activity) { return row.status, row.replies })
			lee := s.User("Lee")
			say(t, lee, "agent please")
			err := lee.Say(patient(t), "It is broken")
			if (err != nil) != row.apology {
				t.Errorf("say: %v", err)
			}
			wantChat(t, lee, append([]string{"user: agent please", "copilot: " + sandbox.AskProblem, "user: It is broken"}, row.want...)...)
			if h := lee.Holder(); h != sandbox.WithCopilot {
				t.Errorf("with %s", h)
			}
			k.use(polite)
			escalated(t, lee)
		})
	}
}

func TestSkillThatIsDownIsAnApologyAndNotTheEnd(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	k := newSkill(t, s)
	lee := s.User("Lee")
	escalated(t, lee)
	k.use(func(activity.Activity) (int, []activity.Activity) { return http.StatusServiceUnavailable, nil })
	if err := lee.Say(patient(t), "Are you there?"); err == nil {
		t.Error("say: no error")
	}
	say(t, lee, "hi")
	if lines := chat(lee); lines[len(lines)-1] != "copilot: "+sandbox.Greeting {
		t.Errorf("the copilot is not back: %v", lines)
	}
}

func TestSkillLetsTheUserGoOutOfTurn(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		value string
		want  []string
	}{
		"silently":                 {"", nil},
		"with words to answer":     {`{"PendingText":"Hello"}`, []string{"copilot: " + sandbox.Greeting}},
		"with a value of no shape": {`"text"`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, sandbox.Config{})
			k := newSkill(t, s)
			alex := s.User("Alex Wilber")
			escalated(t, alex)
			before := len(alex.Lines())
			end := activity.Activity{Type: activity.TypeEndOfConversation, Code: activity.CodeCompleted, ReplyToID: k.received()[0].ID, Value: json.RawMessage(row.value)}
			if status := k.post(t.Context(), k.last(), end); status != http.StatusOK {
				t.Fatalf("endOfConversation: %d", status)
			}
			if err := alex.WaitHolder(patient(t), sandbox.WithCopilot); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, chat(alex)[before:], cmpEmpty()); diff != "" {
				t.Errorf("said then (-want +got):\n%s", diff)
			}
			say(t, alex, "good bye")
			if k.last().Type != activity.TypeMessage {
				t.Error("the skill was called although it let the user go")
			}
		})
	}
}

func TestLateCopyOfAnEndingChangesNothing(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	k := newSkill(t, s)
	alex := s.User("Alex")
	escalated(t, alex)
	opening := k.received()[0]
	_, copies := polite(opening)
	copies[0].ReplyToID = opening.ID
	if status := k.post(t.Context(), opening, copies[0]); status != http.StatusOK {
		t.Fatalf("copy: %d", status)
	}
	if h := alex.Holder(); h != sandbox.WaitingPerson {
		t.Errorf("with %s after a copy of the first ending", h)
	}
}

func TestLateEndingDoesNotAnswerTheNextCall(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{Patience: shortPatience})
	k := newSkill(t, s)
	lee := s.User("Lee")
	k.use(func(activity.Activity) (int, []activity.Activity) { return http.StatusAccepted, nil })
	say(t, lee, "human")
	if err := lee.Say(patient(t), "It is broken"); err == nil {
		t.Fatal("no apology")
	}
	late := k.last()
	k.use(func(a activity.Activity) (int, []activity.Activity) {
		status, replies := polite(a)
		if a.Name == "startConversation" {
			wrong := activity.Activity{Type: activity.TypeEndOfConversation, Code: activity.CodeError, ReplyToID: late.ID}
			k.post(t.Context(), a, wrong)
		}
		return status, replies
	})
	escalated(t, lee)
}

func TestTurnsOfOneUserKeepTheirOrder(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	k := newSkill(t, s)
	alex := s.User("Alex")
	escalated(t, alex)
	entered, overtaken := make(chan struct{}), make(chan struct{})
	k.use(func(a activity.Activity) (int, []activity.Activity) {
		if a.Text == "two" {
			close(overtaken)
			return http.StatusAccepted, nil
		}
		close(entered)
		select {
		case <-overtaken:
			t.Error("the second turn did not wait for the first")
		case <-time.After(200 * time.Millisecond): // as long as the second turn may need to overtake
		}
		return http.StatusAccepted, nil
	})
	results := make(chan error, 2)
	go func() { results <- alex.Say(t.Context(), "one") }()
	<-entered
	go func() { results <- alex.Say(t.Context(), "two") }()
	if err := errors.Join(<-results, <-results); err != nil {
		t.Fatal(err)
	}
	if text := k.last().Text; text != "two" {
		t.Errorf("last is %q", text)
	}
}
