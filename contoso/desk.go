package contoso

import (
	"cmp"
	"math"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

func (a *App) getConversations(c *gin.Context) error {
	ctx := c.Request.Context()
	var l deskList
	err := pgx.BeginTxFunc(ctx, a.DB, snapshot(), func(tx pgx.Tx) (err error) {
		l, err = list(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, l)
	return nil
}

func (a *App) getConversation(c *gin.Context) error {
	ctx := c.Request.Context()
	var t deskThread
	err := pgx.BeginTxFunc(ctx, a.DB, snapshot(), func(tx pgx.Tx) (err error) {
		t, err = thread(ctx, tx, c.Param("id"))
		return err
	})
	if err != nil {
		return err
	}
	if err := a.auditView(c, c.Param("id")); err != nil {
		return err
	}
	c.JSON(http.StatusOK, t)
	return nil
}

func (a *App) postAnswer(c *gin.Context) error {
	m, key, err := decodeMessage(c)
	if err != nil {
		return err
	}
	m.ConversationID, m.Sender = c.Param("id"), cmp.Or(agentName(c), m.Sender)
	words, err := a.answer(c.Request.Context(), m, key)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, words)
	return nil
}

// postRead marks the lines up to the position "through" as seen, all of them
// without a body: a line may arrive while the agent looks at the ones before it.
func (a *App) postRead(c *gin.Context) error {
	in := struct {
		Through int64 `json:"through"`
	}{Through: math.MaxInt64}
	if c.Request.ContentLength != 0 {
		if err := web.Decode(c, maxBody, &in); err != nil {
			return err
		}
	}
	ctx := c.Request.Context()
	err := a.write(ctx, func(tx pgx.Tx) error { return markRead(ctx, tx, c.Param("id"), in.Through) })
	if err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

// getEvents streams every event after the one the reader saw last.
func (a *App) getEvents(c *gin.Context) error {
	after := web.LastEventID(c)
	stream, err := web.NewStream(c)
	if err != nil {
		return nil // the reader is gone
	}
	poll := time.NewTicker(eventPoll)
	defer poll.Stop()
	follow(c.Request.Context(), a, stream, follower[event]{
		after: after, read: eventsAfter, poll: poll.C,
		watch: func() (news, left <-chan struct{}) { return a.changed.next(), a.left.next() },
		stays: func() bool { return a.requireAgent(c) == nil },
	})
	return nil
}
