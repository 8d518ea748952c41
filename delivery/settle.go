package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// settleSQL moves the cursor past one delivery, if the lane is still ours.
	settleSQL = `
		UPDATE lane
		SET acked_seq = @seq, attempts = 0, faults = 0, doubts = 0,
			ready_at = CASE WHEN @halt::bool THEN NULL ELSE now() + @lease::interval END,
			parked_at = CASE WHEN @halt::bool THEN now() END,
			owner = CASE WHEN @halt::bool THEN NULL ELSE owner END
		WHERE destination = @destination
		  AND conversation = @conversation
		  AND epoch = @epoch
		  AND owner = @me`

	buriedSQL = `
		UPDATE delivery
		SET outcome = @outcome, reason = @reason, buried_at = now()
		WHERE destination = @destination
		  AND conversation = @conversation
		  AND seq = @seq`
)

// errLost means another replica owns the lane by now.
var errLost = errors.New("lane lost")

// persist records what became of a message, however long the database takes: the
// peer has it, so giving up would send it again. It reports whether the lane may
// go on.
func (o *Outbox) persist(ctx context.Context, l *lane, t try, record func() error) bool {
	for n := 1; ; n++ {
		err := record()
		switch {
		case err == nil:
			return true
		case errors.Is(err, errLost):
			return false
		}
		o.log.ErrorContext(ctx, "settle delivery", "destination", l.name, "seq", t.seq, "err", err)
		select {
		case <-time.After(backoff(o.config, n, 0)):
		case <-o.stopping:
			if t.Class != Delivered { // else the lease runs out, and the next owner doubts
				o.putBack(ctx, l, 0, t)
			}
			return false
		}
	}
}

// settle records a final outcome together with what the destination makes of it.
func (o *Outbox) settle(ctx context.Context, l *lane, m message, t try, f fate) error {
	ctx, cancel := context.WithTimeout(ctx, o.config.Timeout)
	defer cancel()
	began := time.Now()
	s := Settlement{
		Delivered: f == delivered, Held: f == held,
		Class: t.Class, Status: t.Status, Ambiguous: t.Ambiguous || l.doubts > 0,
	}
	err := o.Transact(ctx, func(tx *Tx) error {
		// The destination's own rows are locked before the lane: everybody's order.
		if m.settle || !s.Delivered {
			if err := l.settled(ctx, tx, m.payload, s); err != nil {
				return fmt.Errorf("settle at %s: %w", l.name, err)
			}
		}
		return o.recordSettled(ctx, tx, l, t, f)
	})
	if err != nil {
		return err
	}
	l.extend(began.Add(o.config.Lease))
	if f != delivered {
		o.log.ErrorContext(ctx, "delivery given up", "outcome", f.outcome(), "destination", l.name, "seq", m.seq, "reason", t.reason())
	}
	return nil
}

func (o *Outbox) recordSettled(ctx context.Context, tx *Tx, l *lane, t try, f fate) error {
	args := l.args(t.seq)
	args["epoch"], args["me"], args["lease"] = l.epoch, o.owner, o.config.Lease
	args["halt"] = f != delivered && o.config.Poison == Halt
	tag, err := tx.Exec(ctx, settleSQL, args)
	if err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return errLost
	}
	var b pgx.Batch
	if f != delivered {
		args := l.args(t.seq)
		args["outcome"], args["reason"] = f.outcome(), t.reason()
		b.Queue(buriedSQL, args)
	}
	var tries tryLog
	tries.add(l, t)
	tries.queue(&b, o.owner)
	if err := tx.SendBatch(ctx, &b).Close(); err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	return nil
}

func (l *lane) args(seq int64) pgx.NamedArgs {
	return pgx.NamedArgs{"destination": l.name, "conversation": l.conversation, "seq": seq}
}

// putBackSQL gives a lane up until its next try. The epoch fences what its owner
// may still have under way. A doubt that was inherited and not looked at is there
// for the next owner to inherit.
const putBackSQL = `
	UPDATE lane
	SET ready_at = now() + @wait::interval,
		owner = CASE WHEN @inherited::bool THEN owner END,
		epoch = epoch + 1,
		attempts = @attempts,
		faults = @faults,
		doubts = @doubts
	WHERE destination = @destination
	  AND conversation = @conversation
	  AND epoch = @epoch
	  AND owner = @me`

// putBack releases a lane whose first message is still pending, and records the
// tries made. If the database does not take it, the lease runs out by itself.
func (o *Outbox) putBack(ctx context.Context, l *lane, wait time.Duration, tries ...try) {
	args := l.args(l.acked)
	args["wait"], args["epoch"], args["me"] = wait, l.epoch, o.owner
	args["attempts"], args["faults"], args["doubts"], args["inherited"] = l.attempts, l.faults, l.doubts, l.inherited
	if l.inherited {
		args["doubts"] = l.doubts - 1 // whoever claims it counts it anew
	}
	var b pgx.Batch
	ours := false
	b.Queue(putBackSQL, args).Exec(func(tag pgconn.CommandTag) error {
		ours = tag.RowsAffected() == 1
		return nil
	})
	var g tryLog
	for _, t := range tries {
		g.add(l, t)
	}
	g.queue(&b, o.owner)
	ctx, cancel := context.WithTimeout(ctx, o.config.Lease)
	defer cancel()
	err := o.pool.SendBatch(ctx, &b).Close()
	if err != nil && !errors.Is(err, context.Canceled) {
		o.log.WarnContext(ctx, "put back lane", "destination", l.name, "err", err)
	}
	if err == nil && ours { // else that epoch may be the next but one owner's
		l.pace.leave(l, l.epoch+2)
	}
	if wait == 0 {
		l.missed()
	}
}
