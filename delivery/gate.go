package delivery

import (
	"context"
	"errors"
	"time"
)

// shortWait is how long a lane keeps its slot while it waits for its turn; for
// more it is put back.
const shortWait = 50 * time.Millisecond

// mayGo waits for the turn of a lane's first message, if it asks anything of the peer.
// It reports false when that takes too long and the lane was given up.
func (o *Outbox) mayGo(ctx context.Context, l *lane) bool {
	wait, taken, err := o.turnOf(ctx, l)
	switch {
	case errors.Is(err, errSpent):
		wait = longestTurn
	case err != nil:
		o.log.WarnContext(ctx, "keep to the peer's limits", "destination", l.name, "err", err)
		o.putBack(ctx, l, o.config.Backoff)
		return false
	case wait <= 0, !l.needsPeer(l.run[0]):
		return true
	}
	if !l.breaker.open() { // else it is not the limits that make it wait
		o.config.Meter.Waited(l.name, wait)
	}
	if err == nil && (wait <= shortWait || taken) {
		return o.linger(ctx, l, wait)
	}
	o.putBack(ctx, l, wait)
	return false
}

// inherit records that the last owner may have sent the lane's first message, and
// gives it up where the policy says so. It reports whether the lane may go on.
func (o *Outbox) inherit(ctx context.Context, l *lane) bool {
	l.inherited = false
	m := l.run[0]
	t := try{Outcome: Outcome{Class: Lost, Ambiguous: true}, seq: m.seq, began: time.Now()}
	if f := o.doubted(l); f != again {
		return o.conclude(ctx, l, m, t, f)
	}
	var log tryLog
	log.add(l, t)
	ctx, cancel := context.WithTimeout(ctx, o.config.Lease/2)
	defer cancel()
	if _, err := o.pool.Exec(ctx, attemptSQL, log.args(o.owner)); err != nil {
		o.log.WarnContext(ctx, "record a lost attempt", "destination", l.name, "err", err)
	}
	return true
}

// linger waits for a turn that is ours. While it waits long, the lane is noted as
// one that nothing was sent of: our death then leaves no doubt.
func (o *Outbox) linger(ctx context.Context, l *lane, wait time.Duration) bool {
	turn := time.After(wait)
	long := wait > shortWait
	if long && !o.noteUnsent(ctx, l, true) {
		return false
	}
	select {
	case <-turn:
		return !long || o.noteUnsent(ctx, l, false)
	case <-o.stopping:
		o.putBack(ctx, l, 0)
		return false
	}
}

const unsentSQL = `
	UPDATE lane
	SET unsent = CASE WHEN @unsent::bool THEN epoch END
	WHERE destination = @destination
	  AND conversation = @conversation
	  AND epoch = @epoch
	  AND owner = @me`

// noteUnsent notes whether a send of the lane's first message may have begun. It
// reports false when the lane was given up or is not ours.
func (o *Outbox) noteUnsent(ctx context.Context, l *lane, unsent bool) bool {
	ctx, cancel := context.WithTimeout(ctx, o.config.Lease/2)
	defer cancel()
	args := l.args(0)
	args["unsent"], args["epoch"], args["me"] = unsent, l.epoch, o.owner
	tag, err := o.pool.Exec(ctx, unsentSQL, args)
	if err != nil {
		o.log.WarnContext(ctx, "note whether a send began", "destination", l.name, "err", err)
		o.putBack(context.WithoutCancel(ctx), l, o.config.Backoff)
		return false
	}
	return tag.RowsAffected() == 1
}

// turnOf returns how long the lane's next send has to wait, and whether its turn
// in a shared budget is taken: then it should not be wasted.
func (o *Outbox) turnOf(ctx context.Context, l *lane) (wait time.Duration, taken bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.config.Lease/2)
	defer cancel()
	if err := l.pace.attend(ctx, l); err != nil {
		return 0, false, err
	}
	wait = l.breaker.wait()
	if l.history != nil {
		wait = max(wait, l.history.wait(l.limits.Lane, time.Now()))
	}
	if wait > shortWait {
		return wait, false, nil // the shared budget is asked when its own is not spent
	}
	at, err := l.pace.budgets.take(ctx, l.budget(l.run[0].payload))
	if err != nil || at.IsZero() {
		return wait, false, err
	}
	return max(wait, time.Until(at)), true, nil
}
