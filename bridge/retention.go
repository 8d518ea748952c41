package bridge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/files"
	"github.com/liaison-skill/liaison/mapping"
)

// How long a repeated activity has no effect, how often what is over is pruned,
// and how many mappings go at once.
const (
	dedupeFor     = 7 * 24 * time.Hour
	pruneEvery    = 5 * time.Minute
	pruneMappings = 100
	pruneFiles    = 20
	pruneWithin   = 2 * time.Minute
)

// retain prunes what is over until ctx ends, at times of its own, so that replicas
// take turns.
func (b *Bridge) retain(ctx context.Context) error {
	for {
		select {
		case <-time.After(pruneEvery/2 + rand.N(pruneEvery)):
		case <-ctx.Done():
			return nil
		}
		if err := b.prune(ctx); err != nil && ctx.Err() == nil {
			b.opt.Log.WarnContext(ctx, "prune", "err", err)
		}
	}
}

// prune deletes what is over, mappings last: what their lanes still hold is found
// by them. Without retention only what repeats are told by goes.
func (b *Bridge) prune(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pruneWithin)
	defer cancel()
	did, err := delivery.Prune(ctx, b.opt.Pool, b.opt.Retention, dedupeFor)
	if err != nil {
		return err
	}
	mappings, err := b.pruneMappings(ctx)
	gone, filesErr := b.pruneFiles(ctx)
	if mappings > 0 || gone > 0 || did != (delivery.Pruned{}) {
		b.opt.Log.InfoContext(ctx, "pruned", "mappings", mappings, "files", gone, "deliveries", did.Deliveries,
			"attempts", did.Attempts, "lanes", did.Lanes, "accepted", did.Accepted, "buried", did.Buried)
	}
	return errors.Join(err, filesErr)
}

// pruneFiles deletes the files that nobody needs any more.
func (b *Bridge) pruneFiles(ctx context.Context) (int64, error) {
	var total int64
	for n := int64(pruneFiles); n == pruneFiles; {
		var err error
		if n, err = files.Prune(ctx, b.opt.Pool, pruneFiles); err != nil {
			return total, err
		}
		total += n
	}
	return total, b.opt.Files.ForgetKeys(ctx)
}

func (b *Bridge) pruneMappings(ctx context.Context) (int64, error) {
	var total int64
	if b.opt.Retention <= 0 {
		return 0, nil
	}
	for page, found := (mapping.Page{}), pruneMappings; found == pruneMappings; {
		err := pgx.BeginFunc(ctx, b.opt.Pool, func(tx pgx.Tx) error {
			over, next, err := mapping.LockOver(ctx, tx, b.opt.Retention, page, pruneMappings)
			if err != nil {
				return err
			}
			page, found = next, len(over)
			gone, err := b.emptied(ctx, tx, over)
			if err != nil {
				return err
			}
			n, err := mapping.Delete(ctx, tx, gone...)
			total += n
			return err
		})
		if err != nil {
			return total, fmt.Errorf("prune mappings: %w", err)
		}
		select {
		case <-time.After(20 * time.Millisecond): // the traffic's turn
		case <-ctx.Done():
			return total, fmt.Errorf("prune mappings: %w", ctx.Err())
		}
	}
	return total, nil
}

// emptied returns those mappings whose lanes hold nothing of theirs any more. What
// is young in a lane that they share is of a later one.
func (b *Bridge) emptied(ctx context.Context, tx pgx.Tx, over []mapping.Mapping) ([]mapping.ID, error) {
	var own, shared []delivery.LaneID
	for _, m := range over {
		own, shared = append(own, ownLanes(m)...), append(shared, sharedLanes(m)...)
	}
	kept, err := delivery.Kept(ctx, tx, 0, own...)
	if err != nil {
		return nil, err
	}
	old, err := delivery.Kept(ctx, tx, b.opt.Retention, shared...)
	if err != nil {
		return nil, err
	}
	maps.Copy(kept, old)
	var gone []mapping.ID
	for _, m := range over {
		if !holds(m, kept) {
			gone = append(gone, m.ID)
		}
	}
	return gone, nil
}
