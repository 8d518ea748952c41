package skill

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/handoff"
	"github.com/liaison-skill/liaison/internal/web"
)

// maxTranscript is the most lines another agent may hand over.
const maxTranscript = 500

// offer is the body of POST /api/handoffs.
type offer struct {
	User       string            `json:"user"` // in Entra ID; "" for anybody of the caller's tenant
	Locale     string            `json:"locale"`
	Problem    string            `json:"problem"`
	Summary    string            `json:"summary"`
	Queue      string            `json:"queue"`
	Variables  map[string]string `json:"variables"`
	Transcript []offerLine       `json:"transcript"`
}

// offerLine is a line of what the other agent and the user said.
type offerLine struct {
	Role string    `json:"role"` // user or copilot
	Text string    `json:"text"`
	At   time.Time `json:"at,omitzero"`
}

// offerHandoff keeps the context of another agent's conversation and answers with
// the link to go on with in our bot's chat. Callers are those of the skill; the link
// is for their tenant.
func (h *Handler) offerHandoff(c *gin.Context) error {
	ctx := c.Request.Context()
	caller, err := h.Verifier.Verify(ctx, c.GetHeader("Authorization"), activity.Activity{})
	if err != nil {
		return h.Limiter.Refuse(c, err)
	}
	if err := h.Limiter.Admit(caller.String()); err != nil {
		return err
	}
	var in offer
	if err := web.Decode(c, h.MaxBody, &in); err != nil {
		return err
	}
	carry, err := in.context()
	if err != nil {
		return err
	}
	if in.User != "" {
		if err := h.Users.Admit(caller.Tenant + "|" + in.User); err != nil {
			return err
		}
	}
	made, err := h.Extension.Offer(ctx, handoff.Holder{Tenant: caller.Tenant, User: in.User, Bot: h.OwnBot}, carry, in.Locale)
	switch {
	case errors.Is(err, handoff.ErrTooBig):
		return &web.Error{Status: http.StatusRequestEntityTooLarge, Text: fmt.Sprintf("the context is larger than %d bytes", handoff.MaxContext)}
	case err != nil:
		return web.Unavailable(err)
	}
	c.JSON(http.StatusCreated, made)
	return nil
}

// context holds what is handed over to the limits of a turn: what is too many is
// refused, what is too long is cut.
func (in offer) context() (handoff.Context, error) {
	if in.User != "" && !appIDForm.MatchString(in.User) {
		return handoff.Context{}, web.BadRequest("user: expected the object id of a user in Entra ID")
	}
	if len(in.Variables) > maxVariables {
		return handoff.Context{}, web.BadRequest(fmt.Sprintf("variables: more than %d", maxVariables))
	}
	for name, value := range in.Variables {
		if len(name) > maxVariable || len(value) > maxVariable {
			return handoff.Context{}, web.BadRequest(fmt.Sprintf("variables: one is longer than %d bytes", maxVariable))
		}
	}
	if len(in.Transcript) > maxTranscript {
		return handoff.Context{}, web.BadRequest(fmt.Sprintf("transcript: more than %d lines", maxTranscript))
	}
	carry := handoff.Context{
		Problem: clip(in.Problem, maxSummary), Summary: clip(in.Summary, maxSummary),
		Queue: clip(in.Queue, maxHint), Variables: in.Variables,
	}
	for i, l := range in.Transcript {
		if l.Role != "user" && l.Role != "copilot" {
			return handoff.Context{}, web.BadRequest(fmt.Sprintf("transcript[%d].role: expected user or copilot", i))
		}
		carry.Transcript = append(carry.Transcript, handoff.Line{User: l.Role == "user", Text: clip(l.Text, maxLine), At: l.At})
	}
	return carry, nil
}
