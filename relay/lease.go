package relay

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"
)

const renewSQL = `
	UPDATE relay AS r
	SET listen_until = now() + @lease::interval
	FROM unnest(@ids::bigint[], @epochs::bigint[]) AS t (id, epoch)
	WHERE r.id = t.id
	  AND r.epoch = t.epoch
	  AND r.awake
	  AND r.listener = @me
	RETURNING r.id`

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
	var ours []ID
	if err == nil {
		ours, err = pgx.CollectRows(rows, pgx.RowTo[ID])
	}
	if err != nil {
		for _, a := range held { // what has run out may be somebody else's by now
			if time.Now().After(a.until) {
				a.cancel()
			}
		}
		return fmt.Errorf("renew leases: %w", err)
	}
	for _, id := range ours {
		held[id].until = until
		delete(held, id)
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
