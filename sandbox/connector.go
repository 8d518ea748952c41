package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/activity"
)

// maxMessage is the size Teams takes, in bytes of UTF-16
// (https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages).
const maxMessage = 100 << 10

// typingGap is the shortest time between two typing activities that is not a
// violation. The specification asks for three seconds (rule A6001).
const typingGap = 2 * time.Second

// mountConnector adds Teams' Bot Connector
// (https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference).
func (s *Sandbox) mountConnector(r gin.IRouter) {
	const activities = "/teams/v3/conversations/:conversation/activities"
	r.POST("/teams/v3/conversations", s.on(Connector, s.asBot(s.createConversation)))
	r.POST(activities, s.on(Connector, s.asBot(s.inChat(s.send))))
	r.POST(activities+"/:activity", s.on(Connector, s.asBot(s.inChat(s.send))))
	r.PUT(activities+"/:activity", s.on(Connector, s.asBot(s.inChat(s.edit))))
	r.DELETE(activities+"/:activity", s.on(Connector, s.asBot(s.inChat(s.remove))))
}

// asBot lets only the apps of bots pass: the copilot's, and the service's own.
func (s *Sandbox) asBot(endpoint func(request) reply) func(request) reply {
	return func(q request) reply {
		app, err := s.verify(q.bearer(), connectorAudience)
		if err != nil || !s.isBot(app) {
			s.log.DebugContext(q.Request.Context(), "connector token refused", "app", app, "err", err)
			return connectorError(http.StatusUnauthorized, "AuthorizationError", "Authorization has been denied for this request.")
		}
		q.app = strings.ToLower(app)
		return endpoint(q)
	}
}

// inChat finds the chat a path names, for the bot it is with.
func (s *Sandbox) inChat(endpoint func(request, *person) reply) func(request) reply {
	return func(q request) reply {
		p := s.inConversation(q.param("conversation"))
		if p == nil {
			return connectorError(http.StatusNotFound, "ConversationNotFound", "Conversation not found.")
		}
		if q.app != s.appOf(p) {
			s.violate("connector: the token is another app's than the chat's bot")
			return connectorError(http.StatusForbidden, "BotNotInConversationRoster", "The bot is not part of the conversation roster.")
		}
		if refusal := s.turnedAway(p); refusal != nil {
			return *refusal
		}
		return endpoint(q, p)
	}
}

// turnedAway refuses what is for a user who does not have the bot, or wants none
// of it.
func (s *Sandbox) turnedAway(p *person) *reply {
	s.mu.Lock()
	app := p.app
	s.mu.Unlock()
	if app == Installed {
		return nil
	}
	refusal := connectorError(http.StatusForbidden, "BotNotInConversationRoster", "The bot is not part of the conversation roster.")
	if app == Blocked {
		refusal = connectorError(http.StatusForbidden, "ConversationBlockedByUser", "User blocked the conversation with the bot.")
	}
	return &refusal
}

// send takes an activity into the chat.
func (s *Sandbox) send(q request, p *person) reply {
	if !s.allow(p) {
		return throttled(q)
	}
	out, ok := s.read(q, string(p.conversation))
	if !ok {
		return connectorError(http.StatusBadRequest, "BadSyntax", "The body is not an activity.")
	}
	if out.size(q.body) > maxMessage {
		return connectorError(http.StatusRequestEntityTooLarge, "MessageSizeTooBig", "Message size too large.")
	}
	if from := out.From.ID; from != "" && !strings.EqualFold(from, s.botOf(p).ID) {
		s.violate("connector: from.id is not the bot's")
	}
	switch out.Type {
	case activity.TypeMessage:
		line, err := s.line(q.Request.Context(), out)
		if err != nil {
			return *refused(err)
		}
		line.Author = ByAgent
		id := s.say(p, line)
		s.heard(p, out.Text)
		return reply{http.StatusCreated, gin.H{"id": id}}
	case activity.TypeEndOfConversation, activity.TypeEvent, activity.TypeInvoke:
		return connectorError(http.StatusBadRequest, "BadArgument", "Unknown activity type "+out.Type+".")
	case activity.TypeTyping:
		s.checkTyping(p)
		s.typing(p)
	}
	return reply{http.StatusAccepted, nil} // typing and trace: seen with an empty body
}

func throttled(q request) reply {
	q.Header("Retry-After", "1")
	return connectorError(http.StatusTooManyRequests, "Throttled", "Too many requests.")
}

// checkTyping holds a bot to the pace of the specification.
func (s *Sandbox) checkTyping(p *person) {
	s.mu.Lock()
	early := time.Since(p.lastTyping) < typingGap
	p.lastTyping = time.Now()
	s.mu.Unlock()
	if early {
		s.violate("connector: typing more often than every two seconds")
	}
}

// edit replaces one of the bot's own lines.
func (s *Sandbox) edit(q request, p *person) reply {
	out, ok := s.read(q, string(p.conversation))
	if !ok || out.Type != activity.TypeMessage {
		return connectorError(http.StatusBadRequest, "BadSyntax", "The body is not a message.")
	}
	if out.size(q.body) > maxMessage {
		return connectorError(http.StatusRequestEntityTooLarge, "MessageSizeTooBig", "Message size too large.")
	}
	line, err := s.line(q.Request.Context(), out)
	if err != nil {
		return *refused(err)
	}
	return s.change(q, p, func(l *Line) {
		line.ID, line.Author, line.At, line.Reactions, line.Edited = l.ID, l.Author, l.At, l.Reactions, true
		*l = line
	})
}

// remove deletes one of the bot's own lines.
func (s *Sandbox) remove(q request, p *person) reply {
	return s.change(q, p, func(l *Line) { *l = Line{ID: l.ID, Author: l.Author, Format: l.Format, At: l.At, Deleted: true} })
}

func (s *Sandbox) change(q request, p *person, edit func(*Line)) reply {
	if !s.allow(p) {
		return throttled(q)
	}
	id := q.param("activity")
	found := false
	s.update(func() {
		i := p.lineIndex(id)
		if i < 0 || p.lines[i].Author == ByUser || p.lines[i].Deleted {
			return
		}
		found = true
		line := p.lines[i]
		edit(&line)
		s.post(p, event{Line: &line})
	})
	if !found {
		return connectorError(http.StatusNotFound, "ActivityNotFoundInConversation", "Activity not found.")
	}
	return reply{http.StatusOK, gin.H{"id": id}}
}

// createConversation returns the one chat that a bot has with a user, whom it
// may name by the id in Teams or in Entra.
func (s *Sandbox) createConversation(q request) reply {
	var in struct {
		Members []activity.Account `json:"members"`
	}
	if json.Unmarshal(q.body, &in) != nil || len(in.Members) != 1 {
		return connectorError(http.StatusBadRequest, "BadArgument", "Exactly one member is expected.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.people, func(p *person) bool {
		return p.id == in.Members[0].ID || strings.EqualFold(p.profile.ObjectID, in.Members[0].ID)
	})
	var p *person
	if i >= 0 {
		p = s.people[i]
	}
	if p != nil && q.app == s.cfg.BotAppID {
		p = p.own
	}
	if p == nil || p.app == Removed {
		return connectorError(http.StatusForbidden, "BotNotInConversationRoster", "The bot is not installed for this user.")
	}
	return reply{http.StatusCreated, gin.H{"id": p.conversation}}
}

// read decodes an activity and notes what a bot must leave out (rules A2031,
// A2041, A2250), or contradicts its own path.
func (s *Sandbox) read(q request, conversation string) (outgoing, bool) {
	var members map[string]json.RawMessage
	var out outgoing
	if json.Unmarshal(q.body, &members) != nil || json.Unmarshal(q.body, &out) != nil || out.Type == "" {
		return outgoing{}, false
	}
	for _, name := range []string{"id", "timestamp", "callerId"} {
		if _, ok := members[name]; ok {
			s.violate("%s carries %s, which is the channel's to set", out.Type, name)
		}
	}
	if id := string(out.Conversation.ID); id != "" && id != conversation {
		s.violate("%s names another conversation than its path", out.Type)
	}
	return out, true
}

// connectorError is the body of the connector's refusals.
func connectorError(status int, code, message string) reply {
	return reply{status, gin.H{"error": gin.H{"code": code, "message": message}}}
}
