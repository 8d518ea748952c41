// Package skill is the door on the Copilot side: it takes the activities that
// Copilot Studio (or any Bot Framework host) and Teams post to us, and answers
// them.
//
//	startConversation   event    open a hub conversation, answer with its id
//	sendMessage         message  forward the words; the skill stays active
//	endConversation     event    end the hub conversation
//	                    endOfConversation: the host gave up on us, or checks our health
//
// Teams calls us itself for our own bot, which users come to by a link from
// Microsoft 365 Copilot, or on their own: see docs/decisions/016-handoff.md.
//
// The door decides what an activity means. What follows from it is the bridge's
// business.
package skill

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/handoff"
	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/texts"
)

// Names of the skill's actions. In the manifest, an action's key equals its
// event's name, because it is not published which of the two travels.
const (
	ActionStart = "startConversation"
	ActionSend  = "sendMessage"
	ActionEnd   = "endConversation"
)

// slowAnswer is how long a host may be expected to wait for us before it sends a
// copy.
const slowAnswer = 5 * time.Second

// Handler serves the skill's endpoint.
type Handler struct {
	Bridge   *bridge.Bridge
	Verifier *auth.Verifier
	Hosts    *auth.Hosts
	Log      *slog.Logger
	MaxBody  int64        // bytes
	Limiter  *web.Limiter // nil limits nothing
	Reacted  func()       // counts a reaction to a message; nil does not
	Agents   texts.Voice  // speaks to agents, where what came from Teams has no words of its own

	Extension *handoff.Extension // of our own bot; nil for none
	OwnBot    string             // its app id, for links that other agents ask for; "" gives them none
	Users     *web.Limiter       // of what one user may ask of Extension; nil limits nothing
}

// Mount registers the skill's routes.
func (h *Handler) Mount(r gin.IRouter) {
	r.POST("/api/messages", web.Handle(h.Log, h.receive))
	if h.Extension != nil && h.OwnBot != "" {
		r.POST("/api/handoffs", web.Handle(h.Log, h.offerHandoff))
	}
}

func (h *Handler) receive(c *gin.Context) error {
	body, err := web.Body(c, h.MaxBody)
	if err != nil {
		return err
	}
	a, invalid := activity.Decode(body)
	caller, err := h.Verifier.Verify(c.Request.Context(), c.GetHeader("Authorization"), a)
	if err != nil {
		return h.Limiter.Refuse(c, err) // strangers do not learn what is wrong with their JSON
	}
	if err := h.Limiter.Admit(caller.String()); err != nil {
		return err
	}
	if invalid != nil {
		return &web.Error{Status: http.StatusBadRequest, Text: invalid.Error(), Err: invalid}
	}
	if err := h.trusted(a); err != nil {
		return err
	}
	if a.Type == activity.TypeInvoke {
		return h.invoke(c, a, caller)
	}
	answers, err := h.take(c.Request.Context(), a, caller)
	if err != nil {
		return refusal(err)
	}
	if a.ExpectsReplies() {
		c.JSON(http.StatusOK, activity.ExpectedReplies{Activities: append([]activity.Activity{}, answers...)})
		return nil
	}
	c.Status(http.StatusAccepted)
	return nil
}

// trusted refuses a service URL our token must not go to. A token does not vouch
// for the body: any allowed caller could name any host.
func (h *Handler) trusted(a activity.Activity) error {
	if a.ServiceURL == "" {
		if a.Type == activity.TypeEndOfConversation || a.ExpectsReplies() {
			return nil // nothing will be sent there
		}
		return web.BadRequest("activity: serviceUrl: required")
	}
	if err := h.Hosts.Trusted(a.ServiceURL); err != nil {
		return &web.Error{Status: http.StatusBadRequest, Text: "activity: serviceUrl: not a trusted host", Err: err}
	}
	return nil
}

// refusal turns what the bridge could not do into an answer: nothing was
// accepted, so the sender may come again.
func refusal(err error) error {
	if _, ok := errors.AsType[*web.Error](err); ok {
		return err
	}
	return web.Unavailable(err)
}

// take runs one turn and returns what answers it inline.
func (h *Handler) take(ctx context.Context, a activity.Activity, caller auth.Caller) ([]activity.Activity, error) {
	t, err := h.turn(a, caller)
	if err != nil {
		return nil, err
	}
	if ownChat(t, caller) {
		if done, err := h.own(ctx, a, t); done || err != nil {
			return nil, err
		}
	}
	switch {
	case a.Type == activity.TypeEndOfConversation:
		return nil, h.hostEnded(ctx, t)
	case a.Type == activity.TypeEvent && a.Name == ActionEnd:
		return h.end(ctx, t)
	case a.Type == activity.TypeEvent && a.Name == ActionStart:
		return h.start(ctx, t)
	case a.Type == activity.TypeMessage:
		return h.forward(ctx, t)
	case a.Type == activity.TypeMessageUpdate, a.Type == activity.TypeMessageDelete:
		return nil, h.Bridge.Amend(ctx, t, a.Type == activity.TypeMessageDelete)
	case a.Type == activity.TypeTyping:
		return nil, h.Bridge.Typing(ctx, t)
	case a.Type == activity.TypeInstallationUpdate && removed(a):
		return nil, h.hostEnded(ctx, t)
	case a.Type == activity.TypeMessageReaction && h.Reacted != nil:
		h.Reacted()
	}
	return nil, nil // other types and names are to be ignored (rules A2006, A5002)
}

func (h *Handler) start(ctx context.Context, t bridge.Turn) ([]activity.Activity, error) {
	if t.Channel != activity.ChannelTeams {
		return h.Bridge.OnlyTeams(ctx, t)
	}
	return h.Bridge.Start(ctx, t)
}

func (h *Handler) forward(ctx context.Context, t bridge.Turn) ([]activity.Activity, error) {
	if t.Channel != activity.ChannelTeams {
		return h.Bridge.OnlyTeams(ctx, t)
	}
	if t.Text == "" && t.Press == nil && len(t.Files) == 0 {
		return nil, nil // nothing was said
	}
	answers, err := h.pass(ctx, t)
	if errors.Is(err, bridge.ErrNotEscalated) {
		return h.Bridge.NotEscalated(ctx, t)
	}
	return answers, err
}

// pass forwards a message. The sender of one that took long may send a copy.
func (h *Handler) pass(ctx context.Context, t bridge.Turn) ([]activity.Activity, error) {
	began := time.Now()
	answers, err := h.Bridge.Forward(ctx, t)
	if ctx.Err() != nil || time.Since(began) > slowAnswer {
		if err := h.Bridge.Unheard(ctx, t); err != nil {
			h.Log.WarnContext(ctx, "a copy of a message may have its effect", "err", err)
		}
	}
	return answers, err
}

// removed reports whether the user or an admin took the app away.
func removed(a activity.Activity) bool {
	return a.Action == activity.ActionRemove || a.Action == activity.ActionRemoveUpgrade
}

func (h *Handler) end(ctx context.Context, t bridge.Turn) ([]activity.Activity, error) {
	answer := bridge.EndOfTurn(t.Name, activity.CodeCompleted, bridge.Outputs{Status: "ended", Reason: string(mapping.ByUser)})
	return []activity.Activity{answer}, h.Bridge.End(ctx, t, mapping.ByUser, answer)
}

// hostEnded cleans up after a host that gave up on us; the host wants no answer.
// Copilot Studio's health check looks the same and ends nothing.
func (h *Handler) hostEnded(ctx context.Context, t bridge.Turn) error {
	if t.Key.Conversation == "" {
		return nil
	}
	return h.Bridge.End(ctx, t, mapping.ByHost)
}
