package mapping

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/liaison-skill/liaison/livechat"
)

// Keys that are no UUIDs are of openings by somebody else.
const overAtHubSQL = `
	WITH inp AS (
		SELECT *
		FROM unnest(@conversations::text[], @keys::uuid[]) AS t (conversation, key)
	)
	SELECT m.id, inp.conversation
	FROM inp JOIN mapping AS m ON m.hub_conversation = inp.conversation AND m.hub = @hub
	WHERE m.closed_at < now() - @age::interval
	UNION
	SELECT m.id, inp.conversation
	FROM inp JOIN mapping AS m ON m.open_key = inp.key AND m.hub = @hub
	WHERE m.closed_at < now() - @age::interval`

// OverAtHub returns those of a hub's open conversations whose mapping is over for
// longer than age. What no mapping is known of is somebody else's.
func OverAtHub(ctx context.Context, db DB, hub string, open []livechat.Standing, age time.Duration) (map[ID]livechat.ConversationID, error) {
	conversations, keys := make([]string, len(open)), make([]pgtype.UUID, len(open))
	for i, s := range open {
		conversations[i] = string(s.Conversation)
		if keys[i].Scan(s.Key) != nil {
			keys[i] = pgtype.UUID{} // NULL
		}
	}
	rows, err := db.Query(ctx, overAtHubSQL, pgx.NamedArgs{
		"hub": hub, "conversations": conversations, "keys": keys, "age": age,
	})
	if err != nil {
		return nil, fmt.Errorf("find orphans: %w", err)
	}
	found := map[ID]livechat.ConversationID{}
	var id ID
	var c livechat.ConversationID
	_, err = pgx.ForEachRow(rows, []any{&id, &c}, func() error {
		found[id] = c
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find orphans: %w", err)
	}
	return found, nil
}

// A Going is a mapping whose conversation a hub has.
type Going struct {
	ID           ID
	Conversation livechat.ConversationID
	OpenedAt     time.Time
}

const goingAtHubSQL = `
	SELECT m.id, m.hub_conversation, m.opened_at
	FROM mapping AS m
	WHERE m.state IN ('waiting', 'active')
	  AND m.closed_at IS NULL
	  AND m.hub = @hub
	  AND m.opened_at < now() - @age::interval
	ORDER BY m.id`

// GoingAtHub returns the mappings that a hub has for longer than age.
func GoingAtHub(ctx context.Context, db DB, hub string, age time.Duration) ([]Going, error) {
	rows, err := db.Query(ctx, goingAtHubSQL, pgx.NamedArgs{"hub": hub, "age": age})
	if err != nil {
		return nil, fmt.Errorf("find open mappings: %w", err)
	}
	going, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Going])
	if err != nil {
		return nil, fmt.Errorf("find open mappings: %w", err)
	}
	return going, nil
}
