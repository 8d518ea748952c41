package mapping

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Traced is a mapping as an operator sees it, with its times.
type Traced struct {
	Mapping

	JoinedAt, EndedAt, ClosedAt *time.Time
	NextAt                      *time.Time // the same conversation's next mapping was opened
}

// What is found by the conversation alone asks each copilot's index in turn:
// there are few copilots.
const traceSQL = `
	WITH RECURSIVE bot (id) AS (
		SELECT min(bot_app_id) FROM mapping
		UNION ALL
		SELECT (SELECT min(m.bot_app_id) FROM mapping AS m WHERE m.bot_app_id > bot.id)
		FROM bot
		WHERE bot.id IS NOT NULL
	), found AS MATERIALIZED (
		SELECT m.id
		FROM mapping AS m
		WHERE m.id = @id
		UNION
		SELECT m.id
		FROM mapping AS m
		WHERE m.hub_conversation = @text
		UNION
		SELECT m.id
		FROM bot
		JOIN mapping AS m ON m.bot_app_id = bot.id AND m.conversation_id = @text
	)
	SELECT ` + columns + `, m.joined_at, m.ended_at, m.closed_at,
		(SELECT min(n.opened_at)
		 FROM mapping AS n
		 WHERE n.bot_app_id = m.bot_app_id
		   AND n.conversation_id = m.conversation_id
		   AND n.id > m.id)
	FROM found
	JOIN mapping AS m USING (id)
	ORDER BY m.id`

// Trace finds the mappings that id names, or whose conversation at the hub or in
// the channel text names, oldest first. An id of 0 and an empty text name none.
func Trace(ctx context.Context, db DB, id ID, text string) ([]Traced, error) {
	rows, err := db.Query(ctx, traceSQL, pgx.NamedArgs{"id": id, "text": text})
	if err != nil {
		return nil, fmt.Errorf("trace mappings: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Traced, error) {
		var t Traced
		err := row.Scan(append(t.fields(), &t.JoinedAt, &t.EndedAt, &t.ClosedAt, &t.NextAt)...)
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("trace mappings: %w", err)
	}
	return found, nil
}
