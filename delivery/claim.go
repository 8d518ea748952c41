package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Bounds of one claim and of one lane's share of memory.
const (
	maxClaim   = 32
	maxRun     = 32
	claimGrace = time.Second // for a claim that runs when the outbox is told to end
)

// claim looks for lanes nobody owns until ctx ends.
func (o *Outbox) claim(ctx context.Context, d *destination) error {
	poll := time.NewTicker(o.config.Poll)
	defer poll.Stop()
	for {
		full, err := o.claimSome(ctx, d)
		if err != nil && ctx.Err() == nil {
			o.log.WarnContext(ctx, "claim lanes", "destination", d.name, "err", err)
		}
		if full {
			d.missed() // there may be more
		}
		select {
		case <-ctx.Done():
			return nil
		case <-d.wake:
			if err == nil {
				continue
			}
			select { // a sick database is asked at the poll's pace
			case <-ctx.Done():
				return nil
			case <-poll.C:
			}
		case <-poll.C:
		}
	}
}

const claimSQL = takeSQL + `
		SELECT destination, conversation, ` + doubtful + `
		FROM lane AS l
		WHERE destination = @destination AND ready_at <= now()
		ORDER BY ready_at
		LIMIT @free
		FOR NO KEY UPDATE SKIP LOCKED` + takenSQL

const (
	takeSQL = `
	UPDATE lane AS l
	SET ready_at = now() + @lease::interval, owner = @me, epoch = l.epoch + 1,
		doubts = l.doubts + CASE WHEN k.doubtful THEN 1 ELSE 0 END
	FROM (`

	takenSQL = `
	) AS k
	WHERE (l.destination, l.conversation) = (k.destination, k.conversation)
	RETURNING l.conversation, l.epoch, l.acked_seq, l.attempts, l.faults, l.doubts, k.doubtful`

	doubtful = `l.owner IS NOT NULL AND l.acked_seq < l.last_seq AND l.unsent IS DISTINCT FROM l.epoch AS doubtful`
)

type claimed struct {
	Conversation string
	Epoch, Acked int64
	Attempts     int
	Faults       int
	Doubts       int
	Inherited    bool // its last owner never gave it back, and may have sent one
}

// claimSome takes lanes for free slots, up to half of them all, and begins to
// drive them; the other half stays for lanes that become busy meanwhile. It
// reports whether it got as many as it asked for.
func (o *Outbox) claimSome(ctx context.Context, d *destination) (full bool, err error) {
	d.backlog.Store(false)
	if d.breaker.wait() > 0 {
		return false, nil
	}
	free, limit := 0, min(maxClaim, (d.concurrency+1)/2)
	away := d.breaker.open()
	if away {
		if !d.breaker.look() {
			return false, nil
		}
		limit = 1 // it looks whether the peer is back
	}
	for free < limit && d.slots.TryAcquire(1) {
		free++
	}
	used := 0
	defer func() {
		d.slots.Release(int64(free - used))
		if away && used == 0 {
			d.breaker.looked() // there is nobody to look
		}
	}()
	if free == 0 {
		d.backlog.Store(true) // a slot that comes free nudges
		return false, nil
	}
	until := time.Now().Add(o.config.Lease)
	query, cancel := context.WithDeadline(context.WithoutCancel(ctx), until) // later, the leases are over
	defer cancel()
	// A claim that is given up halfway may have been made, and its lease would hold
	// up lanes that nobody drives.
	defer context.AfterFunc(ctx, func() { time.AfterFunc(claimGrace, cancel) })()
	rows, err := o.pool.Query(query, claimSQL, pgx.NamedArgs{
		"destination": d.name, "free": free, "lease": o.config.Lease, "me": o.owner,
	})
	if err != nil {
		return false, fmt.Errorf("claim: %w", err)
	}
	lanes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[claimed])
	if err != nil {
		return false, fmt.Errorf("claim: %w", err)
	}
	used = len(lanes)
	for _, c := range lanes {
		l := c.lane(d, until)
		l.looks = away
		go o.drive(context.WithoutCancel(ctx), l)
	}
	return used == free && !away, nil
}

func (c claimed) lane(d *destination, until time.Time) *lane {
	l := newLane(d, c.Conversation, c.Epoch, until)
	l.acked, l.attempts, l.faults = c.Acked, c.Attempts, c.Faults
	l.doubts, l.inherited = c.Doubts, c.Inherited
	return l
}

const fetchSQL = `
	SELECT seq, payload::text, settle, now() - COALESCE(redriven_at, created_at), expires_at - now(), COALESCE(trace, '')
	FROM delivery
	WHERE destination = @destination
	  AND conversation = @conversation
	  AND seq > @after
	ORDER BY seq
	LIMIT @limit`

// fetch reads the lane's next deliveries.
func (o *Outbox) fetch(ctx context.Context, l *lane) ([]message, error) {
	ctx, cancel := context.WithTimeout(ctx, o.config.Lease)
	defer cancel()
	rows, err := o.pool.Query(ctx, fetchSQL, pgx.NamedArgs{
		"destination": l.name, "conversation": l.conversation, "after": l.acked, "limit": maxRun,
	})
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	now := time.Now()
	run, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (message, error) {
		var m message
		var payload string
		var age time.Duration
		var left *time.Duration
		err := row.Scan(&m.seq, &payload, &m.settle, &age, &left, &m.trace)
		m.payload, m.born = []byte(payload), now.Add(-age)
		if left != nil {
			m.expires = now.Add(*left)
		}
		return m, err
	})
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	return run, nil
}
