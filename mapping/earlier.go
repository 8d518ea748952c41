package mapping

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/liaison-skill/liaison/livechat"
)

const earlierSQL = `
	SELECT m.id::text, m.opened_at, m.ended_at, m.problem, COALESCE(m.closed_by, '')
	FROM mapping AS m
	WHERE m.bot_app_id = @bot
	  AND m.conversation_id = @conversation
	  AND m.id < @id
	  AND m.hub_conversation IS NOT NULL
	ORDER BY m.id DESC
	LIMIT @limit`

// Earlier returns the escalations of m's user with the same copilot before m, the
// latest first.
func Earlier(ctx context.Context, db DB, m Mapping, limit int) ([]livechat.Escalation, error) {
	rows, err := db.Query(ctx, earlierSQL, pgx.NamedArgs{
		"bot": m.Key.BotAppID, "conversation": m.Key.Conversation, "id": m.ID, "limit": limit,
	})
	if err != nil {
		return nil, fmt.Errorf("find earlier escalations: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (livechat.Escalation, error) {
		var e livechat.Escalation
		var ended pgtype.Timestamptz
		err := row.Scan(&e.Reference, &e.OpenedAt, &ended, &e.Problem, &e.EndedBy)
		e.EndedAt = ended.Time
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("find earlier escalations: %w", err)
	}
	return found, nil
}
