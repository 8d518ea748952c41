package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/activity"
)

// maxDirectActivity is the size Direct Line takes, in characters
// (https://learn.microsoft.com/azure/bot-service/bot-service-troubleshoot-general-problems).
const maxDirectActivity = 256 << 10

// mountDirectLine adds Direct Line 3.0 and what Copilot Studio puts before it: the
// endpoint that gives tokens, and the one that tells the region
// (https://learn.microsoft.com/microsoft-copilot-studio/publication-connect-bot-to-custom-application,
// https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-direct-line-3-0-api-reference).
func (s *Sandbox) mountDirectLine(r gin.IRouter) {
	d := s.direct
	r.GET("/powervirtualagents/botsbyschema/:schema/directline/token", s.on(CopilotTokens, d.studioToken))
	r.GET("/powervirtualagents/regionalchannelsettings", s.on(CopilotTokens, d.region))
	const v3 = "/directline/v3/directline"
	const conversation = v3 + "/conversations/:conversation"
	r.POST(v3+"/tokens/generate", s.on(DirectLine, d.generate))
	r.POST(v3+"/tokens/refresh", s.on(DirectLine, d.asClient(d.refresh)))
	r.POST(v3+"/conversations", s.on(DirectLine, d.asClient(d.start)))
	r.GET(conversation, s.on(DirectLine, d.asClient(d.inTalk(d.reconnect))))
	r.GET(conversation+"/activities", s.on(DirectLine, d.asClient(d.inTalk(d.poll))))
	r.POST(conversation+"/activities", s.on(DirectLine, d.asClient(d.inTalk(d.post))))
	r.POST(conversation+"/upload", s.on(DirectLine, d.asClient(d.inTalk(d.upload))))
	r.GET(conversation+"/stream", s.on(DirectLineStream, d.openStream))
	r.GET("/directline/attachments/:file", s.on(DirectLine, d.attachment))
}

// studioToken gives a token to anybody, unless the copilot's access is secured.
func (d *directLine) studioToken(request) reply {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.secured {
		return connectorError(http.StatusForbidden, "Forbidden", "Secured access is on.")
	}
	return reply{http.StatusOK, d.ticket(d.issue(newTalkID(), ""))}
}

func (d *directLine) region(request) reply {
	return reply{http.StatusOK, gin.H{"channelUrlsById": gin.H{"directline": d.base + "/directline/"}}}
}

// generate gives a token to who has the secret, for a user if one is named.
func (d *directLine) generate(q request) reply {
	var in struct{ User activity.Account }
	if len(q.body) > 0 && json.Unmarshal(q.body, &in) != nil {
		return connectorError(http.StatusBadRequest, "BadArgument", "The body is not token parameters.")
	}
	if q.bearer() != d.secret {
		return connectorError(http.StatusForbidden, "BadArgument", "Invalid token or secret")
	}
	if in.User.ID != "" && !strings.HasPrefix(in.User.ID, "dl_") {
		return connectorError(http.StatusBadRequest, "BadArgument", "The user id must begin with dl_")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return reply{http.StatusOK, d.ticket(d.issue(newTalkID(), in.User.ID))}
}

// A client is who calls Direct Line: a token's holder, or the secret's.
type client struct {
	talk, user string
	secret     bool
}

// asClient lets only those pass who have the secret, or a token that has not
// expired.
func (d *directLine) asClient(endpoint func(request, client) reply) func(request) reply {
	return func(q request) reply {
		bearer := q.bearer()
		if bearer == d.secret {
			return endpoint(q, client{secret: true})
		}
		d.mu.Lock()
		t, known := d.tokens[bearer]
		expired := known && t.expired()
		d.mu.Unlock()
		switch {
		case bearer == "":
			return connectorError(http.StatusUnauthorized, "Unauthorized", "Missing token or secret")
		case !known:
			return connectorError(http.StatusForbidden, "BadArgument", "Invalid token or secret")
		case expired:
			return connectorError(http.StatusForbidden, "TokenExpired", "Token has expired")
		}
		return endpoint(q, client{talk: t.talk, user: t.user})
	}
}

// inTalk finds the conversation that a path names, in which the client must be.
func (d *directLine) inTalk(endpoint func(request, client, *talk) reply) func(request, client) reply {
	return func(q request, c client) reply {
		id := q.param("conversation")
		d.mu.Lock()
		t := d.talks[id]
		d.mu.Unlock()
		if t == nil || !c.secret && c.talk != id {
			return connectorError(http.StatusNotFound, "BadArgument", "Conversation not found")
		}
		return endpoint(q, c, t)
	}
}

func (d *directLine) refresh(_ request, c client) reply {
	if c.secret {
		return connectorError(http.StatusBadRequest, "BadArgument", "A secret is not refreshed.")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return reply{http.StatusOK, d.ticket(d.issue(c.talk, c.user))}
}

// start opens the conversation of a token, or shows the one that is open.
func (d *directLine) start(_ request, c client) reply {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.secret {
		c.talk = newTalkID()
	}
	status := http.StatusOK
	if d.talks[c.talk] == nil {
		if d.gone[c.talk] {
			return connectorError(http.StatusNotFound, "BadArgument", "Conversation not found")
		}
		status = http.StatusCreated
		d.talks[c.talk] = &talk{id: c.talk, phase: phaseIdle, changed: make(chan struct{})}
		d.order = append(d.order, c.talk)
	}
	return reply{status, d.withStream(d.issue(c.talk, c.user), 0)}
}

// reconnect gives a new stream that begins at a watermark, or now.
func (d *directLine) reconnect(q request, c client, t *talk) reply {
	d.mu.Lock()
	defer d.mu.Unlock()
	from, ok := t.since(q.Query("watermark"), len(t.log))
	if !ok {
		return connectorError(http.StatusBadRequest, "BadArgument", "The watermark is not one.")
	}
	return reply{http.StatusOK, d.withStream(d.issue(t.id, c.user), from)}
}

func (d *directLine) poll(q request, _ client, t *talk) reply {
	d.mu.Lock()
	defer d.mu.Unlock()
	from, ok := t.since(q.Query("watermark"), 0)
	if !ok {
		return connectorError(http.StatusBadRequest, "BadArgument", "The watermark is not one.")
	}
	return reply{http.StatusOK, t.set(from, len(t.log))}
}

// post takes an activity of the user's. Whoever listens may see it before the
// answer is there.
func (d *directLine) post(q request, c client, t *talk) reply {
	if utf8.RuneCount(q.body) > maxDirectActivity {
		return connectorError(http.StatusRequestEntityTooLarge, "MessageSizeTooBig", "The activity is too large.")
	}
	var a activity.Activity
	if json.Unmarshal(q.body, &a) != nil || a.Type == "" {
		return connectorError(http.StatusBadRequest, "BadSyntax", "The body is not an activity.")
	}
	return d.take(c, t, a)
}

// take adds an activity of the user's and lets the copilot answer.
func (d *directLine) take(c client, t *talk, a activity.Activity) reply {
	if c.user != "" {
		a.From.ID = c.user
	}
	if !strings.HasPrefix(a.From.ID, "dl_") {
		d.violate("direct line: user %q does not begin with dl_", a.From.ID)
	}
	a.From.Role = "user"
	d.mu.Lock()
	defer d.mu.Unlock()
	kept := t.add(a)
	d.answer(t, kept)
	return reply{http.StatusOK, gin.H{"id": kept.ID}}
}
