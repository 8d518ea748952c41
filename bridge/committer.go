package bridge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	maxBatch      = 256
	commitTimeout = 2 * time.Second // a door answers in time, with a refusal if need be
)

// A committer runs what queued while its last commit ran as one transaction.
// There is no timer: a line that comes alone is committed alone.
type committer[T any] struct {
	commit func(ctx context.Context, items []T) ([]error, error) // an error for each, or one for all
	within time.Duration                                         // a commit, and the one before it
	queue  chan job[T]
}

type job[T any] struct {
	ctx  context.Context // of the caller, who may leave while the job waits
	item T
	done chan<- error // capacity 1
}

// errStopped answers lines that came when nothing is committed any more.
var errStopped = errors.New("stopped")

// newCommitter takes how long one commit takes at most.
func newCommitter[T any](most time.Duration, commit func(context.Context, []T) ([]error, error)) *committer[T] {
	return &committer[T]{commit: commit, within: 2 * most, queue: make(chan job[T], maxBatch)}
}

// do commits item together with others and returns its own outcome.
func (c *committer[T]) do(ctx context.Context, item T) error {
	ctx, cancel := context.WithTimeout(ctx, c.within)
	defer cancel()
	done := make(chan error, 1)
	select {
	case c.queue <- job[T]{ctx, item, done}:
	case <-ctx.Done():
		return fmt.Errorf("queue for commit: %w", ctx.Err())
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("wait for commit: %w", ctx.Err())
	}
}

func (c *committer[T]) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			c.turnAway()
			return nil
		case first := <-c.queue:
			c.commitBatch(context.WithoutCancel(ctx), c.gather(first))
		}
	}
}

// turnAway answers what is still queued.
func (c *committer[T]) turnAway() {
	for {
		select {
		case j := <-c.queue:
			j.done <- errStopped
		default:
			return
		}
	}
}

func (c *committer[T]) gather(first job[T]) []job[T] {
	batch := []job[T]{first}
	for len(batch) < maxBatch {
		select {
		case next := <-c.queue:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

func (c *committer[T]) commitBatch(ctx context.Context, batch []job[T]) {
	items := make([]T, len(batch))
	for i, j := range batch {
		items[i] = j.item
	}
	errs, err := c.commit(ctx, items)
	if len(batch) > 1 && aboutData(err) {
		// One line that the database refuses must not take its neighbours along.
		for _, j := range batch {
			if j.ctx.Err() == nil { // else nobody waits for it any more
				c.commitBatch(ctx, []job[T]{j})
			}
		}
		return
	}
	for i, j := range batch {
		if err != nil {
			j.done <- err
		} else {
			j.done <- errs[i]
		}
	}
}

// aboutData reports whether the database refused what was in a line: a data
// exception (class 22) or an integrity violation (23).
func aboutData(err error) bool {
	refusal, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (strings.HasPrefix(refusal.Code, "22") || strings.HasPrefix(refusal.Code, "23"))
}
