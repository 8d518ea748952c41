package contoso

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// A place is where a user waits, from 1, and for how long that may be; 0 is
// unknown.
type place struct {
	Place       int `db:"place" json:"position"`
	WaitSeconds int `db:"wait_seconds" json:"waitSeconds,omitempty"`
}

const placeSQL = `
SELECT place, wait_seconds
FROM contoso.waiting
WHERE id = @id`

// placeOf returns where the user of a conversation waits, nil for one who does
// not.
func placeOf(ctx context.Context, tx pgx.Tx, id string) (*place, error) {
	rows, err := tx.Query(ctx, placeSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return nil, fmt.Errorf("find place in queue: %w", err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[place])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find place in queue: %w", err)
	}
	return p, nil
}

// newsBatch bounds how many users hear of their places at once.
const newsBatch = 500

const movedSQL = `
SELECT id
FROM contoso.waiting
WHERE place <> told_place
AND coalesce(told_at <= now() - @pause::interval, true)
ORDER BY told_at NULLS FIRST
LIMIT @limit`

// tellPlaces tells users who wait where they stand, when that has changed, once
// in every Config.QueueNews. Those who are answered sooner are told nothing.
func (a *App) tellPlaces(ctx context.Context) error {
	pause := a.Config.QueueNews
	if pause <= 0 {
		return nil
	}
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := a.tellMoved(ctx, pause); err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "places in queues not told", "err", err)
		}
	}
}

func (a *App) tellMoved(ctx context.Context, pause time.Duration) error {
	rows, err := a.DB.Query(ctx, movedSQL, pgx.NamedArgs{"pause": pause, "limit": newsBatch})
	if err != nil {
		return fmt.Errorf("find who moved: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("find who moved: %w", err)
	}
	for _, id := range ids {
		err := a.write(ctx, func(tx pgx.Tx) error { return tellPlace(ctx, tx, id, pause) })
		if err != nil {
			return err
		}
	}
	return nil
}

const tellPlaceSQL = `
UPDATE contoso.conversation c
SET told_place = w.place, told_at = now()
FROM contoso.waiting w
WHERE w.id = c.id
AND c.id = @id
AND w.place <> c.told_place
AND coalesce(c.told_at <= now() - @pause::interval, true)
RETURNING w.place, w.wait_seconds`

// tellPlace tells one user, unless another process has done so.
func tellPlace(ctx context.Context, tx pgx.Tx, id string, pause time.Duration) error {
	if _, err := lock(ctx, tx, id); err != nil {
		return err
	}
	l := line{ConversationID: id, Event: eventQueued, From: bySystem}
	err := tx.QueryRow(ctx, tellPlaceSQL, pgx.NamedArgs{"id": id, "pause": pause}).Scan(&l.Place, &l.WaitSeconds)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("tell place in queue: %w", err)
	}
	l.Text = fmt.Sprintf("The user is number %d in the queue", l.Place)
	if err := tell(ctx, tx, &l); err != nil {
		return err
	}
	return record(ctx, tx, id, l.ID)
}
