package contoso

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Bounds of a look for conversations whose user has gone.
const (
	idlePoll  = time.Minute
	idleBatch = 200
)

const idleSQL = `
SELECT c.id
FROM contoso.conversation c
WHERE c.state = 'copilot'
AND c.started_at < now() - @idle::interval
AND NOT EXISTS (
    SELECT 1
    FROM contoso.line l
    WHERE l.conversation_id = c.id
    AND l.created_at > now() - @idle::interval)
LIMIT @limit`

// endIdle ends conversations with the copilot in which nothing has been said for
// Canvas.Idle, until ctx ends.
func (a *App) endIdle(ctx context.Context) error {
	idle := a.Config.Canvas.Idle
	if idle <= 0 {
		return nil
	}
	tick := time.NewTicker(min(idlePoll, idle))
	defer tick.Stop()
	for {
		if err := a.endAllIdle(ctx, idle); err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "idle conversations not ended", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (a *App) endAllIdle(ctx context.Context, idle time.Duration) error {
	for {
		rows, err := a.DB.Query(ctx, idleSQL, pgx.NamedArgs{"idle": idle, "limit": idleBatch})
		if err != nil {
			return fmt.Errorf("find idle conversations: %w", err)
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("find idle conversations: %w", err)
		}
		for _, id := range ids {
			err := a.write(ctx, func(tx pgx.Tx) error { return endIfIdle(ctx, tx, id, idle) })
			if err != nil {
				return err
			}
		}
		if len(ids) < idleBatch {
			return nil
		}
	}
}

const stillIdleSQL = `
SELECT state = 'copilot' AND NOT EXISTS (
    SELECT 1
    FROM contoso.line l
    WHERE l.conversation_id = c.id
    AND l.created_at > now() - @idle::interval)
FROM contoso.conversation c
WHERE id = @id`

// endIfIdle ends a conversation unless somebody has said something meanwhile.
func endIfIdle(ctx context.Context, tx pgx.Tx, id string, idle time.Duration) error {
	if _, err := lock(ctx, tx, id); err != nil {
		return err
	}
	var still bool
	if err := tx.QueryRow(ctx, stillIdleSQL, pgx.NamedArgs{"id": id, "idle": idle}).Scan(&still); err != nil || !still {
		return wrapped("find whether conversation is idle", err)
	}
	return end(ctx, tx, id, ending{By: byUser, Reason: "idle"})
}
