package delivery

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jackc/pgx/v5"
)

// Bounds of looking for what expired: how many lanes at once, and how long after
// its time. What is older is settled when its lane has its turn.
const (
	maxExpire   = 32
	expireAtOne = 4
	expiredFor  = 10 * time.Minute
)

// expire settles until ctx ends what expired while its peer is away or keeps every
// slot: that needs no peer.
func (o *Outbox) expire(ctx context.Context, d *destination) error {
	poll := time.NewTicker(o.config.Poll)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-poll.C:
		}
		if !d.breaker.open() && d.slots.TryAcquire(1) {
			d.slots.Release(1)
			continue // the claim sees to it
		}
		if err := o.expireSome(ctx, d); err != nil && ctx.Err() == nil {
			o.log.WarnContext(ctx, "claim expired deliveries", "destination", d.name, "err", err)
		}
	}
}

// claimExpiredSQL takes lanes before their next try, but from no living owner.
const claimExpiredSQL = takeSQL + `
		SELECT l.destination, l.conversation, ` + doubtful + `
		FROM delivery AS d JOIN lane AS l USING (destination, conversation)
		WHERE d.expires_at BETWEEN now() - @for::interval AND now()
		  AND d.destination = @destination
		  AND d.seq = l.acked_seq + 1
		  AND l.ready_at IS NOT NULL
		  AND (l.owner IS NULL OR l.ready_at <= now())
		LIMIT @limit
		FOR NO KEY UPDATE OF l SKIP LOCKED` + takenSQL

func (o *Outbox) expireSome(ctx context.Context, d *destination) error {
	ctx = context.WithoutCancel(ctx) // a claim that is given up halfway may have been made
	until := time.Now().Add(o.config.Lease)
	query, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	rows, err := o.pool.Query(query, claimExpiredSQL, pgx.NamedArgs{
		"destination": d.name, "for": expiredFor, "limit": maxExpire, "lease": o.config.Lease, "me": o.owner,
	})
	if err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	lanes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[claimed])
	if err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	var g errgroup.Group
	g.SetLimit(expireAtOne)
	for _, c := range lanes {
		g.Go(func() error {
			o.clear(ctx, c.lane(d, until))
			return nil
		})
	}
	return g.Wait()
}

// needsPeer reports whether a message cannot be settled without the peer.
func (l *lane) needsPeer(m message) bool { return !m.expired() && !l.local(m.payload) }

// clear settles what heads a lane and needs no peer, and gives the lane back.
func (o *Outbox) clear(ctx context.Context, l *lane) {
	o.hold(l)
	defer o.letGo(l)
	for len(l.run) > 0 || o.refill(ctx, l) {
		if o.stopped() || l.needsPeer(l.run[0]) {
			o.putBack(ctx, l, 0)
			return
		}
		if l.inherited && !o.inherit(ctx, l) || !o.step(ctx, l) {
			return
		}
	}
}
