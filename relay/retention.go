package relay

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/delivery"
)

// How often relays that are over are pruned, and how many at once.
const (
	pruneEvery = 5 * time.Minute
	pruneBatch = 100
)

// retain prunes what is over until ctx ends, at times of its own, so that replicas
// take turns.
func (r *Relay) retain(ctx context.Context) error {
	for {
		select {
		case <-time.After(pruneEvery/2 + rand.N(pruneEvery)):
		case <-ctx.Done():
			return nil
		}
		n, err := Prune(ctx, r.opt.Pool, r.opt.Retention)
		if err != nil && ctx.Err() == nil {
			r.opt.Log.WarnContext(ctx, "prune relays", "err", err)
		}
		if n > 0 {
			r.opt.Log.InfoContext(ctx, "pruned relays", "relays", n)
		}
	}
}

// pruneSQL takes relays whose hub never told their end, too. One that is awake has
// nobody who listens when its hub is not configured any more.
const pruneSQL = `
	DELETE FROM relay
	WHERE id IN (
		SELECT id
		FROM relay AS r
		WHERE opened_at < now() - @keep::interval
		  AND spoke_at < now() - @keep::interval
		  AND (NOT awake OR listen_until IS NULL OR listen_until <= now())
		  AND NOT EXISTS (
			SELECT FROM lane AS l
			WHERE (l.destination, l.conversation) = ('directline', 'relay ' || r.id))
		  AND NOT EXISTS (
			SELECT FROM lane AS l
			WHERE (l.destination, l.conversation) = ('canvas/' || r.hub, 'relay ' || r.id))
		ORDER BY opened_at
		LIMIT @limit
		FOR UPDATE SKIP LOCKED
	)`

// Prune deletes relays in which nobody has talked for longer than keep, and of which
// the outbox holds nothing any more. A keep of zero is for ever.
func Prune(ctx context.Context, pool *pgxpool.Pool, keep time.Duration) (int64, error) {
	var total int64
	for n := int64(pruneBatch); n == pruneBatch && keep > 0; {
		tag, err := pool.Exec(ctx, pruneSQL, pgx.NamedArgs{"keep": keep, "limit": pruneBatch})
		if err != nil {
			return total, fmt.Errorf("prune relays: %w", err)
		}
		n = tag.RowsAffected()
		total += n
	}
	return total, nil
}

const (
	lockOfUserSQL = `
	SELECT ` + columns + `
	FROM relay AS r
	WHERE user_id = @user
	  AND (hub = @hub OR @hub = '')
	ORDER BY id
	FOR UPDATE`

	eraseSQL = `
	UPDATE relay
	SET known = '{}', choices = NULL, profile = '{}'
	WHERE id = ANY(@ids)`

	deleteSQL = `
	DELETE FROM relay
	WHERE id = ANY(@ids)`

	purgeAuditSQL = `
	INSERT INTO audit (actor, action, subject, detail)
	VALUES (@actor, 'purge', 'canvas user', @detail)`
)

// Purged counts what a purge deleted, and what it had to leave.
type Purged struct {
	Relays     int64 `json:"relays"`
	Deliveries int64 `json:"deliveries"`
	Attempts   int64 `json:"attempts"`

	Open int `json:"open"` // relays that go on, or whose deliveries are under way
}

// Purge deletes what a user, by the hub's id, said in a hub's own chat and was told
// there. Without a hub's name it is whoever has that id at any hub. It ends nothing.
// What it did is on record with actor's name and without the user's.
func Purge(ctx context.Context, pool *pgxpool.Pool, actor, hub, user string) (Purged, error) {
	var did Purged
	err := delivery.Persist(ctx, pool, func(tx pgx.Tx) error {
		did = Purged{}
		rows, err := tx.Query(ctx, lockOfUserSQL, pgx.NamedArgs{"hub": hub, "user": user})
		if err != nil {
			return err
		}
		all, err := pgx.CollectRows(rows, scan)
		if err != nil || len(all) == 0 {
			return err
		}
		if err := did.purge(ctx, tx, all); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, purgeAuditSQL, pgx.NamedArgs{"actor": actor, "detail": did})
		return err
	})
	if err != nil {
		return Purged{}, fmt.Errorf("purge relays: %w", err)
	}
	return did, nil
}

func (p *Purged) purge(ctx context.Context, tx pgx.Tx, all []row) error {
	var lanes []delivery.LaneID
	for _, w := range all {
		lanes = append(lanes, lanesOf(w.ID, w.Hub)...)
	}
	gone, err := delivery.Forget(ctx, tx, lanes...)
	if err != nil {
		return err
	}
	p.Deliveries, p.Attempts = gone.Deliveries, gone.Attempts
	kept, err := delivery.Kept(ctx, tx, 0, lanes...)
	if err != nil {
		return err
	}
	var over, open []ID
	for _, w := range all {
		ids := lanesOf(w.ID, w.Hub)
		if w.State == Ended && !kept[ids[0]] && !kept[ids[1]] {
			over = append(over, w.ID)
		} else {
			open = append(open, w.ID)
		}
	}
	p.Open, p.Relays = len(open), int64(len(over))
	if _, err := tx.Exec(ctx, eraseSQL, pgx.NamedArgs{"ids": open}); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, deleteSQL, pgx.NamedArgs{"ids": over})
	return err
}

func lanesOf(id ID, hub string) []delivery.LaneID {
	return []delivery.LaneID{
		{Destination: toCopilot, Conversation: lane(id)},
		{Destination: canvasDestination(hub), Conversation: lane(id)},
	}
}

const countSQL = `
	SELECT state, count(*)
	FROM relay
	WHERE state <> 'ended'
	GROUP BY state`

// CountGoing counts the relays that are not over, by state. States that none is in
// are there as well.
func CountGoing(ctx context.Context, db DB) (map[State]int64, error) {
	counts := map[State]int64{Copilot: 0, Passing: 0, People: 0}
	rows, err := db.Query(ctx, countSQL)
	if err != nil {
		return nil, fmt.Errorf("count relays: %w", err)
	}
	var state State
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&state, &n}, func() error {
		counts[state] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count relays: %w", err)
	}
	return counts, nil
}
