package sandbox

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/web"
)

// maxSent bounds a message with its files, in bytes of JSON.
const maxSent = 16 << 20

// mountPlay adds what the page lets the user do.
func (s *Sandbox) mountPlay(api gin.IRouter) {
	on := func(method, path string, do func(*gin.Context, User) error) {
		api.Handle(method, "/people/:name"+path, web.Handle(s.log, s.asUser(do)))
	}
	on(http.MethodPost, "/messages", s.postMessage)
	on(http.MethodPut, "/messages/:line", s.editMessage)
	on(http.MethodDelete, "/messages/:line", func(c *gin.Context, u User) error {
		return u.Delete(lasting(c), request{Context: c}.param("line"))
	})
	on(http.MethodPost, "/messages/:line/restored", func(c *gin.Context, u User) error {
		return u.Undelete(lasting(c), request{Context: c}.param("line"))
	})
	on(http.MethodPost, "/presses", s.postPress)
	on(http.MethodPost, "/reactions", s.postReaction)
	on(http.MethodPost, "/typing", func(c *gin.Context, u User) error { return u.Type(lasting(c)) })
	on(http.MethodPost, "/app", s.postApp)
	on(http.MethodPut, "/profile", s.putProfile)
	api.GET("/people/:name/profile", web.Handle(s.log, s.getProfile))
	api.GET("/switches", web.Handle(s.log, s.getSwitches))
	api.PUT("/switches", web.Handle(s.log, s.putSwitches))
}

// asUser runs do for the user the path names. The answer comes when the turn is
// over; what happened is in the stream before. A turn that failed shows in the
// chat: the page need not know more.
func (s *Sandbox) asUser(do func(*gin.Context, User) error) func(*gin.Context) error {
	return func(c *gin.Context) error {
		p, err := s.known(c)
		if err != nil {
			return err
		}
		err = do(c, User{s, p})
		if _, ok := errors.AsType[*web.Error](err); ok {
			return err
		}
		if errors.Is(err, errNoApp) || errors.Is(err, errNotOwn) || errors.Is(err, errNotThere) {
			return &web.Error{Status: http.StatusConflict, Text: "the chat does not allow that now", Err: err}
		}
		if err != nil {
			s.log.WarnContext(c.Request.Context(), "turn ended in vain", "user", p.name, "err", err)
		}
		c.Status(http.StatusNoContent)
		return nil
	}
}

// lasting is a context for a turn: the copilot goes on when the user closes the
// page, and turns are bounded.
func lasting(c *gin.Context) context.Context { return context.WithoutCancel(c.Request.Context()) }

func (s *Sandbox) postMessage(c *gin.Context, u User) error {
	var in Message
	if err := web.Decode(c, maxSent, &in); err != nil {
		return err
	}
	in.Text = strings.TrimSpace(in.Text)
	if in.Text == "" && len(in.Files) == 0 {
		return web.BadRequest("text is empty")
	}
	if len(in.Text) > maxText {
		return web.BadRequest("text is too long")
	}
	_, err := u.Send(lasting(c), in)
	return err
}

func (s *Sandbox) editMessage(c *gin.Context, u User) error {
	var in struct{ Text string }
	if err := web.Decode(c, maxText, &in); err != nil {
		return err
	}
	if strings.TrimSpace(in.Text) == "" {
		return web.BadRequest("text is empty")
	}
	return u.Edit(lasting(c), request{Context: c}.param("line"), strings.TrimSpace(in.Text))
}

func (s *Sandbox) postPress(c *gin.Context, u User) error {
	var in struct {
		Line, Title string
		Inputs      map[string]string
	}
	if err := web.Decode(c, maxText, &in); err != nil {
		return err
	}
	if _, _, err := u.button(in.Line, in.Title); err != nil {
		return &web.Error{Status: http.StatusNotFound, Text: "no such button", Err: err}
	}
	return u.Press(lasting(c), in.Line, in.Title, in.Inputs)
}

func (s *Sandbox) postReaction(c *gin.Context, u User) error {
	var in struct {
		Line, Emoji string
		On          bool
	}
	if err := web.Decode(c, maxText, &in); err != nil {
		return err
	}
	return u.React(lasting(c), in.Line, in.Emoji, in.On)
}

// postApp does what a user does to the copilot's app, or the host to its dialog.
func (s *Sandbox) postApp(c *gin.Context, u User) error {
	var in struct{ Do string }
	if err := web.Decode(c, maxText, &in); err != nil {
		return err
	}
	switch in.Do {
	case "install":
		return u.Install(lasting(c))
	case "uninstall":
		return u.Uninstall(lasting(c))
	case "cancel":
		return u.Cancel(lasting(c))
	case "block", "unblock":
		u.Block(in.Do == "block")
		return nil
	}
	return web.BadRequest("do is one of install, uninstall, block, unblock, cancel")
}

func (s *Sandbox) getProfile(c *gin.Context) error {
	p, err := s.known(c)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, User{s, p}.Profile())
	return nil
}

func (s *Sandbox) putProfile(c *gin.Context, u User) error {
	in := u.Profile()
	if err := web.Decode(c, maxText, &in); err != nil {
		return err
	}
	u.SetProfile(in)
	return nil
}

func (s *Sandbox) getSwitches(c *gin.Context) error {
	c.JSON(http.StatusOK, s.Switches())
	return nil
}

func (s *Sandbox) putSwitches(c *gin.Context) error {
	in := s.Switches()
	if err := web.Decode(c, maxText, &in); err != nil {
		return err
	}
	if in.RefuseEnd != 0 && (in.RefuseEnd < 400 || in.RefuseEnd > 599) {
		return web.BadRequest("refuseEnd is a status from 400 to 599, or 0")
	}
	s.SetSwitches(in)
	return s.getSwitches(c)
}
