package mapping

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/livechat"
)

const overAtHubSQL = `
	SELECT m.id, inp.conversation
	FROM unnest(@conversations::text[], @keys::text[]) AS inp (conversation, key)
	JOIN mapping AS m ON m.hub = @hub
		AND (m.hub_conversation = inp.conversation
		     OR inp.key ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' AND m.open_key::text = inp.key)
	WHERE m.closed_at < now() - @age::interval`

// OverAtHub returns those of a hub's open conversations whose mapping is over for
// longer than age. What no mapping is known of is somebody else's.
func OverAtHub(ctx context.Context, db DB, hub string, open []livechat.Standing, age time.Duration) (map[ID]livechat.ConversationID, error) {
	conversations, keys := make([]string, len(open)), make([]string, len(open))
	for i, s := range open {
		conversations[i], keys[i] = string(s.Conversation), s.Key
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
	HeardAt      time.Time // when the hub last said something, or the opening
}

const goingAtHubSQL = `
	SELECT m.id, m.hub_conversation, COALESCE(
		(SELECT e.said_at
		 FROM entry AS e
		 WHERE e.mapping = m.id AND e.side = 'agent'
		 ORDER BY e.id DESC
		 LIMIT 1), m.opened_at)
	FROM mapping AS m
	WHERE m.state IN ('waiting', 'active')
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
