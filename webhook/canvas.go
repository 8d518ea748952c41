package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/relay"
)

// receiveCanvas takes what happens in a hub's own chat.
func (h *Handler) receiveCanvas(c *gin.Context) error {
	name := c.Param("hub")
	hub, ok := h.Canvases[name]
	body, err := h.verified(c, name, hub, ok)
	if err != nil {
		return err
	}
	events, err := hub.ParseCanvas(body)
	if err != nil {
		return &web.Error{Status: http.StatusBadRequest, Text: err.Error(), Err: err}
	}
	post := hub.PostID(c.Request.Header)
	for n, e := range events {
		if e.ID == "" && post != "" { // whoever repeats the post would say it again
			e.ID = fmt.Sprintf("post %d/%s", n, post)
		}
		if len(e.ID) > maxID || len(e.Conversation) > maxID {
			return web.BadRequest(fmt.Sprintf("id: longer than %d bytes", maxID))
		}
		// What came before a refusal stays accepted; its repeat is dropped by its id.
		if err := h.Relay.Hear(c.Request.Context(), name, e); err != nil {
			return canvasRefusal(err)
		}
	}
	c.Status(http.StatusNoContent)
	return nil
}

func canvasRefusal(err error) error {
	switch {
	case errors.Is(err, relay.ErrEnded):
		return &web.Error{Status: http.StatusConflict, Text: "conversation has ended", Err: err}
	case errors.Is(err, relay.ErrNotNow):
		return &web.Error{
			Status: http.StatusServiceUnavailable, Text: "people have control: repeat it when the copilot has, or tell it as pending",
			Err: err, RetryAfter: notNow,
		}
	}
	return web.Unavailable(err)
}

// notNow is a guess of how long a hub needs to take over, or to refuse to.
const notNow = 2 * time.Second
