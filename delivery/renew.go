package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// renew extends the leases of lanes whose attempt takes long, until ctx ends.
func (o *Outbox) renew(ctx context.Context) error {
	tick := time.NewTicker(o.config.Lease / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for _, d := range o.destinations {
			d.pace.forget()
		}
		if err := o.renewAll(ctx); err != nil && ctx.Err() == nil {
			o.log.WarnContext(ctx, "renew leases", "err", err)
		}
	}
}

const renewSQL = `
	WITH ours AS (
		SELECT l.destination, l.conversation
		FROM lane AS l
		JOIN unnest(@destination::text[], @conversation::text[], @epoch::bigint[])
			AS t (destination, conversation, epoch) USING (destination, conversation)
		WHERE l.epoch = t.epoch AND l.owner = @me
		ORDER BY l.destination, l.conversation
		FOR NO KEY UPDATE OF l SKIP LOCKED
	)
	UPDATE lane AS l
	SET ready_at = now() + @lease::interval
	FROM ours
	WHERE (l.destination, l.conversation) = (ours.destination, ours.conversation)
	RETURNING l.destination, l.conversation`

// renewAll renews what has used up a third of its lease and ends what is not
// ours any more.
func (o *Outbox) renewAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, o.config.Lease/4)
	defer cancel()
	began := time.Now()
	lanes := o.ageing()
	if len(lanes) == 0 {
		return nil
	}
	var destination, conversation []string
	var epoch []int64
	for id, l := range lanes {
		destination, conversation = append(destination, id.destination), append(conversation, id.conversation)
		epoch = append(epoch, l.epoch)
	}
	rows, err := o.pool.Query(ctx, renewSQL, pgx.NamedArgs{
		"destination": destination, "conversation": conversation, "epoch": epoch,
		"lease": o.config.Lease, "me": o.owner,
	})
	if err != nil {
		return fmt.Errorf("renew: %w", err)
	}
	var id laneID
	_, err = pgx.ForEachRow(rows, []any{&id.destination, &id.conversation}, func() error {
		lanes[id].extend(began.Add(o.config.Lease))
		delete(lanes, id)
		return nil
	})
	if err != nil {
		return fmt.Errorf("renew: %w", err)
	}
	for _, l := range lanes { // locked by somebody else, or lost
		if err := o.renewOne(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// renewOneSQL is renewSQL for one lane, and waits for its row.
const renewOneSQL = `
	UPDATE lane
	SET ready_at = statement_timestamp() + @lease::interval
	WHERE destination = @destination
	  AND conversation = @conversation
	  AND epoch = @epoch
	  AND owner = @me`

func (o *Outbox) renewOne(ctx context.Context, l *lane) error {
	began := time.Now()
	args := l.args(0)
	args["epoch"], args["lease"], args["me"] = l.epoch, o.config.Lease, o.owner
	tag, err := o.pool.Exec(ctx, renewOneSQL, args)
	if err != nil {
		return fmt.Errorf("renew: %w", err)
	}
	if tag.RowsAffected() == 1 {
		l.extend(began.Add(o.config.Lease))
	} else if o.holds(l) { // not: it went idle while we asked
		l.lose()
	}
	return nil
}

func (o *Outbox) ageing() map[laneID]*lane {
	o.mu.Lock()
	defer o.mu.Unlock()
	lanes := map[laneID]*lane{}
	for l := range o.held {
		if l.remaining() < o.config.Lease*2/3 {
			lanes[laneID{l.name, l.conversation}] = l
		}
	}
	return lanes
}

func (o *Outbox) holds(l *lane) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.held[l]
	return ok
}
