package sandbox

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/wwwroot"
)

// mountCopilot adds the page that looks like Microsoft 365 Copilot, and its API.
func (s *Sandbox) mountCopilot(r *gin.Engine) {
	web.PagesAt(r, "/copilot", wwwroot.Copilot())
	api := r.Group("/api/people/:name", s.sameOrigin())
	api.GET("/copilot", web.Handle(s.log, s.copilotChat))
	api.POST("/copilot", web.Handle(s.log, s.postPrompt))
	api.DELETE("/copilot", web.Handle(s.log, s.asUser(func(_ *gin.Context, u User) error {
		u.ClearCopilot()
		return nil
	})))
	api.POST("/links", web.Handle(s.log, s.followLink))
}

func (s *Sandbox) copilotChat(c *gin.Context) error {
	p, err := s.known(c)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, append([]Answer{}, User{s, p}.CopilotChat()...))
	return nil
}

// postPrompt answers what Copilot says, also when the extension was of no use.
func (s *Sandbox) postPrompt(c *gin.Context) error {
	p, err := s.known(c)
	if err != nil {
		return err
	}
	var in struct{ Prompt string }
	if err := web.Decode(c, maxText, &in); err != nil {
		return err
	}
	if in.Prompt = strings.TrimSpace(in.Prompt); in.Prompt == "" {
		return web.BadRequest("prompt is empty")
	}
	answer, err := User{s, p}.AskCopilot(lasting(c), in.Prompt)
	if err != nil {
		s.log.WarnContext(c.Request.Context(), "message extension was of no use", "user", p.name, "err", err)
	}
	c.JSON(http.StatusOK, answer)
	return nil
}

// followLink answers when the bot has the link's token: then the page may show the
// chat.
func (s *Sandbox) followLink(c *gin.Context) error {
	p, err := s.known(c)
	if err != nil {
		return err
	}
	var in struct{ URL string }
	if err := web.Decode(c, maxText, &in); err != nil {
		return err
	}
	err = User{s, p}.Follow(lasting(c), in.URL)
	switch {
	case errors.Is(err, errNotInstalled), errors.Is(err, errNoApp):
		return &web.Error{Status: http.StatusConflict, Text: "the bot is not installed", Err: err}
	case err != nil:
		return &web.Error{Status: http.StatusBadGateway, Text: "the bot did not take the link", Err: err}
	}
	c.Status(http.StatusNoContent)
	return nil
}
