package contoso

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

const messagesSQL = `
SELECT id, conversation_id, position, event, author, sender, body, reason, about, recipient, note, summary,
       place, wait_seconds, edited, deleted, files, key, state, failure, report, report_reason, report_settled, created_at, format, choices, value
FROM contoso.line_shown
WHERE id IN (
    SELECT id
    FROM contoso.line
    WHERE (@conversation = '' OR conversation_id = @conversation)
    AND event NOT IN ('edited', 'deleted', 'queued')
    AND (@system OR author <> 'system')
    ORDER BY position DESC
    LIMIT CASE WHEN @conversation = '' THEN 500 END)
ORDER BY position`

// messages returns what was said in a conversation, or in all of them the newest
// 500 lines, oldest first; with system, also what happened. Words are as they
// stand: edited, or gone.
func messages(ctx context.Context, tx pgx.Tx, conversation string, system bool) ([]line, error) {
	return collectLines(tx.Query(ctx, messagesSQL, pgx.NamedArgs{"conversation": conversation, "system": system}))
}

// sinceBatch bounds what one read of the past returns: about what one answer may
// hold when all lines are long.
const sinceBatch = 50

const sinceSQL = `
SELECT id, conversation_id, position, event, author, sender, body, reason, about, recipient, note, summary,
       place, wait_seconds, edited, deleted, files, key, state, failure, report, report_reason, report_settled, created_at, format, choices, value
FROM contoso.line_shown
WHERE conversation_id = @conversation
AND position > @position
AND created_at > @at
ORDER BY position
LIMIT @limit`

// since returns what was said, changed and happened after a moment, oldest first,
// at most sinceBatch of it.
func since(ctx context.Context, tx pgx.Tx, conversation string, after moment) ([]line, error) {
	return collectLines(tx.Query(ctx, sinceSQL, pgx.NamedArgs{
		"conversation": conversation, "position": after.position, "at": after.at, "limit": sinceBatch,
	}))
}

// collectLines takes a query's two results, so that it wraps the call.
func collectLines(rows pgx.Rows, err error) ([]line, error) {
	if err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowToStructByName[line])
	if err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	return lines, nil
}

// A moment is a place in a conversation: a line's position, or a time.
type moment struct {
	position int64
	at       time.Time
}

// parseMoment reads a position or an RFC 3339 time; "0" is before everything.
func parseMoment(text string) (moment, error) {
	if position, err := strconv.ParseInt(text, 10, 64); err == nil {
		return moment{position: position}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return moment{}, web.BadRequest("since is neither a sequence number nor an RFC 3339 time")
	}
	return moment{at: at}, nil
}
