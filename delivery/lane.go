package delivery

import (
	"context"
	"sync"
	"time"
)

// A lane is a conversation's queue while this replica owns it.
type lane struct {
	*destination

	conversation string
	epoch        int64
	attempts     int       // tries of the first message of run
	faults       int       // those over which the peer broke
	doubts       int       // those that may have arrived, and what a lost owner may have sent
	inherited    bool      // the last owner went away: the last doubt is not on record yet
	looks        bool      // whether the peer is back
	history      *history  // when it sent, if there are limits
	acked        int64     // its cursor, as far as we moved it
	run          []message // what is known to be pending behind it, in order

	mu     sync.Mutex
	until  time.Time // lease deadline, monotonic
	lost   bool
	cancel context.CancelFunc // ends the attempt in flight
	ending *time.Timer        // does so with the lease
}

// A message is a pending delivery.
type message struct {
	seq     int64
	payload []byte
	settle  bool
	born    time.Time
	expires time.Time // zero: never
	trace   string    // of its enqueueing; empty: none
}

// expired reports whether no attempt may begin any more.
func (m message) expired() bool { return !m.expires.IsZero() && !time.Now().Before(m.expires) }

func newLane(d *destination, conversation string, epoch int64, until time.Time) *lane {
	return &lane{destination: d, conversation: conversation, epoch: epoch, until: until}
}

// extend moves the lease's deadline; losing makes it over at once.
func (l *lane) extend(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = until
	if l.ending != nil {
		l.ending.Reset(time.Until(until))
	}
}

func (l *lane) lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = true
	if l.cancel != nil {
		l.cancel()
	}
}

// looked ends the look for a peer that was away, if this lane has it.
func (l *lane) looked() {
	if l.looks {
		l.looks = false
		l.breaker.looked()
	}
}

// mayBegin reports whether an attempt may begin: the lane is still ours. The
// attempt's cancel function is called if the lane is lost meanwhile, or its lease
// runs out: what an attempt does first may take so long that it would send when
// somebody else has done so.
func (l *lane) mayBegin(cancel context.CancelFunc) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost || !time.Now().Before(l.until) {
		return false
	}
	l.cancel, l.ending = cancel, time.AfterFunc(time.Until(l.until), cancel)
	return true
}

// ended ends what mayBegin began.
func (l *lane) ended() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ending.Stop()
	l.ending = nil
}

func (l *lane) remaining() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.until)
}

// drive sends a lane's messages one after another until it is idle, has to wait
// or is lost. It holds one slot of the destination and gives it back.
//
// Every message is acknowledged before the next one is sent, so a crash repeats
// at most one of a lane. Lanes go in parallel, and share commits.
func (o *Outbox) drive(ctx context.Context, l *lane) {
	defer l.release()
	defer l.looked()
	o.hold(l)
	defer o.letGo(l)
	for {
		if len(l.run) == 0 && !o.refill(ctx, l) {
			return
		}
		if o.stopped() {
			o.putBack(ctx, l, 0)
			return
		}
		ctx := o.follow(ctx, l.run[0])
		if l.inherited || o.doubted(l) != again { // or its owner stopped before it could give it up
			if !o.inherit(ctx, l) {
				return
			}
			continue
		}
		if !o.mayGo(ctx, l) || !o.step(ctx, l) {
			return
		}
	}
}

// step makes one attempt at the lane's first message and records what came of
// it. It reports whether the lane may go on.
func (o *Outbox) step(ctx context.Context, l *lane) bool {
	m := l.run[0]
	t, began := o.attempt(ctx, l, m)
	if !began {
		o.log.WarnContext(ctx, "lane lost", "destination", l.name, "lane_epoch", l.epoch)
		return false
	}
	if t.Ambiguous {
		l.doubts++
	}
	return o.conclude(ctx, l, m, t, o.fate(l, m, t.Outcome))
}

// conclude records what became of the lane's first message. It reports whether
// the lane may go on.
func (o *Outbox) conclude(ctx context.Context, l *lane, m message, t try, f fate) bool {
	switch {
	case f == delivered && !m.settle:
		last := len(l.run) == 1
		v := o.ask(ctx, ack{lane: l, upto: m.seq, try: t, final: last})
		if v.lost {
			return false
		}
		if last && !v.more {
			l.pace.leave(l, l.epoch+1)
			return false
		}
	case f == again:
		o.retry(ctx, l, m, t)
		return false
	case f == parked:
		o.persist(ctx, l, t, func() error { return o.park(ctx, l, m, t) })
		return false
	default:
		if !o.persist(ctx, l, t, func() error { return o.settle(ctx, l, m, t, f) }) {
			return false
		}
	}
	l.acked, l.run = m.seq, l.run[1:]
	l.attempts, l.faults, l.doubts = 0, 0, 0
	return f == delivered || o.config.Poison != Halt
}

// try is an attempt that was made.
type try struct {
	Outcome
	seq     int64
	began   time.Time
	took    time.Duration
	receipt string
}

// attempt sends m once. It reports false when the lane is not ours any more.
func (o *Outbox) attempt(ctx context.Context, l *lane, m message) (try, bool) {
	now := time.Now()
	if m.expired() {
		return try{Outcome: Outcome{Class: Expired}, seq: m.seq, began: now}, true
	}
	whole, cancel := context.WithCancel(ctx)
	defer cancel()
	if !l.mayBegin(cancel) {
		return try{}, false
	}
	defer l.ended()
	whole, ended := o.attempting(whole, l, m)
	t := try{seq: m.seq, began: now}
	limited, stop := limit(doubting(receiving(whole, &t.receipt), l.doubts), now.Add(o.config.Timeout), m.expires)
	defer stop()
	err := l.send(limited, m.payload)
	t.Outcome, t.took = classify(err), time.Since(now)
	ended(t)
	l.looked()
	if t.Class == Waiting {
		return t, true
	}
	l.pace.sent(l, now.Add(t.took))
	if !l.local(m.payload) && (err == nil || whole.Err() == nil) { // what we ended says nothing of the peer
		l.breaker.record(t.Outcome)
	}
	o.config.Meter.Attempted(l.name, t.Class, t.took)
	if err != nil {
		o.log.WarnContext(ctx, "attempt did not deliver", "destination", l.name, "seq", m.seq,
			"attempt", l.attempts+1, "class", string(t.Class), "ambiguous", t.Ambiguous, "err", err)
	}
	return t, true
}

// retry gives the lane back until the message's next try.
func (o *Outbox) retry(ctx context.Context, l *lane, m message, t try) {
	if t.Class == Waiting {
		o.putBack(ctx, l, t.After)
		return
	}
	l.attempts++
	if t.Class == Fault {
		l.faults++
	}
	wait := backoff(o.config, l.attempts, t.After)
	// The last try is due when patience ends, whatever the peer asks for.
	wait = min(wait, max(o.config.BackoffMax, time.Until(m.born.Add(o.config.GiveUp))))
	if !m.expires.IsZero() {
		wait = max(0, min(wait, time.Until(m.expires)))
	}
	o.putBack(ctx, l, wait, t)
}

// refill fetches what came meanwhile. It reports false when there is nothing: the
// lane is idle then, or not ours.
func (o *Outbox) refill(ctx context.Context, l *lane) bool {
	run, err := o.fetch(ctx, l)
	if err != nil {
		o.log.WarnContext(ctx, "fetch deliveries", "destination", l.name, "err", err)
		o.putBack(ctx, l, o.config.Backoff)
		return false
	}
	l.run = run
	if len(run) > 0 {
		return true
	}
	// What is enqueued between the fetch and this is found by the verdict.
	v := o.ask(ctx, ack{lane: l, final: true})
	if !v.lost && !v.more {
		l.pace.leave(l, l.epoch+1)
	}
	return !v.lost && v.more && o.refill(ctx, l)
}
