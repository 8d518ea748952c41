package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// settleSQL moves the cursor past one delivery, if the lane is still ours.
	settleSQL = `
		UPDATE lane
		SET acked_seq = @seq, attempts = 0, faults = 0, ready_at = now() + @lease::interval
		WHERE destination = @destination
		  AND conversation = @conversation
		  AND epoch = @epoch
		  AND owner = @me`

	buriedSQL = `
		UPDATE delivery
		SET outcome = 'dead', reason = @reason
		WHERE destination = @destination
		  AND conversation = @conversation
		  AND seq = @seq`

	doubtSQL = `
		SELECT EXISTS (
			SELECT FROM attempt
			WHERE destination = @destination
			  AND conversation = @conversation
			  AND seq = @seq
			  AND ambiguous)`
)

// errLost means another replica owns the lane by now.
var errLost = errors.New("lane lost")

// settle records a final outcome, however long the database takes: the peer has
// the message, so giving up would send it again. It reports whether the lane may
// go on.
func (o *Outbox) settle(ctx context.Context, l *lane, m message, t try) bool {
	for n := 1; ; n++ {
		err := o.settleOnce(ctx, l, m, t)
		switch {
		case err == nil:
			return true
		case errors.Is(err, errLost):
			return false
		}
		o.log.ErrorContext(ctx, "settle delivery", "destination", l.name, "seq", m.seq, "err", err)
		select {
		case <-time.After(backoff(o.config, n, 0)):
		case <-o.stopping:
			o.putBack(ctx, l, 0)
			return false
		}
	}
}

// settleOnce records a final outcome together with what the destination makes
// of it.
func (o *Outbox) settleOnce(ctx context.Context, l *lane, m message, t try) error {
	ctx, cancel := context.WithTimeout(ctx, o.config.Timeout)
	defer cancel()
	began := time.Now()
	err := o.Transact(ctx, func(tx *Tx) error {
		s, err := o.settlement(ctx, tx, l, m, t)
		if err != nil {
			return err
		}
		// The destination's own rows are locked before the lane: everybody's order.
		if m.settle || !s.Delivered {
			if err := l.settled(ctx, tx, m.payload, s); err != nil {
				return fmt.Errorf("settle at %s: %w", l.name, err)
			}
		}
		return o.recordSettled(ctx, tx, l, t, s)
	})
	if err != nil {
		return err
	}
	l.extend(began.Add(o.config.Lease))
	if t.Class != Delivered {
		o.log.ErrorContext(ctx, "delivery dead", "destination", l.name, "seq", m.seq, "reason", t.reason())
	}
	return nil
}

func (o *Outbox) settlement(ctx context.Context, tx *Tx, l *lane, m message, t try) (Settlement, error) {
	s := Settlement{
		Delivered: t.Class == Delivered, Class: t.Class, Status: t.Status,
		Ambiguous: t.Ambiguous || l.doubtful,
	}
	if s.Delivered || s.Ambiguous {
		return s, nil
	}
	err := tx.QueryRow(ctx, doubtSQL, l.args(m.seq)).Scan(&s.Ambiguous)
	if err != nil {
		return s, fmt.Errorf("read attempts: %w", err)
	}
	return s, nil
}

func (o *Outbox) recordSettled(ctx context.Context, tx *Tx, l *lane, t try, s Settlement) error {
	args := l.args(t.seq)
	args["epoch"], args["me"], args["lease"] = l.epoch, o.owner, o.config.Lease
	tag, err := tx.Exec(ctx, settleSQL, args)
	if err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return errLost
	}
	var b pgx.Batch
	if !s.Delivered {
		args := l.args(t.seq)
		args["reason"] = t.reason()
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

// putBackSQL gives a lane up until its next try. An owner that cannot vouch for
// the one before it stays on record, so that the next one does not either; the
// epoch fences what it may still have under way.
const putBackSQL = `
	UPDATE lane
	SET ready_at = now() + @wait::interval,
		owner = CASE WHEN @doubtful::bool THEN owner END,
		epoch = epoch + 1,
		attempts = @attempts,
		faults = @faults
	WHERE destination = @destination
	  AND conversation = @conversation
	  AND epoch = @epoch
	  AND owner = @me`

// putBack releases a lane whose first message is still pending, and records the
// tries made. If the database does not take it, the lease runs out by itself.
func (o *Outbox) putBack(ctx context.Context, l *lane, wait time.Duration, tries ...try) {
	args := l.args(l.acked)
	args["wait"], args["epoch"], args["me"] = wait, l.epoch, o.owner
	args["attempts"], args["faults"], args["doubtful"] = l.attempts, l.faults, l.doubtful
	var b pgx.Batch
	b.Queue(putBackSQL, args)
	var g tryLog
	for _, t := range tries {
		g.add(l, t)
	}
	g.queue(&b, o.owner)
	ctx, cancel := context.WithTimeout(ctx, o.config.Lease)
	defer cancel()
	if err := o.pool.SendBatch(ctx, &b).Close(); err != nil && !errors.Is(err, context.Canceled) {
		o.log.WarnContext(ctx, "put back lane", "destination", l.name, "err", err)
	}
	if wait == 0 {
		l.missed()
	}
}
