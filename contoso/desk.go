package contoso

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

const (
	// eventPoll finds what other processes on the same database recorded.
	eventPoll = time.Second
	eventPing = 15 * time.Second
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
	a.follow(c, stream, after)
	return nil
}

// follow sends until the reader leaves or is signed out, the server drains, or
// the database does not answer: the reader then comes back with the last id it
// saw.
func (a *App) follow(c *gin.Context, stream *web.Stream, after int64) {
	ctx := c.Request.Context()
	poll, ping := time.NewTicker(eventPoll), time.NewTicker(eventPing)
	defer poll.Stop()
	defer ping.Stop()
	for {
		changed, left := a.changed.next(), a.left.next()
		events, err := a.eventsAfter(ctx, after)
		if err != nil {
			if ctx.Err() == nil {
				a.Log.WarnContext(ctx, "event stream ended early", "err", err)
			}
			return
		}
		for _, e := range events {
			if stream.Send(e.Seq, "change", e) != nil {
				return
			}
			after = e.Seq
		}
		if len(events) == eventBatch {
			continue
		}
		select {
		case <-changed:
		case <-poll.C:
		case <-left:
			if a.requireAgent(c) != nil {
				return
			}
		case <-ping.C:
			if a.requireAgent(c) != nil || stream.Ping() != nil {
				return
			}
		case <-ctx.Done():
			return
		case <-web.Draining(ctx):
			return
		}
	}
}

func (a *App) eventsAfter(ctx context.Context, after int64) (events []event, err error) {
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		events, err = eventsAfter(ctx, tx, after)
		return err
	})
	return events, err
}
