package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Bounds of pruning: one transaction is short, leaves the database to the traffic
// for a while, and what one call does not reach the next one does.
const (
	pruneBatch   = 1000
	pruneBatches = 200
	prunePause   = 20 * time.Millisecond
	pruneTimeout = 15 * time.Second // of one transaction
)

// Pruned counts rows that are gone, and deliveries that became dead letters.
type Pruned struct {
	Accepted, Deliveries, Attempts, Lanes, Buried int64
}

func (p *Pruned) add(other Pruned) {
	p.Accepted += other.Accepted
	p.Deliveries += other.Deliveries
	p.Attempts += other.Attempts
	p.Lanes += other.Lanes
	p.Buried += other.Buried
}

// Prune deletes what is over: deliveries older than keep that have their final
// outcome, with their attempts and the lanes they leave empty, and keys accepted
// longer than accepted ago. What waits that long in a lane whose peer wants no more
// becomes dead letters. Letters that nobody decided about stay twice as long; what
// else is pending stays, and letters that a lane halts at. It waits for nobody's
// lock, so any number of replicas may prune at once. A keep of zero is for ever.
func Prune(ctx context.Context, pool *pgxpool.Pool, keep, accepted time.Duration) (Pruned, error) {
	var total Pruned
	for _, step := range []struct {
		prune func(context.Context, pgx.Tx, time.Duration) (Pruned, int64, error)
		age   time.Duration
	}{{pruneAccepted, accepted}, {pruneUnheard, copiesWithin}, {buryParked, keep}, {pruneDeliveries, keep}, {pruneAttempts, keep}} {
		if step.age <= 0 {
			continue
		}
		for range pruneBatches {
			did, found, err := pruneOnce(ctx, pool, step.age, step.prune)
			if err != nil {
				return total, fmt.Errorf("prune: %w", err)
			}
			total.add(did)
			if found < pruneBatch {
				break
			}
			select {
			case <-time.After(prunePause):
			case <-ctx.Done():
				return total, ctx.Err()
			}
		}
	}
	return total, nil
}

// byAgeSQL makes the planner find old rows by their age: it takes a full scan for
// cheap when it believes that many are old.
const byAgeSQL = `SET LOCAL enable_seqscan = off`

// pruneOnce prunes one batch, and returns what is gone and how many rows were
// found.
func pruneOnce(ctx context.Context, pool *pgxpool.Pool, age time.Duration,
	prune func(context.Context, pgx.Tx, time.Duration) (Pruned, int64, error),
) (did Pruned, found int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, pruneTimeout)
	defer cancel()
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, byAgeSQL); err != nil {
			return err
		}
		did, found, err = prune(ctx, tx, age)
		return err
	})
	return did, found, err
}

const pruneAcceptedSQL = `
	DELETE FROM accepted
	WHERE ctid = ANY (ARRAY(
		SELECT ctid
		FROM accepted
		WHERE accepted_at < now() - @age::interval
		LIMIT @batch
		FOR UPDATE SKIP LOCKED))`

func pruneAccepted(ctx context.Context, tx pgx.Tx, age time.Duration) (Pruned, int64, error) {
	tag, err := tx.Exec(ctx, pruneAcceptedSQL, pgx.NamedArgs{"age": age, "batch": pruneBatch})
	if err != nil {
		return Pruned{}, 0, fmt.Errorf("accepted keys: %w", err)
	}
	return Pruned{Accepted: tag.RowsAffected()}, tag.RowsAffected(), nil
}

// pruneAttemptsSQL deletes attempts that a lost owner recorded after their
// delivery was gone.
const pruneAttemptsSQL = `
	DELETE FROM attempt
	WHERE ctid = ANY (ARRAY(
		SELECT a.ctid
		FROM attempt AS a
		WHERE a.began_at < now() - @age::interval
		  AND NOT EXISTS (
			SELECT FROM delivery AS d
			WHERE (d.destination, d.conversation, d.seq) = (a.destination, a.conversation, a.seq))
		LIMIT @batch
		FOR UPDATE SKIP LOCKED))`

func pruneAttempts(ctx context.Context, tx pgx.Tx, age time.Duration) (Pruned, int64, error) {
	tag, err := tx.Exec(ctx, pruneAttemptsSQL, pgx.NamedArgs{"age": age, "batch": pruneBatch})
	if err != nil {
		return Pruned{}, 0, fmt.Errorf("attempts: %w", err)
	}
	return Pruned{Attempts: tag.RowsAffected()}, tag.RowsAffected(), nil
}

const lockOldSQL = `
	SELECT d.destination, d.conversation, d.seq
	FROM delivery AS d JOIN lane AS l USING (destination, conversation)
	WHERE d.created_at < now() - @age::interval
	  AND d.seq <= l.acked_seq
	  AND NOT ` + standsAt + `
	  AND (COALESCE(d.outcome, '') NOT IN ('dead', 'held') OR d.created_at < now() - 2 * @age::interval)
	LIMIT @batch
	FOR UPDATE OF d SKIP LOCKED`

func pruneDeliveries(ctx context.Context, tx pgx.Tx, age time.Duration) (Pruned, int64, error) {
	old, err := lockDeliveries(ctx, tx, lockOldSQL, pgx.NamedArgs{"age": age, "batch": pruneBatch})
	if err != nil {
		return Pruned{}, 0, err
	}
	did, err := old.forget(ctx, tx)
	return did, int64(len(old.seq)), err
}
