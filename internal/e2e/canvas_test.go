package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
)

const anew = "I had to start over, and may ask again what you have told me already."

// TestJ6_84_token_and_region: the token is Copilot Studio's, the region is asked for, and
// conversations are opened in it with the token.
func TestJ6_84_token_and_region(t *testing.T) {
	t.Parallel()
	w := newCanvasWorld(t)
	w.visit(t, `{}`).waitTold(t, sandbox.Greeting)
	paths := map[string]int{}
	for _, leg := range []sandbox.Leg{sandbox.CopilotTokens, sandbox.DirectLine} {
		for _, q := range w.sandbox.Requests(leg) {
			paths[q.Method+" "+q.Path]++
		}
	}
	for _, want := range []string{
		"GET /powervirtualagents/botsbyschema/contoso_copilot/directline/token", "GET /powervirtualagents/regionalchannelsettings",
		"POST /directline/v3/directline/conversations",
	} {
		if paths[want] != 1 {
			t.Errorf("%s was asked %d times of %v, want once", want, paths[want], paths)
		}
	}
}

// TestJ6_85_greets: who opens the chat is greeted; the copilot was asked to by the
// event startConversation.
func TestJ6_85_greets(t *testing.T) {
	t.Parallel()
	w := newCanvasWorld(t)
	v := w.visit(t, `{"name":"Robin","locale":"en-GB"}`)
	v.waitTold(t, sandbox.Greeting)
	if got := v.sees(t).Lines[0].Choices; len(got) != 1 || got[0].Value != "Talk to a person" {
		t.Errorf("the choices are %+v", got)
	}
	said := w.sandbox.Direct().Log(w.lastTalk())[0]
	if said.Name != "startConversation" || said.Locale != "en-GB" {
		t.Errorf("the copilot first hears %+v", said)
	}
}

// TestJ6_86_empty_frames and sets without a watermark change nothing.
func TestJ6_86_empty_frames(t *testing.T) {
	t.Parallel()
	w := newCanvasWorld(t)
	w.echoing()
	v := w.visit(t, `{}`)
	v.says(t, "one")
	v.waitTold(t, "heard one")
	if err := w.sandbox.Direct().WaitStream(t.Context(), w.lastTalk(), true); err != nil {
		t.Fatal(err)
	}
	w.sandbox.Direct().KeepAlive(w.lastTalk())
	for _, frame := range []string{`{"activities":[],"watermark":null}`, `{"activities":[]}`, `{}`} {
		w.sandbox.Direct().Push(w.lastTalk(), []byte(frame))
	}
	v.says(t, "two")
	v.waitTold(t, "heard one", "heard two")
}

// TestJ6_94_user_ids begin with dl_, and are nobody's else: the sandbox counts one that
// does not as a violation.
func TestJ6_94_user_ids(t *testing.T) {
	t.Parallel()
	w := newCanvasWorld(t)
	seen := map[string]bool{}
	for range 3 {
		w.visit(t, `{"name":"Robin"}`).waitTold(t, sandbox.Greeting)
		id := w.sandbox.Direct().Log(w.lastTalk())[0].From.ID
		if !strings.HasPrefix(id, "dl_") || len(id) < 25 || strings.Contains(id, "Robin") || seen[id] {
			t.Errorf("the user is %q", id)
		}
		seen[id] = true
	}
	if v := w.sandbox.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}

// TestJ6_90_handoff takes a handoff.initiate the whole way: every field is asserted
// where the agent sees it.
func TestJ6_90_handoff(t *testing.T) {
	t.Parallel()
	w := newCanvasWorld(t)
	v := w.handsOff(t, recordedHandoff(t, filepath.Join("testdata", "directline", "handoff-initiate.json")))
	shown, notes := v.atDesk(t)
	c := shown.Conversation
	if c.Problem != "my printer burns" || c.Summary != "It smells." || c.Queue != "hardware" || !slices.Equal(c.Skills, []string{"printers", "fire"}) {
		t.Errorf("the desk shows %+v", c)
	}
	if c.User.Name != "Robin" || c.User.Locale != "de-CH" {
		t.Errorf("the user is %+v", c.User)
	}
	want := map[string]string{
		"Queue": "hardware", "Skills": "printers, fire", "Summary": "It smells.", "model": "LX-9", "pages": "12", "burning": "true", "list": `["a","b"]`,
		"va_Scope": "bot", "va_LastTopic": "Fire", "va_Topics": "Greeting, Fire", "va_Phrases": "hello, my printer burns",
		"va_ConversationId": "7Qm2hTzKp1x", "va_BotId": "5d1c3a60-0000-4000-8000-00000000000b", "va_BotName": "Printer help", "MSCallerId": "+4930123",
	}
	if diff := cmp.Diff(want, c.Variables); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	lines := []spokenLine{
		{"user", "Robin", "my printer burns"}, {"copilot", "Printer help", "That sounds **bad**."}, {"user", "", "[smoke.png]"},
	}
	if diff := cmp.Diff(lines, shown.Past.Transcript); diff != "" {
		t.Errorf("transcript (-want +got):\n%s", diff)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "Bring water.") {
		t.Errorf("notes %q, want the copilot's", notes)
	}
	if strings.Contains(fmt.Sprint(v.sees(t)), "Bring water.") {
		t.Error("the user sees what is for agents")
	}
}

// TestJ6_90_the_recording takes what Copilot Studio really sent, where it is at hand.
func TestJ6_90_the_recording(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "..", "shared", "data", "handoff-initiate.json")
	if _, err := os.Stat(file); err != nil {
		t.Skip("the recording is not at hand")
	}
	w := newCanvasWorld(t)
	a := recordedHandoff(t, file)
	v := w.handsOff(t, a)
	var value struct {
		AgentMessage string `json:"va_AgentMessage"`
		LastPhrase   string `json:"va_LastPhrase"`
		LastTopic    string `json:"va_LastTopic"`
	}
	if err := json.Unmarshal(a.Value, &value); err != nil {
		t.Fatal(err)
	}
	shown, notes := v.atDesk(t)
	if shown.Conversation.Problem != value.LastPhrase || shown.Conversation.Variables["va_LastTopic"] != value.LastTopic {
		t.Errorf("the desk shows %+v", shown.Conversation)
	}
	if value.AgentMessage != "" && (len(notes) != 1 || !strings.Contains(notes[0], value.AgentMessage)) {
		t.Errorf("notes %q, want %q", notes, value.AgentMessage)
	}
	if len(shown.Past.Transcript) == 0 {
		t.Error("no transcript")
	}
}

// TestJ6_91_forms takes handoff.initiate in each form that is known.
func TestJ6_91_forms(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]sandbox.HandoffForm{
		"as recorded": {}, "without attachments": {NoTranscript: true}, "transcript": {Transcript: "transcript"},
		"value as text": {ValueAsText: true}, "va_LastPhrases": {LastPhrases: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newCanvasWorld(t)
			w.sandbox.Direct().SetHandoff(form)
			v := w.visit(t, `{}`)
			v.says(t, "talk to a person")
			v.waitTold(t, sandbox.Greeting, sandbox.AskProblem)
			v.says(t, "my parcel is lost")
			v.waitState(t, "waiting")
			shown, notes := v.atDesk(t)
			if !strings.EqualFold(shown.Conversation.Problem, "talk to a person") || len(notes) != 1 || !strings.Contains(notes[0], sandbox.AgentMessage) {
				t.Errorf("the desk shows %+v and %q", shown.Conversation, notes)
			}
			if (len(shown.Past.Transcript) == 0) != form.NoTranscript {
				t.Errorf("the transcript has %d lines", len(shown.Past.Transcript))
			}
		})
	}
}

// TestJ6_92_people_have_control: from the handoff on the copilot hears nothing; the
// agent answers, and gives the user back with what was said last.
func TestJ6_92_people_have_control(t *testing.T) {
	t.Parallel()
	w := newCanvasWorld(t)
	v := w.visit(t, `{}`)
	v.says(t, "talk to a person")
	v.waitTold(t, sandbox.Greeting, sandbox.AskProblem)
	v.says(t, "my parcel is lost")
	v.waitState(t, "waiting")
	before := len(w.heard())
	late := fmt.Sprintf(`{"Event":"asked","Id":"late","ConversationId":%q,"Message":"wait"}`, v.id)
	status, answer := w.post(t, "/api/hubs/contoso/canvas", "", []byte(late), sign("late", time.Now(), late)...)
	if status != http.StatusServiceUnavailable || !strings.Contains(answer, "people have control") {
		t.Errorf("the hub's word to the copilot: %d %s", status, answer)
	}
	v.says(t, "are you there?")
	v.deed(t, "join", map[string]string{})
	v.deed(t, "messages", map[string]string{"message": "I am looking"})
	patient(t, "the agent's words", func() bool { return slices.Equal(v.told(t, "agent"), []string{"I am looking"}) },
		func() any { return v.sees(t) })
	v.says(t, "hello")
	if got := w.heard(); len(got) != before {
		t.Errorf("the copilot heard %q while people had control", got[before:])
	}
	v.deed(t, "return", map[string]string{"reason": "solved", "summary": "It was found."})
	v.waitTold(t, sandbox.Greeting, sandbox.AskProblem, sandbox.Transferring, sandbox.Greeting)
	if diff := cmp.Diff([]string{"pvaSetContext", "hello"}, w.heard()[before:]); diff != "" {
		t.Errorf("the copilot heard (-want +got):\n%s", diff)
	}
	if n := len(w.sandbox.Direct().Conversations()); n != 1 {
		t.Errorf("%d conversations over Direct Line, want the same", n)
	}
	for _, a := range w.sandbox.Direct().Log(w.lastTalk()) {
		if a.Name == "pvaSetContext" && (!strings.Contains(string(a.Value), "It was found.") || !strings.Contains(string(a.Value), "solved")) {
			t.Errorf("the copilot is told %s", a.Value)
		}
	}
	if v := w.sandbox.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}
