// Package webhook is the door on the hubs' side: hubs post what agents say and
// do, and what happens in their own chats, and get an answer with an empty body. Some
// hubs show a body they find there to the user.
package webhook

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/relay"
)

// maxID bounds an event's id, in bytes: it has to fit into an index.
const maxID = 512

// Handler serves the hubs' webhooks.
type Handler struct {
	Bridge  *bridge.Bridge
	Hubs    map[string]livechat.Reader // by configured name
	Default string                     // the hub that /api/livechat/messages belongs to

	Relay    *relay.Relay
	Canvases map[string]livechat.CanvasReader // by configured name: the hubs that own the chat

	Log     *slog.Logger
	MaxBody int64        // bytes
	Limiter *web.Limiter // nil limits nothing
}

var errNoHub = errors.New("no such hub")

// Mount registers the webhooks' routes.
func (h *Handler) Mount(r gin.IRouter) {
	r.POST("/api/livechat/messages", web.Handle(h.Log, func(c *gin.Context) error {
		return h.receive(c, h.Default)
	}))
	r.POST("/api/hubs/:hub/webhook", web.Handle(h.Log, func(c *gin.Context) error {
		return h.receive(c, c.Param("hub"))
	}))
	r.POST("/api/hubs/:hub/canvas", web.Handle(h.Log, h.receiveCanvas))
}

func (h *Handler) receive(c *gin.Context, name string) error {
	hub, ok := h.Hubs[name]
	body, err := h.verified(c, name, hub, ok)
	if err != nil {
		return err
	}
	events, err := hub.Parse(body)
	if err != nil {
		return &web.Error{Status: http.StatusBadRequest, Text: err.Error(), Err: err}
	}
	for _, e := range identified(events, hub.PostID(c.Request.Header)) {
		if len(e.ID) > maxID {
			return web.BadRequest(fmt.Sprintf("id: longer than %d bytes", maxID))
		}
		// What came before a refusal stays accepted; its repeat is dropped by its id.
		if err := h.Bridge.Hear(c.Request.Context(), name, e); err != nil {
			return refusal(err)
		}
	}
	c.Status(http.StatusNoContent)
	return nil
}

// verified returns the body of a post that name's hub has signed.
func (h *Handler) verified(c *gin.Context, name string, hub verifier, known bool) ([]byte, error) {
	body, err := web.Body(c, h.MaxBody)
	if err != nil {
		return nil, err
	}
	// A stranger does not learn which hubs there are.
	err = errNoHub
	if known {
		err = verify(c.Request, hub, body)
	}
	if err != nil {
		return nil, h.Limiter.Refuse(c, &web.Error{Status: http.StatusUnauthorized, Text: "webhook signature required", Err: err})
	}
	return body, h.Limiter.Admit("hub " + name)
}

// identified returns the events, named after their post where they have no id of
// their own: whoever repeats the post would say them again.
func identified(events []livechat.Inbound, post string) []livechat.Inbound {
	named := slices.Clone(events)
	for i := range named {
		if named[i].ID == "" && post != "" {
			named[i].ID = fmt.Sprintf("post %d/%s", i, post)
		}
	}
	return named
}

// A verifier checks what a hub signs.
type verifier interface {
	Verify(header http.Header, body []byte, now time.Time) error
}

// verify checks the signature. Without a secret, only a peer on this very machine
// is believed, and only if no proxy stands between.
func verify(r *http.Request, hub verifier, body []byte) error {
	err := hub.Verify(r.Header, body, time.Now())
	if errors.Is(err, livechat.ErrUnsigned) && web.Local(r) {
		return nil
	}
	return err
}

func refusal(err error) error {
	switch {
	case errors.Is(err, bridge.ErrUnknown): // final for many hubs; while opening it is a 503
		return &web.Error{Status: http.StatusNotFound, Text: "no such conversation", Err: err}
	case errors.Is(err, bridge.ErrEnded):
		return &web.Error{Status: http.StatusConflict, Text: "conversation has ended", Err: err}
	}
	return web.Unavailable(err)
}
