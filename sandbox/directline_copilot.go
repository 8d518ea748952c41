package sandbox

import (
	"encoding/json"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/activity"
)

// What the copilot says over Direct Line when it lets go of a user.
const (
	Transferring = "Thank you. I'm transferring you to a person."
	AgentMessage = "The customer wants a person." // of the node that transfers
)

// A HandoffForm chooses between the forms of handoff.initiate that are known. The
// zero value is the recorded one.
type HandoffForm struct {
	LastPhrases  bool   // va_LastPhrases, as the documentation has it, for va_LastPhrase
	ValueAsText  bool   // value is JSON in a string
	NoTranscript bool   // no attachment
	Transcript   string // the attachment's name, "Transcript" when empty
}

// answer is the copilot's turn. The caller holds mu.
func (d *directLine) answer(t *talk, a activity.Activity) {
	switch {
	case a.Type == activity.TypeMessage && t.handed:
		d.violate("direct line: the copilot heard the user after handoff.initiate")
	case d.script != nil:
		for _, out := range d.script(a) {
			d.say(t, a.ID, out)
		}
	case a.Type == activity.TypeMessage:
		d.say(t, a.ID, activity.Activity{Type: activity.TypeTyping})
		d.dialog(t, a)
	case a.Type == activity.TypeEvent:
		d.event(t, a)
	}
}

// event starts the copilot over, or tells it something.
func (d *directLine) event(t *talk, a activity.Activity) {
	t.handed = false
	switch a.Name {
	case "startConversation":
		d.text(t, a, Greeting, "Talk to a person")
	case "pvaSetContext":
		var in map[string]json.RawMessage
		if json.Unmarshal(a.Value, &in) != nil {
			d.violate("direct line: pvaSetContext without an object")
		}
		t.variables = in
	}
}

// dialog has the topics of the copilot in Teams, but for the live chat.
func (d *directLine) dialog(t *talk, a activity.Activity) {
	found := topicOf(a.Text)
	switch {
	case t.phase == phaseAsking && found != topicGoodbye:
		d.text(t, a, Transferring)
		t.phase, t.handed = phaseIdle, true
		d.say(t, a.ID, d.handoff(t))
		return
	case found == topicEscalate:
		t.phase = phaseAsking
		t.trigger("Escalate", a.Text)
		d.text(t, a, AskProblem)
		return
	case found == topicGreeting:
		t.trigger("Greeting", a.Text)
		d.text(t, a, Greeting, "Talk to a person")
	case found == topicGoodbye:
		t.trigger("Goodbye", a.Text)
		d.text(t, a, Farewell)
	default:
		d.text(t, a, Fallback, "Talk to a person")
	}
	t.phase = phaseIdle
}

func (t *talk) trigger(topic, phrase string) {
	t.topics = append(t.topics, topic)
	t.phrases = append(t.phrases, phrase)
}

func (d *directLine) text(t *talk, to activity.Activity, text string, suggested ...string) {
	d.say(t, to.ID, activity.Activity{Type: activity.TypeMessage, Text: text, TextFormat: activity.FormatMarkdown}, suggested...)
}

// say adds an activity of the copilot's.
func (d *directLine) say(t *talk, replyTo string, a activity.Activity, suggested ...string) {
	a.From = activity.Account{ID: d.botID, Name: "Contoso copilot", Role: "bot"}
	a.ReplyToID = replyTo
	t.add(a, suggested...)
}

// handoff is the event that gives the user away, of the form that is recorded
// (microsoft/PowerVirtualAgentsSamples, ConnectToEngagementHub/activities.json).
func (d *directLine) handoff(t *talk) activity.Activity {
	value := gin.H{}
	for name, v := range t.variables {
		value[name] = v
	}
	last := func(all []string) string { return strings.Join(all[max(0, len(all)-1):], "") }
	phrase := "va_LastPhrase"
	if d.form.LastPhrases {
		phrase = "va_LastPhrases"
	}
	value["va_Scope"], value["va_Language"] = "bot", "En-US"
	value["va_LastTopic"], value["va_Topics"] = last(t.topics), t.topics
	value[phrase], value["va_Phrases"] = last(t.phrases), t.phrases
	value["va_ConversationId"], value["va_AgentMessage"] = t.id, AgentMessage
	value["va_BotId"], value["va_BotName"] = d.botID, "Contoso copilot"
	out := activity.Activity{Type: activity.TypeEvent, Name: "handoff.initiate", Value: encode(value)}
	if d.form.ValueAsText {
		out.Value = encode(string(out.Value))
	}
	if !d.form.NoTranscript {
		name := d.form.Transcript
		if name == "" {
			name = "Transcript"
		}
		out.Attachments = []activity.Attachment{{ContentType: "application/json", Name: name, Content: encode(gin.H{"activities": t.log})}}
	}
	return out
}
