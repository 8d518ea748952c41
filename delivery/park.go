package delivery

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

const parkSQL = `
	UPDATE lane
	SET ready_at = NULL, parked_at = now(), owner = NULL, epoch = epoch + 1,
		attempts = 0, faults = 0, doubts = @doubts
	WHERE destination = @destination
	  AND conversation = @conversation
	  AND epoch = @epoch
	  AND owner = @me`

// park stops a lane whose peer wants nothing of it. What is pending stays
// pending, this message first, and what is enqueued meanwhile joins it.
func (o *Outbox) park(ctx context.Context, l *lane, m message, t try) error {
	ctx, cancel := context.WithTimeout(ctx, o.config.Timeout)
	defer cancel()
	s := Settlement{Held: true, Class: t.Class, Status: t.Status, Ambiguous: l.doubts > 0}
	err := o.Transact(ctx, func(tx *Tx) error {
		// The destination's own rows are locked before the lane: everybody's order.
		if err := l.parked(ctx, tx, m.payload, s); err != nil {
			return fmt.Errorf("park at %s: %w", l.name, err)
		}
		args := l.args(m.seq)
		args["doubts"], args["epoch"], args["me"] = l.doubts, l.epoch, o.owner
		tag, err := tx.Exec(ctx, parkSQL, args)
		if err != nil {
			return fmt.Errorf("park: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return errLost
		}
		var tries tryLog
		tries.add(l, t)
		if _, err := tx.Exec(ctx, attemptSQL, tries.args(o.owner)); err != nil {
			return fmt.Errorf("park: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	l.pace.leave(l, l.epoch+2) // resuming makes nobody its owner, claiming does
	o.log.WarnContext(ctx, "lane parked", "destination", l.name, "seq", m.seq, "reason", t.reason())
	return nil
}

const resumeSQL = `
	UPDATE lane AS l
	SET parked_at = NULL, ready_at = CASE WHEN acked_seq < last_seq THEN now() END
	WHERE destination = @destination
	  AND conversation = @conversation
	  AND parked_at IS NOT NULL
	  AND NOT EXISTS (
		SELECT FROM delivery AS d
		WHERE (d.destination, d.conversation, d.seq) = (l.destination, l.conversation, l.acked_seq)
		  AND ` + standsAt + `)`

// Resume lets a parked lane go on from where it stopped, once the transaction
// commits. Resuming any other lane changes nothing, also one that halted at a
// letter: that waits for its decision.
func (tx *Tx) Resume(ctx context.Context, p Peer, conversation string) error {
	d, ok := tx.outbox.destinations[p.erase().name]
	if !ok {
		return fmt.Errorf("resume: no destination %q", p.erase().name)
	}
	tag, err := tx.Exec(ctx, resumeSQL, pgx.NamedArgs{"destination": d.name, "conversation": conversation})
	if err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	if tag.RowsAffected() > 0 {
		tx.unowned[d] = true
	}
	return nil
}
