package relay

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"
)

// renew renews this replica's leases until ctx ends, by itself: however long it takes
// to take on relays, those that are listened to are kept.
func (r *Relay) renew(ctx context.Context) error {
	tick := time.NewTicker(r.opt.Delivery.Lease / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := r.renewLeases(ctx); err != nil && ctx.Err() == nil {
			r.opt.Log.WarnContext(ctx, "renew relays' leases", "err", err)
		}
	}
}

// A relay that somebody holds at the moment is left for the next time: its lease
// must not cost the others theirs.
const renewSQL = `
	WITH ours AS (
		SELECT id, r.epoch
		FROM relay AS r
		JOIN unnest(@ids::bigint[], @epochs::bigint[]) AS t (id, epoch) USING (id)
		WHERE r.epoch = t.epoch
		  AND r.awake
		  AND r.listener = @me
	), free AS (
		SELECT r.id
		FROM relay AS r
		JOIN ours AS o ON r.id = o.id
		WHERE r.epoch = o.epoch
		  AND r.awake
		  AND r.listener = @me
		FOR NO KEY UPDATE OF r SKIP LOCKED
	), renewed AS (
		UPDATE relay AS r
		SET listen_until = now() + @lease::interval
		FROM free
		WHERE r.id = free.id
		RETURNING r.id
	)
	SELECT id, EXISTS (SELECT FROM renewed AS n WHERE n.id = ours.id)
	FROM ours`

// A renewal is a relay that this replica listens to by the database, too.
type renewal struct {
	ID   ID
	Done bool // otherwise somebody holds it
}

// renewLeases renews the leases of all that this replica listens to, and stops
// where somebody else does, or nobody should.
func (r *Relay) renewLeases(ctx context.Context) error {
	r.mu.Lock()
	held := maps.Clone(r.attended)
	r.mu.Unlock()
	if len(held) == 0 {
		return nil
	}
	ids, epochs := make([]ID, 0, len(held)), make([]int64, 0, len(held))
	for id, a := range held {
		ids, epochs = append(ids, id), append(epochs, a.epoch)
	}
	until := time.Now().Add(r.opt.Delivery.Lease)
	query, cancel := context.WithTimeout(ctx, r.opt.Delivery.Lease/4)
	defer cancel()
	rows, err := r.opt.Pool.Query(query, renewSQL, pgx.NamedArgs{
		"ids": ids, "epochs": epochs, "lease": r.opt.Delivery.Lease, "me": r.me,
	})
	var ours []renewal
	if err == nil {
		ours, err = pgx.CollectRows(rows, pgx.RowToStructByPos[renewal])
	}
	if err != nil {
		for _, a := range held { // what has run out may be somebody else's by now
			if time.Now().After(a.until) {
				a.cancel()
			}
		}
		return fmt.Errorf("renew leases: %w", err)
	}
	for _, one := range ours {
		a := held[one.ID]
		if one.Done {
			a.until = until
		}
		if time.Now().Before(a.until) {
			delete(held, one.ID)
		}
	}
	for _, a := range held {
		a.cancel()
	}
	return nil
}

const releaseSQL = `
	UPDATE relay
	SET listen_until = now()
	WHERE awake
	  AND listener = @me`

// release leaves all that this replica listened to to others.
func (r *Relay) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	if _, err := r.opt.Pool.Exec(ctx, releaseSQL, pgx.NamedArgs{"me": r.me}); err != nil {
		r.opt.Log.WarnContext(ctx, "release relays", "err", err)
	}
}
