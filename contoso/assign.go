package contoso

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// assignPoll is how soon a user who waits is given to an agent who takes them
// without being asked.
const assignPoll = time.Second

// assignWaiting gives users who wait to agents, round robin, until ctx ends.
func (a *App) assignWaiting(ctx context.Context) error {
	tick := time.NewTicker(assignPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := a.assignAll(ctx); err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "waiting users not assigned", "err", err)
		}
	}
}

func (a *App) assignAll(ctx context.Context) error {
	for {
		var assigned bool
		err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) (err error) {
			assigned, err = assignNext(ctx, tx)
			return err
		})
		if err != nil || !assigned {
			return err
		}
		a.changed.wake()
		a.queued.wake()
	}
}

const nextWaitingSQL = `
SELECT id
FROM contoso.conversation
WHERE state = 'waiting'
ORDER BY priority DESC, queued_at, id
LIMIT 1
FOR NO KEY UPDATE SKIP LOCKED`

// An agent's row is locked, so that two processes together keep to the limit.
const nextAgentSQL = `
UPDATE contoso.presence
SET assigned_at = now()
WHERE agent = (
    SELECT p.agent
    FROM contoso.presence p
    WHERE NOT p.away
    AND p.seen_at > now() - interval '1 minute'
    AND p.accepts > (SELECT count(*) FROM contoso.conversation c WHERE c.state = 'active' AND c.agent = p.name)
    ORDER BY p.assigned_at NULLS FIRST, p.name
    LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING name`

// assignNext gives the user who is first in line to the agent who was given one
// the longest ago, and reports whether there were both.
func assignNext(ctx context.Context, tx pgx.Tx) (bool, error) {
	var id, agent string
	err := tx.QueryRow(ctx, nextWaitingSQL).Scan(&id)
	if err == nil {
		err = tx.QueryRow(ctx, nextAgentSQL).Scan(&agent)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find user and agent: %w", err)
	}
	joined, err := take(ctx, tx, line{ConversationID: id, Sender: agent})
	if err != nil {
		return false, err
	}
	return true, record(ctx, tx, id, joined.ID)
}
