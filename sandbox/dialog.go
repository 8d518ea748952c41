package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox/card"
)

// What the copilot says in its own words.
const (
	Greeting   = "Hello, I'm Contoso's copilot. Ask me anything, or say **talk to a person** and I'll find you one."
	AskProblem = "I can get a person for you. What is the problem?"
	OnTheWay   = "Thank you. I'm connecting you with a person" // how a topic that goes well begins
	Connecting = OnTheWay + " now. Say **good bye** when you're done."
	Back       = "You're back with me, Contoso's copilot. What else can I do for you?"
	NotNow     = "I'm still here. You can try again later, or ask me."
	Farewell   = "Good bye, and have a nice day."
	Fallback   = "I'm not sure I can help with that. You can say **talk to a person**."
	Noted      = "Thank you, I have noted that."
	Sorry      = "Sorry, something went wrong. Please try again."
)

// A phase is where a dialog stands.
type phase string

const (
	phaseIdle    phase = "idle"
	phaseAsking  phase = "asking"  // the problem
	phaseOpening phase = "opening" // startConversation runs
	phaseActive  phase = "active"  // the skill gets what the user says
	phaseClosing phase = "closing" // endConversation runs
)

// A dialog is what the copilot remembers of a conversation.
type dialog struct {
	Phase             phase                   `json:"phase"`
	LiveChat          string                  `json:"liveChat,omitempty"` // the skill's output
	Joined            bool                    `json:"joined,omitempty"`   // a person has spoken
	SkillConversation activity.ConversationID `json:"skillConversation,omitempty"`
}

// holder tells the user who has the conversation.
func (d dialog) holder() Holder {
	switch {
	case d.Phase == phaseActive && d.Joined:
		return WithPerson
	case d.Phase == phaseActive, d.Phase == phaseOpening:
		return WaitingPerson
	}
	return WithCopilot
}

// An ending is an endOfConversation of the skill.
type ending struct {
	code  string
	value json.RawMessage
}

// String tells one ending from another.
func (e ending) String() string { return e.code + " " + string(e.value) }

// signature is how a person's words are told from the service's own notices.
var signature = regexp.MustCompile(`^\*\*(?:\\.|[^*\\\n])+\*\*: `)

// move changes p's dialog and shows the user who has the conversation now.
func (s *Sandbox) move(p *person, change func(*dialog)) {
	s.update(func() {
		change(&p.dialog)
		s.saveDialog(p)
		if h := p.dialog.holder(); h != p.holder {
			s.post(p, event{Holder: h})
		}
	})
}

// heard notices that a person has joined.
func (s *Sandbox) heard(p *person, text string) {
	if signature.MatchString(text) {
		s.move(p, func(d *dialog) { d.Joined = true })
	}
}

func (s *Sandbox) dialogOf(p *person) dialog {
	s.mu.Lock()
	defer s.mu.Unlock()
	return p.dialog
}

// turn answers what the user said. When something fails it apologises and
// forgets the dialog, as the topic "On error" does: never leave a user stuck.
func (s *Sandbox) turn(ctx context.Context, p *person, u said) error {
	ctx, cancel := context.WithTimeout(ctx, 2*s.cfg.Patience) // a turn makes two calls at most
	defer cancel()
	if p.bot != "" {
		return s.call(ctx, p, s.message(p, u, nil)) // Teams shows no failure
	}
	var err error
	switch d := s.dialogOf(p); {
	case d.Phase == phaseAsking && u.text != "" && topicOf(u.text) != topicGoodbye:
		err = s.escalate(ctx, p, u)
	case d.Phase == phaseActive && s.interrupts(u.text):
		err = s.release(ctx, p, d.LiveChat)
	case d.Phase == phaseActive:
		err = s.call(ctx, p, s.message(p, u, nil))
	case u.submitted && u.text == "":
		s.copilotSays(p, Noted)
	default:
		s.answer(p, u.text)
	}
	if err != nil {
		s.move(p, func(d *dialog) { *d = dialog{Phase: phaseIdle} })
		s.copilotSays(p, Sorry)
	}
	return err
}

// answer is what the copilot can do without the skill.
func (s *Sandbox) answer(p *person, text string) {
	phase, words := phaseIdle, Fallback
	var suggestions []card.Action
	person := card.Action{Kind: card.IMBack, Title: "Talk to a person", Text: "Talk to a person"}
	switch topicOf(text) {
	case topicEscalate:
		phase, words = phaseAsking, AskProblem
	case topicGoodbye:
		words = Farewell
	case topicGreeting:
		words, suggestions = Greeting, []card.Action{person}
	case topicNone:
		suggestions = []card.Action{person}
	}
	s.move(p, func(d *dialog) { *d = dialog{Phase: phase} })
	s.copilotSays(p, words, suggestions...)
}

func (s *Sandbox) copilotSays(p *person, text string, suggested ...card.Action) {
	s.say(p, Line{Author: ByCopilot, Text: text, Format: activity.FormatMarkdown, Suggested: suggested})
}

// release is the topic "Goodbye Live Chat".
func (s *Sandbox) release(ctx context.Context, p *person, liveChat string) error {
	s.move(p, func(d *dialog) { d.Phase = phaseClosing })
	if _, err := s.action(ctx, p, s.event(p, "endConversation", encode(gin.H{"LiveChatConversationId": liveChat}))); err != nil {
		return err
	}
	s.move(p, func(d *dialog) { *d = dialog{Phase: phaseIdle} })
	s.copilotSays(p, Back)
	return nil
}

// action calls an event action of the skill, which ends with an
// endOfConversation, in the response or posted.
func (s *Sandbox) action(ctx context.Context, p *person, a incoming) (ending, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Patience)
	defer cancel()
	ended := make(chan ending, 1)
	s.update(func() { p.pending = ended })
	var end ending
	defer s.update(func() { p.pending, p.finished[a.ID] = nil, end.String() })
	if err := s.call(ctx, p, a); err != nil {
		return ending{}, err
	}
	select {
	case end = <-ended:
		s.update(func() { p.outputs = end.value })
		return end, nil
	case <-ctx.Done():
		return ending{}, fmt.Errorf("%s: no endOfConversation: %w", a.Name, ctx.Err())
	}
}
