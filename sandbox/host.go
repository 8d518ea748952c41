package sandbox

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/activity"
)

// mountHost adds the runtime of Copilot Studio, where skills answer.
func (s *Sandbox) mountHost(r gin.IRouter) {
	const activities = "/pvaruntime/api/runtime/bots/:bot/skillsV2/v3/conversations/:conversation/activities"
	r.POST(activities, s.on(SkillHost, s.takeSkill))
	r.POST(activities+"/:activity", s.on(SkillHost, s.takeSkill))
}

// takeSkill takes an activity that the skill posts, in a turn or out of one.
func (s *Sandbox) takeSkill(q request) reply {
	app, err := s.verify(q.bearer(), s.cfg.CopilotAppID)
	if err != nil || !strings.EqualFold(app, s.cfg.SkillAppID) || !strings.EqualFold(q.param("bot"), s.cfg.CopilotAppID) {
		s.log.DebugContext(q.Request.Context(), "skill token refused", "app", app, "err", err)
		return connectorError(http.StatusUnauthorized, "Unauthorized", "The token is not the skill's for this bot.")
	}
	p := s.inSkillConversation(q.param("conversation"))
	if p == nil {
		return connectorError(http.StatusNotFound, "ConversationNotFound", "The skill conversation is not known, or is over.")
	}
	out, ok := s.read(q, q.param("conversation"))
	if !ok {
		return connectorError(http.StatusBadRequest, "BadSyntax", "The body is not an activity.")
	}
	replyTo := cmp.Or(out.ReplyToID, q.param("activity"))
	s.mu.Lock()
	inline, outOfTurn, refuse := p.inlineIDs[replyTo], p.pending == nil && replyTo == "", s.switches.RefuseEnd
	s.mu.Unlock()
	if out.Type == activity.TypeEndOfConversation && outOfTurn && refuse != 0 {
		return connectorError(refuse, "ConversationNotFound", "The skill conversation takes no endOfConversation out of turn.")
	}
	if inline {
		s.violate("%s posted for a turn with expectReplies", out.Type)
	}
	if refusal := s.fromSkill(q.Request.Context(), p, out, replyTo); refusal != nil {
		return *refusal
	}
	return reply{http.StatusOK, gin.H{"id": s.newID()}}
}

// inSkillConversation finds the user a skill conversation is for.
func (s *Sandbox) inSkillConversation(id string) *person {
	if s.cfg.Style == StyleCopilotStudio {
		return s.inConversation(id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bySkill[activity.ConversationID(id)]
}

// fromSkill acts on an activity of the skill: its words go to the user, an
// endOfConversation to the dialog, the rest is accepted and dropped.
func (s *Sandbox) fromSkill(ctx context.Context, p *person, out outgoing, replyTo string) *reply {
	switch out.Type {
	case activity.TypeMessage:
		line, err := s.line(ctx, out)
		if err != nil {
			return refused(err)
		}
		line.Author = ByCopilot
		s.say(p, line)
	case activity.TypeTyping:
		s.typing(p)
	case activity.TypeEndOfConversation:
		s.endBySkill(p, ending{out.Code, out.Value}, replyTo)
	}
	return nil
}

// endBySkill gives an endOfConversation to the action that waits for it. Where
// none waits, the skill lets the user go: the copilot is back. The ending of an
// action that is over, late or a copy, changes nothing.
func (s *Sandbox) endBySkill(p *person, end ending, replyTo string) {
	var back bool
	s.move(p, func(d *dialog) {
		if last, over := p.finished[replyTo]; over && (p.pending != nil || last == end.String()) {
			return
		}
		delete(s.bySkill, d.SkillConversation) // a host of the Bot Framework forgets it
		d.SkillConversation = ""
		if p.pending != nil {
			p.pending <- end // has room for one
			p.pending = nil
			return
		}
		if back = d.Phase == phaseActive; back {
			*d = dialog{Phase: phaseIdle}
			p.outputs = end.value // who sees that the copilot is back sees them, too
		}
	})
	if !back {
		return
	}
	out := end.read()
	if out.Summary != "" {
		s.copilotSays(p, Summary+out.Summary)
	}
	if out.PendingText != "" {
		s.answer(p, out.PendingText)
	}
}
