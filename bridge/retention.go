package bridge

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/mapping"
)

// How long a repeated activity has no effect, how often what is over is pruned,
// and how many mappings go at once.
const (
	dedupeFor     = 7 * 24 * time.Hour
	pruneEvery    = 5 * time.Minute
	pruneMappings = 100
	pruneWithin   = 2 * time.Minute
)

// retain prunes what is over until ctx ends, at times of its own, so that replicas
// take turns.
func (b *Bridge) retain(ctx context.Context) error {
	if b.opt.Retention <= 0 {
		return nil
	}
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

// prune deletes what is over, mappings first: then nothing of theirs is left to
// be found by.
func (b *Bridge) prune(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pruneWithin)
	defer cancel()
	mappings, err := pruneAll(ctx, b.opt.Pool, b.opt.Retention)
	if err != nil {
		return err
	}
	did, err := delivery.Prune(ctx, b.opt.Pool, b.opt.Retention, dedupeFor)
	if mappings > 0 || did != (delivery.Pruned{}) {
		b.opt.Log.InfoContext(ctx, "pruned", "mappings", mappings, "deliveries", did.Deliveries,
			"attempts", did.Attempts, "lanes", did.Lanes, "accepted", did.Accepted)
	}
	return err
}

func pruneAll(ctx context.Context, pool *pgxpool.Pool, keep time.Duration) (int64, error) {
	var total int64
	for {
		n, err := mapping.Prune(ctx, pool, keep, pruneMappings)
		total += n
		if err != nil || n < pruneMappings {
			return total, err
		}
		select {
		case <-time.After(20 * time.Millisecond): // the traffic's turn
		case <-ctx.Done():
			return total, fmt.Errorf("prune mappings: %w", ctx.Err())
		}
	}
}
