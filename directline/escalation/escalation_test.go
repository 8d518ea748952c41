package escalation_test

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/directline/escalation"
)

//go:embed testdata/initiate.json
var initiate []byte

func decode(tb testing.TB, raw []byte) activity.Activity {
	tb.Helper()
	var a activity.Activity
	if err := json.Unmarshal(raw, &a); err != nil {
		tb.Fatal(err)
	}
	return a
}

// whole is what testdata/initiate.json says.
func whole() escalation.Context {
	at := func(second int, nano int) time.Time { return time.Date(2026, 3, 2, 9, 15, second, nano, time.UTC) }
	return escalation.Context{
		Scope: "bot", LastTopic: "Fire", Topics: []string{"Greeting", "Fire"},
		LastPhrase: "my printer burns", Phrases: []string{"hello", "my printer burns"},
		Conversation: "7Qm2hTzKp1x", AgentMessage: "Ask for the floor.",
		BotID: "5d1c3a60-0000-4000-8000-00000000000b", BotName: "Printer help", Language: "en-US",
		Variables: map[string]string{"Floor": "3", "Tier": "gold", "Address": `{"city": "Bern"}`},
		Transcript: []escalation.Line{
			{Side: escalation.User, Sender: "Robin", Text: "my printer burns", At: at(1, 5e8)},
			{Side: escalation.Copilot, Sender: "Printer help", Text: "That sounds **bad**.", At: at(3, 0)},
			{Side: escalation.User, Files: []string{"smoke.png"}},
		},
	}
}

// TestRead reads every field (statements 90 and 91), in all forms that are known.
func TestRead(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(*activity.Activity)
		want   func(*escalation.Context)
	}{
		"as recorded":   {func(*activity.Activity) {}, func(*escalation.Context) {}},
		"value as text": {func(a *activity.Activity) { a.Value, _ = json.Marshal(string(a.Value)) }, func(*escalation.Context) {}},
		"the documented spelling": {
			func(a *activity.Activity) { a.Value = replaced(a.Value, "va_LastPhrase\"", "va_LastPhrases\"") },
			func(*escalation.Context) {},
		},
		"phrases as a list": {
			func(a *activity.Activity) {
				a.Value = replaced(a.Value, `"va_LastPhrase": "my printer burns"`, `"va_LastPhrases": ["hello", "it burns"]`)
			},
			func(c *escalation.Context) { c.LastPhrase = "it burns" },
		},
		"a telephone": {
			func(a *activity.Activity) { a.Value = replaced(a.Value, `"Tier"`, `"MSCallerId"`) },
			func(c *escalation.Context) { delete(c.Variables, "Tier"); c.CallerID = "gold" },
		},
		"another case of the name": {func(a *activity.Activity) { a.Attachments[0].Name = "transcript" }, func(*escalation.Context) {}},
		"another attachment first": {
			func(a *activity.Activity) {
				a.Attachments = append([]activity.Attachment{{Name: "x"}}, a.Attachments...)
			},
			func(*escalation.Context) {},
		},
		"transcript as text": {
			func(a *activity.Activity) {
				a.Attachments[0].Content, _ = json.Marshal(string(a.Attachments[0].Content))
			},
			func(*escalation.Context) {},
		},
		"no attachments": {func(a *activity.Activity) { a.Attachments = nil }, func(c *escalation.Context) { c.Transcript = nil }},
		"a transcript that is none": {
			func(a *activity.Activity) { a.Attachments[0].Content = json.RawMessage(`[1]`) },
			func(c *escalation.Context) { c.Transcript = nil },
		},
		"no value":             {func(a *activity.Activity) { a.Value = nil }, func(c *escalation.Context) { *c = escalation.Context{Transcript: c.Transcript} }},
		"a value that is none": {func(a *activity.Activity) { a.Value = json.RawMessage(`"soon"`) }, func(c *escalation.Context) { *c = escalation.Context{Transcript: c.Transcript} }},
		"odd members": {
			func(a *activity.Activity) {
				a.Value = json.RawMessage(`{"va_Topics":"Fire","va_LastTopic":7,"va_Language":"!","va_Phrases":[null,"a",2],"va_BotName":null,"X":null}`)
			},
			func(c *escalation.Context) {
				*c = escalation.Context{LastTopic: "7", Topics: []string{"Fire"}, Phrases: []string{"a", "2"}, Variables: map[string]string{"X": ""}, Transcript: c.Transcript}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, want := decode(t, initiate), whole()
			row.change(&a)
			row.want(&want)
			got, ok := escalation.Read(a)
			if !ok {
				t.Fatal("not taken for the event")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func replaced(raw json.RawMessage, before, after string) json.RawMessage {
	return json.RawMessage(strings.Replace(string(raw), before, after, 1))
}

// TestOnlyTheCopilotEscalates: a user can post events, too.
func TestOnlyTheCopilotEscalates(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*activity.Activity){
		"a user":        func(a *activity.Activity) { a.From.Role = "user" },
		"nobody":        func(a *activity.Activity) { a.From.Role = "" },
		"another event": func(a *activity.Activity) { a.Name = "handoff.status" },
		"a message":     func(a *activity.Activity) { a.Type = activity.TypeMessage },
	} {
		a := decode(t, initiate)
		change(&a)
		if got, ok := escalation.Read(a); ok || !cmp.Equal(got, escalation.Context{}) {
			t.Errorf("%s: %t %+v", name, ok, got)
		}
	}
}

// TestHugeContextsAreBounded keeps what was said last.
func TestHugeContextsAreBounded(t *testing.T) {
	t.Parallel()
	var said, variables []string
	for i := range 3 * escalation.MaxLines {
		text := "short"
		if i == 2*escalation.MaxLines {
			text = strings.Repeat("é", 2*escalation.MaxText)
		}
		said = append(said, fmt.Sprintf(`{"type":"message","text":"%d %s"}`, i, text))
		variables = append(variables, fmt.Sprintf(`"v%04d":"x"`, i))
	}
	a := decode(t, initiate)
	a.Value = json.RawMessage("{" + strings.Join(variables, ",") + "}")
	a.Attachments[0].Content = json.RawMessage(`{"activities":[` + strings.Join(said, ",") + "]}")
	got, ok := escalation.Read(a)
	if !ok || len(got.Transcript) != escalation.MaxLines || got.Omitted != 2*escalation.MaxLines || len(got.Variables) != escalation.MaxVariables {
		t.Fatalf("%t, %d lines, %d left out, %d variables", ok, len(got.Transcript), got.Omitted, len(got.Variables))
	}
	if first := got.Transcript[0].Text; !strings.HasPrefix(first, fmt.Sprint(2*escalation.MaxLines, " ")) || len([]rune(first)) != escalation.MaxText {
		t.Errorf("the first line has %d characters and begins %.20q", len([]rune(first)), first)
	}
}

// TestRecording reads a recorded set of activities, where one is at hand.
func TestRecording(t *testing.T) {
	t.Parallel()
	name := os.Getenv("TEST_HANDOFF_RECORDING")
	if name == "" {
		return // the form is that of testdata/initiate.json
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Activities []activity.Activity }
	if err := json.Unmarshal(raw, &set); err != nil {
		t.Fatal(err)
	}
	got, ok := escalation.Read(set.Activities[0])
	if !ok || got.LastPhrase == "" || got.AgentMessage == "" || got.Language != "en-US" || len(got.Transcript) != 2 ||
		got.Transcript[0].Side != escalation.User || got.Transcript[1].Side != escalation.Copilot {
		t.Errorf("%t %+v", ok, got)
	}
}

// FuzzRead: whatever comes is bounded.
func FuzzRead(f *testing.F) {
	var a struct {
		Value       json.RawMessage
		Attachments []struct{ Content json.RawMessage }
	}
	if err := json.Unmarshal(initiate, &a); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(a.Value), []byte(a.Attachments[0].Content))
	f.Add([]byte(`"{\"va_Topics\":\"[1]\"}"`), []byte(`"{\"activities\":[null]}"`))
	f.Fuzz(func(t *testing.T, value, content []byte) {
		got, ok := escalation.Read(activity.Activity{
			Type: "event", Name: "handoff.initiate", From: activity.Account{Role: "bot"}, Value: value,
			Attachments: []activity.Attachment{{Name: "TRANSCRIPT", Content: content}},
		})
		if !ok || len(got.Variables) > escalation.MaxVariables || len(got.Transcript) > escalation.MaxLines || got.Omitted < 0 {
			t.Fatalf("%t %+v", ok, got)
		}
		for name, v := range got.Variables {
			if len([]rune(name)) > escalation.MaxText || len([]rune(v)) > escalation.MaxText {
				t.Errorf("variable of %d characters", len(v))
			}
		}
	})
}
