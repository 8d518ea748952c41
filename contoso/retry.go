package contoso

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"
)

const retrySQL = `
UPDATE contoso.webhook
SET state = 'queued', due_at = now(), failure = ''
WHERE line_id = @line
AND conversation_id = @conversation
AND state = 'failed'`

// postRetry queues the webhook of a line once more that the receiver refused. One
// that was not refused stays as it is.
func (a *App) postRetry(c *gin.Context) error {
	ctx := c.Request.Context()
	err := a.write(ctx, func(tx pgx.Tx) error { return retry(ctx, tx, c.Param("id"), c.Param("line")) })
	if err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

func retry(ctx context.Context, tx pgx.Tx, conversation, lineID string) error {
	state, err := lock(ctx, tx, conversation)
	if err != nil {
		return err
	}
	if state == stateEnded {
		return errEnded
	}
	canvas, err := onCanvas(ctx, tx, conversation)
	if err != nil {
		return err
	}
	if canvas && state != stateCopilot {
		return errPeople // who have read it; the copilot is told by the return
	}
	tag, err := tx.Exec(ctx, retrySQL, pgx.NamedArgs{"conversation": conversation, "line": lineID})
	if err != nil {
		return fmt.Errorf("queue webhook again: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	return record(ctx, tx, conversation, lineID)
}
