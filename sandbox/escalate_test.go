package sandbox_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
)

// opening is a skill that ends startConversation so.
func opening(code, value string) func(activity.Activity) (int, []activity.Activity) {
	return func(a activity.Activity) (int, []activity.Activity) {
		if a.Name != "startConversation" {
			return polite(a)
		}
		return http.StatusAccepted, []activity.Activity{{Type: activity.TypeEndOfConversation, Code: code, Value: json.RawMessage(value)}}
	}
}

func TestTopicBranchesOnTheOutputs(t *testing.T) {
	t.Parallel()
	const id = `"LiveChatConversationId":"c"`
	for _, row := range []struct {
		name, code, value string
		want              string
		holder            sandbox.Holder
	}{
		{"connected", "completedSuccessfully", `{` + id + `,"status":"connected"}`, sandbox.Connecting, sandbox.WaitingPerson},
		{"queued", "completedSuccessfully", `{` + id + `,"status":"queued"}`, sandbox.Queued + " Say **good bye** when you're done.", sandbox.WaitingPerson},
		{"queued with a place", "completedSuccessfully", `{` + id + `,"status":"queued","queuePosition":3,"estimatedWaitSeconds":61}`, sandbox.Queued + " You are number 3 in the queue. It should take about 2 minutes. Say **good bye** when you're done.", sandbox.WaitingPerson},
		{"queued for a moment", "completedSuccessfully", `{` + id + `,"status":"queued","estimatedWaitSeconds":20}`, sandbox.Queued + " It should take about a minute. Say **good bye** when you're done.", sandbox.WaitingPerson},
		{"unavailable", "completedSuccessfully", `{"status":"unavailable","reason":"outsideHours"}`, sandbox.Unavailable + " " + sandbox.NotNow, sandbox.WithCopilot},
		{"unavailable with an error", "error", `{"status":"unavailable","reason":"outsideHours"}`, sandbox.Unavailable + " " + sandbox.NotNow, sandbox.WithCopilot},
		{"failed", "error", `{"status":"failed","reason":"hubUnavailable"}`, sandbox.Unreached + " " + sandbox.NotNow, sandbox.WithCopilot},
		{"failed politely", "completedSuccessfully", `{"status":"failed"}`, sandbox.Unreached + " " + sandbox.NotNow, sandbox.WithCopilot},
		{"over already", "completedSuccessfully", `{` + id + `,"status":"ended"}`, sandbox.Unreached + " " + sandbox.NotNow, sandbox.WithCopilot},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, sandbox.Config{})
			k := newSkill(t, s)
			k.use(opening(row.code, row.value))
			lee := s.User("Lee")
			say(t, lee, "human", "It is broken")
			lines := chat(lee)
			if got := lines[len(lines)-1]; got != "copilot: "+row.want || lee.Holder() != row.holder {
				t.Errorf("%s, with %s; want %s, with %s", got, lee.Holder(), row.want, row.holder)
			}
			if got := string(lee.Outputs()); got != row.value {
				t.Errorf("outputs %s", got)
			}
			if v := s.Violations(); len(v) > 0 {
				t.Errorf("violations: %q", v)
			}
		})
	}
}

func TestTopicBindsItsVariables(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		atStart bool
		want    string
	}{
		"to the first message": {false, `{}`},
		"to the start, too":    {true, `{"Order":4711,"ProblemDescription":"It is broken","Vip":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, sandbox.Config{Switches: sandbox.Switches{StartInputs: row.atStart}})
			k := newSkill(t, s)
			lee := s.User("Lee")
			profile := lee.Profile()
			profile.Variables = map[string]any{"Order": 4711, "Vip": true}
			lee.SetProfile(profile)
			say(t, lee, "human", "It is broken")
			wantCalls(t, k, "event startConversation "+row.want,
				`message It is broken {"LiveChatConversationId":"chat-1","Order":4711,"ProblemDescription":"It is broken","Vip":true}`)
		})
	}
}

func TestSkillGivesTheUserBackWithASummaryAndWords(t *testing.T) {
	t.Parallel()
	_, k, alex := withSkill(t, sandbox.Config{})
	before := len(alex.Lines())
	value := `{"status":"ended","endedBy":"agent","summary":"The order is on its way.","pendingText":"talk to a person"}`
	end := activity.Activity{Type: activity.TypeEndOfConversation, Code: activity.CodeCompleted, Value: json.RawMessage(value)}
	if status := k.post(t.Context(), k.last(), end); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	want := []string{"copilot: " + sandbox.Summary + "The order is on its way.", "copilot: " + sandbox.AskProblem}
	if diff := cmp.Diff(want, chat(alex)[before:]); diff != "" {
		t.Errorf("said then (-want +got):\n%s", diff)
	}
	if got := string(alex.Outputs()); got != value || alex.Holder() != sandbox.WithCopilot {
		t.Errorf("outputs %s, with %s", got, alex.Holder())
	}
	say(t, alex, "Another problem")
	if k.last().Text != "Another problem" {
		t.Error("the words that were given back did not start the topic")
	}
}

func TestHostRefusesAnEndOutOfTurn(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusNotFound, http.StatusForbidden, http.StatusBadGateway} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			s, k, alex := withSkill(t, sandbox.Config{Switches: sandbox.Switches{RefuseEnd: status}})
			end := activity.Activity{Type: activity.TypeEndOfConversation, Code: activity.CodeCompleted}
			if got := k.post(t.Context(), k.last(), end); got != status || alex.Holder() == sandbox.WithCopilot {
				t.Errorf("out of turn: %d, with %s", got, alex.Holder())
			}
			k.use(func(activity.Activity) (int, []activity.Activity) {
				return http.StatusAccepted, []activity.Activity{end}
			})
			say(t, alex, "Are you there?")
			if h := alex.Holder(); h != sandbox.WithCopilot {
				t.Errorf("after an end in turn with %s", h)
			}
			s.SetSwitches(sandbox.Switches{})
			k.use(polite)
			escalated(t, alex)
			if got := k.post(t.Context(), k.last(), end); got != http.StatusOK {
				t.Errorf("taken again: %d", got)
			}
		})
	}
}

func TestGoodbyeWithinASentence(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		eager bool
		want  sandbox.Holder
	}{
		"goes on to the person": {false, sandbox.WaitingPerson},
		"takes the user away":   {true, sandbox.WithCopilot},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, k, alex := withSkill(t, sandbox.Config{Switches: sandbox.Switches{EagerGoodbye: row.eager}})
			say(t, alex, "no thank you, goodbye and good riddance is what he told me")
			ended := k.last().Name == "endConversation"
			if alex.Holder() != row.want || ended != row.eager {
				t.Errorf("with %s, ended %t", alex.Holder(), ended)
			}
		})
	}
}

func TestProfileIsWhatTheSkillSees(t *testing.T) {
	t.Parallel()
	s, _, alex := withSkill(t, sandbox.Config{})
	alex.SetProfile(sandbox.Profile{
		Name: "Alexandra", Email: "alex@contoso.example", ObjectID: "99999999-0000-4000-8000-000000000000",
		Locale: "de-DE", TimeZone: "Europe/Berlin", Country: "DE", Platform: "iOS",
	})
	say(t, alex, "Hallo")
	got := wire(t, s)
	want := object{
		"id": alex.ID(), "name": "Alexandra", "email": "alex@contoso.example", "role": "user",
		"aadObjectId": "99999999-0000-4000-8000-000000000000",
	}
	if diff := cmp.Diff(any(want), got["from"]); diff != "" {
		t.Errorf("from (-want +got):\n%s", diff)
	}
	client := []any{object{"type": "clientInfo", "locale": "de-DE", "country": "DE", "platform": "iOS", "timezone": "Europe/Berlin"}}
	if diff := cmp.Diff(any(client), got["entities"]); diff != "" {
		t.Errorf("entities (-want +got):\n%s", diff)
	}
	if got["locale"] != "de-DE" || got["localTimezone"] != "Europe/Berlin" || got["localTimestamp"] == nil {
		t.Errorf("locale %v, zone %v, time %v", got["locale"], got["localTimezone"], got["localTimestamp"])
	}
}
