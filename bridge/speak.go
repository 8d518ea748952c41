package bridge

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/texts"
)

// A Doing is what a button of ours asks for.
type Doing string

// Doings. Their names are in buttons that users may press days later.
const (
	doEnd   Doing = "end"   // end the conversation
	doWait  Doing = "wait"  // go on waiting
	doLeave Doing = "leave" // leave a message
	doBack  Doing = "back"  // back to the copilot
	doStart Doing = "start" // talk to a person
)

func (d Doing) title() texts.Text {
	switch d {
	case doEnd:
		return texts.ButtonEnd()
	case doWait:
		return texts.ButtonKeepWaiting()
	case doLeave:
		return texts.ButtonLeaveMessage()
	case doBack:
		return texts.ButtonCopilot()
	case doStart:
		return texts.ButtonPerson()
	}
	return texts.Text{}
}

func (d Doing) known() bool {
	return d == doEnd || d == doWait || d == doLeave || d == doBack || d == doStart
}

// A Press is a button of ours that a user pressed, as its value came back.
type Press struct {
	Do      Doing      `json:"do"`
	Mapping mapping.ID `json:"mapping"` // whose button it is
}

// pressed is a button's value.
type pressed struct {
	Liaison Press `json:"liaison"`
}

// ReadPress returns the press that an activity's value is, if it is one.
func ReadPress(value json.RawMessage) (Press, bool) {
	var text string
	if json.Unmarshal(value, &text) == nil {
		value = json.RawMessage(text)
	}
	var p pressed
	if json.Unmarshal(value, &p) != nil || !p.Liaison.Do.known() {
		return Press{}, false
	}
	return p.Liaison, true
}

// say puts a text into the words of the mapping's user.
func (b *Bridge) say(m *mapping.Mapping, t texts.Text) string {
	return b.voiceOf(m).Say(t)
}

// voiceOf speaks to the mapping's user.
func (b *Bridge) voiceOf(m *mapping.Mapping) texts.Voice {
	v := b.opt.Texts.In(m.Teams.Locale, m.Zone)
	if m.Host == nil {
		return v.InOwnChat()
	}
	return v
}

// sayAgent puts a text into the words of the hub's agents.
func (b *Bridge) sayAgent(t texts.Text) string { return b.opt.Texts.In(b.opt.AgentLocale, "").Say(t) }

// notify promises the user a line in the service's own words.
func (b *Bridge) notify(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, o teamsOrder, h delivery.Header, text string) error {
	return b.tell(ctx, tx, m, o, h, proactive.Notice(text))
}

// ask promises the user a line with buttons.
func (b *Bridge) ask(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, text string, doings ...Doing) error {
	buttons := make([]proactive.Button, len(doings))
	for i, d := range doings {
		buttons[i] = proactive.Button{Title: b.say(m, d.title()), Value: pressed{Press{Do: d, Mapping: m.ID}}}
	}
	a, err := proactive.Ask(text, buttons...)
	if err != nil {
		return fmt.Errorf("ask user: %w", err)
	}
	return b.tell(ctx, tx, m, teamsOrder{}, delivery.Header{}, a)
}

func (b *Bridge) tell(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, o teamsOrder, h delivery.Header, a activity.Activity) error {
	o.Mapping, o.Tenant, o.Post = m.ID, m.Tenant, proactive.Post{To: m.Teams, Activity: a}
	h.Conversation = teamsLane(m.Key)
	fresh, err := enqueue(ctx, tx, b.toTeams, h, o)
	if err != nil || !fresh {
		return err
	}
	return mapping.Append(ctx, tx, mapping.Entry{Mapping: m.ID, Side: mapping.System, Text: a.Text})
}
