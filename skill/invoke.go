package skill

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/handoff"
	"github.com/liaison-skill/liaison/internal/web"
)

// Invokes of Teams that are for our own bot.
const (
	invokeQuery   = "composeExtension/query"
	invokeHandoff = "handoff/action"
	invokeSubmit  = "message/submitAction" // what a user thinks of an answer
	invokeConsent = "fileConsent/invoke"
)

// invoke answers what Teams asks our own bot. A skill host's invokes end with the
// host.
func (h *Handler) invoke(c *gin.Context, a activity.Activity, caller auth.Caller) error {
	t, err := h.turn(a, caller)
	if err != nil {
		return err
	}
	own := ownChat(t, caller)
	switch {
	case own && a.Name == invokeQuery && h.Extension != nil:
		return h.query(c, a, t)
	case own && a.Name == invokeHandoff:
		return h.handoff(c, a, t)
	case own && a.Name == invokeConsent:
		return h.consent(c, a, t)
	case own && a.Name == invokeSubmit:
		c.Status(http.StatusOK)
		return nil
	}
	return &web.Error{Status: http.StatusNotImplemented, Text: "invoke " + a.Name + " is not supported"}
}

// query answers the message extension, which has no chat: copilots and compose boxes
// ask it from anywhere.
func (h *Handler) query(c *gin.Context, a activity.Activity, t bridge.Turn) error {
	if err := h.Users.Admit(t.Tenant + "|" + t.User.ID); err != nil {
		return err
	}
	q, err := handoff.ReadQuery(a.Value)
	if err != nil {
		return web.BadRequest("activity: " + err.Error())
	}
	q.Locale = t.User.Locale
	c.JSON(http.StatusOK, h.Extension.Answer(c.Request.Context(), q, holder(t)))
	return nil
}

// handoff takes a user who followed a link. Everything they are to read is promised
// before the answer, which has no body: Teams would not show it.
func (h *Handler) handoff(c *gin.Context, a activity.Activity, t bridge.Turn) error {
	var value struct {
		Continuation handoff.Token `json:"continuation"`
	}
	if json.Unmarshal(a.Value, &value) != nil || value.Continuation == "" {
		return web.BadRequest("activity: value.continuation: required")
	}
	if err := h.Users.Admit(t.Tenant + "|" + t.User.ID); err != nil {
		return err
	}
	t.Problem, t.Summary, t.Queue, t.Variables = "", "", "", nil // the value is the token
	ctx := c.Request.Context()
	err := h.Bridge.Continue(ctx, t, value.Continuation)
	h.Extension.Redeemed(err)
	switch {
	case errors.Is(err, handoff.ErrUsed), errors.Is(err, handoff.ErrExpired), errors.Is(err, handoff.ErrUnknown):
		h.Log.InfoContext(ctx, "handoff refused", "err", err)
	case err != nil:
		return refusal(err)
	}
	c.Status(http.StatusOK)
	return nil
}

// consent takes whether a user wants a file of the agent's. What follows comes later.
func (h *Handler) consent(c *gin.Context, a activity.Activity, t bridge.Turn) error {
	answer, ok := bridge.ReadConsent(a.Value)
	if !ok {
		return web.BadRequest("activity: value: expected the answer to a file consent card of ours")
	}
	if err := h.Bridge.Consented(c.Request.Context(), t, answer); err != nil {
		return refusal(err)
	}
	c.Status(http.StatusOK)
	return nil
}

// holder is who a link is for: whoever asks, in the bot's own chat.
func holder(t bridge.Turn) handoff.Holder {
	return handoff.Holder{Tenant: t.Tenant, User: t.User.ID, Bot: t.Key.BotAppID}
}
