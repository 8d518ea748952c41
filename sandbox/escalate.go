package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/liaison-skill/liaison/activity"
)

// What the copilot says when a live chat does not begin at once, or has ended.
const (
	Unavailable = "Nobody is available right now."
	Unreached   = "Nobody can be reached right now."
	Queued      = OnTheWay + " as soon as one is free."
	Summary     = "In short: "
)

// Statuses a skill's startConversation ends with.
const (
	statusConnected   = "connected"
	statusQueued      = "queued"
	statusUnavailable = "unavailable"
)

// outputs are what the skill's actions give back. A topic that finds no status
// takes an id for a connection, as Microsoft's sample does.
type outputs struct {
	LiveChatConversationID string
	Status                 string
	QueuePosition          int
	EstimatedWaitSeconds   int
	Summary                string
	PendingText            string
}

// read returns the outputs of an ending. A value of another shape has none.
func (e ending) read() outputs {
	var out outputs
	_ = json.Unmarshal(e.value, &out)
	return out
}

// escalate is the topic "Escalate to Live Chat" after its question: it opens the
// live chat, then hands the user's words to the skill, which stays active.
func (s *Sandbox) escalate(ctx context.Context, p *person, u said) error {
	s.move(p, func(d *dialog) { *d = dialog{Phase: phaseOpening} })
	s.typing(p)
	before := s.lineCount(p)
	bound := map[string]any{}
	if s.Switches().StartInputs {
		bound = s.inputs(p, "", u.text)
	}
	end, err := s.action(ctx, p, s.event(p, "startConversation", encode(bound)))
	if err != nil {
		return err
	}
	out := end.read()
	if end.code != activity.CodeCompleted || out.Status != "" && out.Status != statusConnected && out.Status != statusQueued {
		s.move(p, func(d *dialog) { *d = dialog{Phase: phaseIdle} })
		s.copilotSays(p, regret(out.Status, s.lineCount(p) > before))
		return nil
	}
	if out.LiveChatConversationID == "" {
		s.violate("startConversation ended without LiveChatConversationId")
		return errors.New("the skill opened no live chat")
	}
	s.copilotSays(p, out.welcome())
	s.move(p, func(d *dialog) { d.Phase, d.LiveChat = phaseActive, out.LiveChatConversationID })
	return s.call(ctx, p, s.message(p, u, encode(s.inputs(p, out.LiveChatConversationID, u.text))))
}

// inputs are what the topic binds: its own variables, and what else it knows of
// the user.
func (s *Sandbox) inputs(p *person, liveChat, problem string) map[string]any {
	s.mu.Lock()
	bound := maps.Clone(p.profile.Variables)
	s.mu.Unlock()
	if bound == nil {
		bound = map[string]any{}
	}
	bound["ProblemDescription"] = problem
	if liveChat != "" {
		bound["LiveChatConversationId"] = liveChat
	}
	return bound
}

// regret is for a live chat that did not begin. The skill may have said why.
func regret(status string, explained bool) string {
	switch {
	case explained:
		return NotNow
	case status == statusUnavailable:
		return Unavailable + " " + NotNow
	}
	return Unreached + " " + NotNow
}

// welcome is for a live chat that begins, or waits its turn.
func (o outputs) welcome() string {
	if o.Status != statusQueued {
		return Connecting
	}
	words := []string{Queued}
	if o.QueuePosition > 0 {
		words = append(words, fmt.Sprintf("You are number %d in the queue.", o.QueuePosition))
	}
	if minutes := (o.EstimatedWaitSeconds + 59) / 60; minutes == 1 {
		words = append(words, "It should take about a minute.")
	} else if minutes > 1 {
		words = append(words, fmt.Sprintf("It should take about %d minutes.", minutes))
	}
	return strings.Join(append(words, "Say **good bye** when you're done."), " ")
}

func (s *Sandbox) lineCount(p *person) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(p.lines)
}
