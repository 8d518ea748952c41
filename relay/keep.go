package relay

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/liaison-skill/liaison/directline"
)

// How often parked relays are looked for whose tokens are to be renewed, how many at
// once, and how long whoever does it has for one.
const (
	keepEvery  = time.Second
	keepBatch  = 64
	keepAtOnce = 8
	keepWithin = time.Minute
)

// jittered is the part of a token's life after which it is renewed. Those that were
// given at one time are spread.
func jittered(life time.Duration) time.Duration { return life/2 + rand.N(life/10+1) + 1 }

// keep renews the tokens of relays that are parked until ctx ends. One query finds
// those that are due, however many are not.
func (r *Relay) keep(ctx context.Context) error {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for full := true; full && ctx.Err() == nil; {
			var err error
			if full, err = r.keepSome(ctx); err != nil && ctx.Err() == nil {
				r.opt.Log.WarnContext(ctx, "renew tokens", "err", err)
			}
		}
	}
}

// A relay that was silent for too long is not kept any more.
const keepSQL = `
	UPDATE relay AS r
	SET refresh_at = CASE WHEN r.spoke_at > now() - @keep::interval AND NOT r.awake THEN now() + @within::interval
		WHEN r.awake THEN now() + @within::interval END
	FROM (
		SELECT id
		FROM relay
		WHERE refresh_at <= now()
		ORDER BY refresh_at
		LIMIT @limit
		FOR NO KEY UPDATE SKIP LOCKED
	) AS due
	WHERE r.id = due.id
	RETURNING ` + columns

// keepSome renews some tokens. It reports whether there may be more.
func (r *Relay) keepSome(ctx context.Context) (full bool, err error) {
	rows, err := r.opt.Pool.Query(ctx, keepSQL, pgx.NamedArgs{
		"keep": r.opt.Config.keep(), "within": keepWithin, "limit": keepBatch,
	})
	if err != nil {
		return false, fmt.Errorf("find tokens: %w", err)
	}
	due, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return false, fmt.Errorf("find tokens: %w", err)
	}
	var g errgroup.Group
	g.SetLimit(keepAtOnce)
	for _, w := range due {
		if w.Token == nil || w.Awake || w.Silent >= r.opt.Config.keep() {
			continue
		}
		g.Go(func() error { return r.keepOne(ctx, &w) })
	}
	return len(due) == keepBatch, g.Wait()
}

// keepOne renews one token. What is lost is begun anew when somebody talks again.
func (r *Relay) keepOne(ctx context.Context, w *row) error {
	ctx, cancel := context.WithTimeout(ctx, keepWithin/2)
	defer cancel()
	c := r.opt.Copilot.Resume(w.state())
	err := c.Refresh(ctx)
	if _, gone := errors.AsType[*directline.LostError](err); gone {
		_, err = lose(ctx, r.opt.Pool, w)
		return err
	}
	if err != nil {
		return err // it is due again soon
	}
	return r.renewed(ctx, w, c.State())
}
