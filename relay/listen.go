package relay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/directline"
)

// Bounds of taking on relays: of a replica that died, or of this one when it was too
// busy to renew its leases, there are many, and each opens a stream.
const (
	maxClaim   = 64                     // at once
	claimPause = 100 * time.Millisecond // before the next so many
)

// An attendance is this replica's listening to one relay.
type attendance struct {
	epoch  int64
	cancel context.CancelFunc

	until time.Time // of the lease, monotonic; of the loop that renews alone
}

// errTaken means that somebody else listens by now, or that nobody should.
var errTaken = errors.New("relay is listened to elsewhere")

// nudge makes this replica look for relays in which somebody talks.
func (r *Relay) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// listen listens to relays in which somebody talks until ctx ends.
func (r *Relay) listen(ctx context.Context) error {
	r.takeBack(ctx)
	var streams sync.WaitGroup
	defer r.release(ctx)
	defer streams.Wait()
	poll := time.NewTicker(r.opt.Delivery.Poll)
	defer poll.Stop()
	for {
		if err := r.attendSome(ctx, &streams); err != nil && ctx.Err() == nil {
			r.opt.Log.WarnContext(ctx, "look for relays to listen to", "err", err)
			select { // a sick database is asked at the poll's pace
			case <-ctx.Done():
			case <-poll.C:
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
		case <-poll.C:
		}
	}
}

const takeBackSQL = `
	UPDATE relay
	SET listen_until = now()
	WHERE awake
	  AND regexp_replace(listener, '/[^/]*$', '') = @replica`

// takeBack ends the leases of this replica's last run, which is dead.
func (r *Relay) takeBack(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, r.opt.Delivery.Lease)
	defer cancel()
	if _, err := r.opt.Pool.Exec(ctx, takeBackSQL, pgx.NamedArgs{"replica": r.opt.Replica}); err != nil && ctx.Err() == nil {
		r.opt.Log.WarnContext(ctx, "take back relays of the last run", "err", err)
	}
}

// What is said for a hub that is not configured here would go nowhere: another
// replica may know it.
const attendSQL = `
	UPDATE relay AS r
	SET listener = @me, listen_until = now() + @lease::interval, epoch = r.epoch + 1
	FROM (
		SELECT id
		FROM relay
		WHERE awake
		  AND (listen_until IS NULL OR listen_until <= now())
		  AND hub = ANY(@hubs)
		ORDER BY listen_until NULLS FIRST
		LIMIT @free
		FOR NO KEY UPDATE SKIP LOCKED
	) AS free
	WHERE r.id = free.id
	RETURNING ` + columns

// attendSome takes on relays that nobody listens to.
func (r *Relay) attendSome(ctx context.Context, streams *sync.WaitGroup) error {
	for {
		free := min(maxClaim, r.opt.Config.Streams-r.attending())
		if free <= 0 {
			return nil
		}
		until := time.Now().Add(r.opt.Delivery.Lease)
		query, cancel := context.WithDeadline(ctx, until)
		rows, err := r.opt.Pool.Query(query, attendSQL, pgx.NamedArgs{
			"me": r.me, "lease": r.opt.Delivery.Lease, "free": free, "hubs": slices.Collect(maps.Keys(r.toCanvas)),
		})
		var found []row
		if err == nil {
			found, err = pgx.CollectRows(rows, scan)
		}
		cancel()
		if err != nil {
			return fmt.Errorf("claim relays: %w", err)
		}
		for _, w := range found {
			attend, cancel := context.WithCancel(ctx)
			a := &attendance{epoch: w.Epoch, cancel: cancel, until: until}
			r.begun(w.ID, a)
			streams.Go(func() {
				defer cancel()
				defer r.over(w.ID, a)
				r.attend(attend, w)
			})
		}
		if len(found) < free {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(claimPause):
		}
	}
}

func (r *Relay) attending() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.attended)
}

func (r *Relay) begun(id ID, a *attendance) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attended[id] = a
	r.opt.Streams(len(r.attended))
}

func (r *Relay) over(id ID, a *attendance) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.attended[id] == a {
		delete(r.attended, id)
	}
	r.opt.Streams(len(r.attended))
}

// attend listens to one relay until nobody talks any more, or somebody else does.
func (r *Relay) attend(ctx context.Context, w row) {
	if w.Token == nil {
		return
	}
	l := &listener{Relay: r, w: w, c: r.opt.Copilot.Resume(w.state())}
	for {
		err := l.c.Listen(ctx, l.hear)
		_, gone := errors.AsType[*directline.LostError](err)
		switch {
		case ctx.Err() != nil || errors.Is(err, errTaken):
			return
		case gone:
			err = r.lost(ctx, &l.w)
			if err == nil {
				return
			}
		case err == nil:
			var parked bool
			if parked, err = r.park(ctx, l); err == nil && parked {
				return
			}
		}
		if err == nil {
			continue // somebody talks again
		}
		if ctx.Err() == nil {
			r.opt.Log.WarnContext(ctx, "listening to the copilot ended", "relay", w.ID, "err", err)
			r.putBack(ctx, &l.w)
		}
		return
	}
}

const parkSQL = `
	UPDATE relay
	SET awake = spoke_at > now() - @quiet::interval,
		listener = CASE WHEN spoke_at > now() - @quiet::interval THEN listener END,
		listen_until = CASE WHEN spoke_at > now() - @quiet::interval THEN listen_until END
	WHERE id = @id
	  AND epoch = @epoch
	  AND awake
	RETURNING awake`

// park ends listening to a relay in which nobody talks. It reports false when
// somebody does.
func (r *Relay) park(ctx context.Context, l *listener) (bool, error) {
	if err := r.renewed(ctx, &l.w, l.c.State()); err != nil {
		return false, err
	}
	rows, err := r.opt.Pool.Query(ctx, parkSQL, pgx.NamedArgs{
		"id": l.w.ID, "epoch": l.w.Epoch, "quiet": time.Duration(r.opt.Config.Quiet),
	})
	if err != nil {
		return false, fmt.Errorf("park relay: %w", err)
	}
	awake, err := pgx.CollectRows(rows, pgx.RowTo[bool])
	if err != nil {
		return false, fmt.Errorf("park relay: %w", err)
	}
	return len(awake) == 0 || !awake[0], nil
}

// lost forgets a conversation that the copilot does not know any more. Whoever
// waits for its answer is told, and it is begun anew.
func (r *Relay) lost(ctx context.Context, w *row) error {
	return r.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		now, err := lock(ctx, tx, w.ID)
		if err != nil || now == nil || now.Epoch != w.Epoch {
			return err
		}
		first, err := lose(ctx, tx, w)
		if err != nil || !first || now.State != Copilot {
			return err
		}
		return r.promise(ctx, tx, now, "", copilotOrder{Open: true})
	})
}

const putBackSQL = `
	UPDATE relay
	SET listener = NULL,
		listen_until = now() + greatest(@wait::interval, least((now() - spoke_at) / 8, @most::interval))
	WHERE id = @id
	  AND epoch = @epoch`

// putBack leaves a relay to whoever looks next, after a while that grows. Until the
// database takes that, or ctx ends with the lease, nobody would: it is tried again.
func (r *Relay) putBack(ctx context.Context, w *row) {
	args := pgx.NamedArgs{"id": w.ID, "epoch": w.Epoch, "wait": r.opt.Delivery.Backoff, "most": r.opt.Delivery.BackoffMax}
	for {
		try, cancel := context.WithTimeout(ctx, r.opt.Delivery.Lease)
		_, err := r.opt.Pool.Exec(try, putBackSQL, args)
		cancel()
		if err == nil || ctx.Err() != nil {
			return
		}
		r.opt.Log.WarnContext(ctx, "put back relay", "relay", w.ID, "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(r.opt.Delivery.Backoff):
		}
	}
}
