package contoso

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

// A standing is how a conversation stands, for the caller that opened it.
type standing struct {
	ID        string     `db:"id" json:"conversationId"`
	Key       string     `db:"start_key" json:"key,omitempty"` // the start's
	Reference string     `db:"reference" json:"reference,omitempty"`
	State     string     `db:"state" json:"state"`
	Agent     string     `db:"agent" json:"agent,omitempty"`
	Queue     string     `db:"queue" json:"queue,omitempty"`
	StartedAt time.Time  `db:"started_at" json:"openedAt"`
	EndedAt   *time.Time `db:"ended_at" json:"endedAt,omitempty"`
	EndedBy   string     `db:"ended_by" json:"endedBy,omitempty"`

	Unreachable bool `db:"unreachable" json:"unreachable,omitempty"` // see postReport
}

// censusBatch bounds what one answer lists.
const censusBatch = 1000

const censusSQL = `
SELECT id, coalesce(start_key, '') AS start_key, reference, state, agent, queue, started_at, ended_at,
       coalesce(ended_by, '') AS ended_by, unreachable
FROM contoso.conversation
WHERE id > @after
AND origin = 'api'
AND (@state = '' OR state = @state OR (@state = 'open' AND state <> 'ended'))
ORDER BY id
LIMIT @limit`

// getCensus lists conversations by id: of a state, "open" for those that have not
// ended, and from the one behind "after" on.
func (a *App) getCensus(c *gin.Context) error {
	switch state := c.Query("state"); state {
	case "", "open", stateWaiting, stateActive, stateEnded:
	default:
		return web.BadRequest("state is not open, waiting, active or ended")
	}
	rows, err := a.DB.Query(c.Request.Context(), censusSQL, pgx.NamedArgs{
		"after": c.Query("after"), "state": c.Query("state"), "limit": censusBatch,
	})
	if err != nil {
		return fmt.Errorf("list conversations: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[standing])
	if err != nil {
		return storable(fmt.Errorf("list conversations: %w", err))
	}
	c.JSON(http.StatusOK, append([]standing{}, all...)) // none is [], not null
	return nil
}

const standingSQL = `
SELECT id, coalesce(start_key, '') AS start_key, reference, state, agent, queue, started_at, ended_at,
       coalesce(ended_by, '') AS ended_by, unreachable
FROM contoso.conversation
WHERE id = @id`

// getStanding returns how one conversation stands and, while its user waits, at
// which place.
func (a *App) getStanding(c *gin.Context) error {
	ctx := c.Request.Context()
	var out struct {
		standing
		*place
	}
	err := pgx.BeginTxFunc(ctx, a.DB, snapshot(), func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, standingSQL, pgx.NamedArgs{"id": c.Param("id")})
		if err != nil {
			return fmt.Errorf("read conversation: %w", err)
		}
		out.standing, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[standing])
		if errors.Is(err, pgx.ErrNoRows) {
			return errUnknown
		}
		if err != nil {
			return fmt.Errorf("read conversation: %w", err)
		}
		out.place, err = placeOf(ctx, tx, c.Param("id"))
		return err
	})
	if err != nil {
		return storable(err)
	}
	c.JSON(http.StatusOK, out)
	return nil
}

const rateSQL = `
UPDATE contoso.conversation
SET rating_score = @score, rating_comment = @comment
WHERE id = @id`

// A rating is what the user thinks of the help.
type rating struct {
	Score   int    `json:"score"`
	Comment string `json:"comment"`
}

func (r rating) check() error {
	if r.Score < 1 || r.Score > 5 {
		return web.BadRequest("score is not 1 to 5")
	}
	return nil
}

// postRate keeps what the user thinks of the help, also after the end. A later
// rating replaces the one before, so repeating one does no harm.
func (a *App) postRate(c *gin.Context) error {
	var in struct {
		ConversationID string `json:"conversationId"`
		rating
	}
	if err := web.Decode(c, maxBody, &in); err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	ctx := c.Request.Context()
	err := a.write(ctx, func(tx pgx.Tx) error {
		return rate(ctx, tx, in.ConversationID, in.rating)
	})
	if err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

func rate(ctx context.Context, tx pgx.Tx, id string, r rating) error {
	if _, err := lock(ctx, tx, id); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, rateSQL, pgx.NamedArgs{"id": id, "score": r.Score, "comment": r.Comment})
	if err != nil {
		return fmt.Errorf("rate conversation: %w", err)
	}
	return record(ctx, tx, id, "")
}

const pastSQL = `
SELECT transcript, earlier
FROM contoso.conversation
WHERE id = @id`

// pastOf returns what happened before a conversation.
func pastOf(ctx context.Context, tx pgx.Tx, id string) (p past, err error) {
	if err := tx.QueryRow(ctx, pastSQL, pgx.NamedArgs{"id": id}).Scan(&p.Transcript, &p.Earlier); err != nil {
		return past{}, fmt.Errorf("read what was before: %w", err)
	}
	return p, nil
}
