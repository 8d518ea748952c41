package directline_test

import (
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/liaison-skill/liaison/directline"
	"github.com/liaison-skill/liaison/directline/escalation"
	"github.com/liaison-skill/liaison/sandbox"
)

// TestHandoff hands a user off over the wire, in each form the event is known in
// (statements 90 and 91).
func TestHandoff(t *testing.T) {
	t.Parallel()
	for _, form := range []sandbox.HandoffForm{{}, {LastPhrases: true}, {ValueAsText: true}, {NoTranscript: true}, {Transcript: "transcript"}} {
		t.Run(fmt.Sprintf("%+v", form), func(t *testing.T) {
			t.Parallel()
			s, c := rig(t)
			s.Direct().SetHandoff(form)
			conv, e := open(t, c), newEar()
			context, err := directline.SetContext(map[string]any{"Tier": "gold", "Floor": 3})
			if err != nil {
				t.Fatal(err)
			}
			insist(t, conv, directline.Post{Key: "0", Activity: context})
			say(t, conv, "1", "talk to a person")
			say(t, conv, "2", "my printer burns")
			listen(t, conv, e)
			e.wait(t, 3)
			id := string(conv.State().Conversation)
			want := escalation.Context{
				Scope: "bot", LastTopic: "Escalate", Topics: []string{"Escalate"}, LastPhrase: "talk to a person", Phrases: []string{"talk to a person"},
				Conversation: id, AgentMessage: sandbox.AgentMessage, BotID: "aaaaaaaa-0000-4000-8000-000000000001", BotName: "Contoso copilot",
				Language: "en-US", Variables: map[string]string{"Tier": "gold", "Floor": "3"},
				Transcript: []escalation.Line{
					{Side: escalation.User, Text: "talk to a person"},
					{Side: escalation.Copilot, Sender: "Contoso copilot", Text: sandbox.AskProblem},
					{Side: escalation.User, Text: "my printer burns"},
					{Side: escalation.Copilot, Sender: "Contoso copilot", Text: sandbox.Transferring},
				},
			}
			if form.NoTranscript {
				want.Transcript = nil
			}
			heard := e.said()
			got, ok := escalation.Read(heard[len(heard)-1].Activity)
			if diff := gocmp.Diff(want, got, cmpopts.IgnoreFields(escalation.Line{}, "At")); !ok || diff != "" {
				t.Errorf("%t (-want +got):\n%s", ok, diff)
			}
		})
	}
}
