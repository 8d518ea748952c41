package relay

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/delivery"
)

const spansSQL = `
	SELECT id, hub, opened_at
	FROM relay
	WHERE id IN (
		SELECT id
		FROM relay
		WHERE hub_conversation = @text
		UNION
		SELECT CAST(substr(d.conversation, 7) AS bigint)
		FROM delivery AS d
		WHERE d.key = @text
		  AND @text <> ''
		  AND d.conversation ~ '^relay [0-9]{1,18}$')
	ORDER BY id`

// Spans returns the lanes of relays that text names: the hub's id of a conversation,
// or the key of anything that was said in one.
func Spans(ctx context.Context, db DB, text string) ([]delivery.Span, error) {
	rows, err := db.Query(ctx, spansSQL, pgx.NamedArgs{"text": text})
	if err != nil {
		return nil, fmt.Errorf("trace relays: %w", err)
	}
	var spans []delivery.Span
	var id ID
	var hub string
	var from time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &hub, &from}, func() error {
		for _, l := range lanesOf(id, hub) {
			spans = append(spans, delivery.Span{Destination: l.Destination, Conversation: l.Conversation, From: from})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("trace relays: %w", err)
	}
	return spans, nil
}
