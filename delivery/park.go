package delivery

import (
	"context"
	"fmt"
	"time"

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

// buryParkedSQL moves cursors of parked lanes past what is too old. A lane that
// holds nothing younger is idle again: its peer may want what comes next.
const buryParkedSQL = `
	WITH old AS (
		SELECT l.destination, l.conversation, l.acked_seq, (
			SELECT max(d.seq)
			FROM delivery AS d
			WHERE (d.destination, d.conversation) = (l.destination, l.conversation)
			  AND d.seq > l.acked_seq
			  AND d.created_at < now() - @age::interval) AS upto
		FROM lane AS l
		WHERE l.parked_at IS NOT NULL
		  AND EXISTS (
			SELECT FROM delivery AS d
			WHERE (d.destination, d.conversation, d.seq) = (l.destination, l.conversation, l.acked_seq + 1)
			  AND d.created_at < now() - @age::interval)
		  AND NOT EXISTS (
			SELECT FROM delivery AS d
			WHERE (d.destination, d.conversation, d.seq) = (l.destination, l.conversation, l.acked_seq)
			  AND ` + standsAt + `)
		LIMIT @batch
		FOR NO KEY UPDATE OF l SKIP LOCKED
	), passed AS (
		UPDATE lane AS l
		SET acked_seq = old.upto, doubts = 0, epoch = l.epoch + 1,
			parked_at = CASE WHEN old.upto < l.last_seq THEN l.parked_at END
		FROM old
		WHERE (l.destination, l.conversation) = (old.destination, old.conversation)
	), buried AS (
		UPDATE delivery AS d
		SET outcome = 'dead', reason = 'unreachable, kept too long', buried_at = now()
		FROM old
		WHERE (d.destination, d.conversation) = (old.destination, old.conversation)
		  AND d.seq > old.acked_seq
		  AND d.seq <= old.upto
		RETURNING d.destination
	), noted AS (
		INSERT INTO audit (actor, action, subject, detail)
		SELECT 'retention', 'bury', 'parked lanes', jsonb_build_object('letters', count(*))
		FROM buried
		HAVING count(*) > 0
	)
	SELECT (SELECT count(*) FROM buried), (SELECT count(*) FROM old)`

// buryParked makes dead letters of what waited too long for somebody to resume its
// lane.
func buryParked(ctx context.Context, tx pgx.Tx, age time.Duration) (did Pruned, lanes int64, err error) {
	err = tx.QueryRow(ctx, buryParkedSQL, pgx.NamedArgs{"age": age, "batch": pruneBatch}).Scan(&did.Buried, &lanes)
	if err != nil {
		return Pruned{}, 0, fmt.Errorf("parked lanes: %w", err)
	}
	return did, lanes, nil
}
