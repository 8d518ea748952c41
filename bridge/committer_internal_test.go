package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
)

var (
	errOwn    = errors.New("its own outcome")
	errAway   = errors.New("database is away")
	errRefuse = &pgconn.PgError{Code: "22021", Message: "invalid byte sequence"}
)

// runCommitter runs a committer in a bubble until test is done.
func runCommitter(t *testing.T, commit func(context.Context, []string) ([]error, error), test func(context.Context, *committer[string])) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := newCommitter(commitTimeout, commit)
		ended := make(chan error, 1)
		go func() { ended <- c.run(ctx) }()
		test(ctx, c)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

// doAll hands over items at once and returns their outcomes.
func doAll(ctx context.Context, c *committer[string], items ...string) func() []error {
	outcomes := make([]chan error, len(items))
	for i, item := range items {
		outcomes[i] = make(chan error, 1)
		go func() { outcomes[i] <- c.do(ctx, item) }()
	}
	return func() []error {
		errs := make([]error, len(items))
		for i := range errs {
			errs[i] = <-outcomes[i]
		}
		return errs
	}
}

// TestCommitterBatches commits a lone line alone and at once, and in one
// transaction what came meanwhile.
func TestCommitterBatches(t *testing.T) {
	t.Parallel()
	var batches []int
	var release chan struct{} // of the bubble
	commit := func(_ context.Context, items []string) ([]error, error) {
		batches = append(batches, len(items))
		<-release
		errs := make([]error, len(items))
		for i, item := range items {
			if item == "own" {
				errs[i] = errOwn
			}
		}
		return errs, nil
	}
	runCommitter(t, commit, func(ctx context.Context, c *committer[string]) {
		release = make(chan struct{})
		began := time.Now()
		first := doAll(ctx, c, "first")
		synctest.Wait()
		others := doAll(ctx, c, "a", "own", "b")
		synctest.Wait()
		close(release)
		if errs := slices.Concat(first(), others()); !slices.Equal(errs, []error{nil, nil, errOwn, nil}) {
			t.Errorf("outcomes are %v", errs)
		}
		if diff := cmp.Diff([]int{1, 3}, batches); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited %s for more", waited)
		}
	})
}

// TestCommitterSparesNeighbours: one line the database refuses fails alone.
func TestCommitterSparesNeighbours(t *testing.T) {
	t.Parallel()
	var gate chan struct{} // of the bubble
	commit := func(_ context.Context, items []string) ([]error, error) {
		<-gate
		if slices.Contains(items, "bad") {
			return nil, fmt.Errorf("forward: %w", errRefuse)
		}
		return make([]error, len(items)), nil
	}
	runCommitter(t, commit, func(ctx context.Context, c *committer[string]) {
		gate = make(chan struct{})
		first := doAll(ctx, c, "first")
		synctest.Wait()
		others := doAll(ctx, c, "a", "bad", "b")
		synctest.Wait()
		close(gate)
		first()
		errs := others()
		if errs[0] != nil || !errors.Is(errs[1], errRefuse) || errs[2] != nil {
			t.Errorf("outcomes are %v", errs)
		}
	})
}

// TestCommitterTellsAll: when the database is away, everybody comes again; the
// batch is not tried one by one.
func TestCommitterTellsAll(t *testing.T) {
	t.Parallel()
	var gate chan struct{} // of the bubble
	commits := 0
	commit := func(context.Context, []string) ([]error, error) {
		commits++
		<-gate
		return nil, errAway
	}
	runCommitter(t, commit, func(ctx context.Context, c *committer[string]) {
		gate = make(chan struct{})
		first := doAll(ctx, c, "first")
		synctest.Wait()
		others := doAll(ctx, c, "a", "b", "c")
		synctest.Wait()
		close(gate)
		for _, err := range slices.Concat(first(), others()) {
			if !errors.Is(err, errAway) {
				t.Errorf("outcome is %v, want %v", err, errAway)
			}
		}
		if commits != 2 {
			t.Errorf("%d commits, want 2", commits)
		}
	})
}

func TestCommitterBoundsBatches(t *testing.T) {
	t.Parallel()
	var gate chan struct{} // of the bubble
	largest, total := 0, 0
	commit := func(_ context.Context, items []string) ([]error, error) {
		<-gate
		largest, total = max(largest, len(items)), total+len(items)
		return make([]error, len(items)), nil
	}
	runCommitter(t, commit, func(ctx context.Context, c *committer[string]) {
		gate = make(chan struct{})
		all := doAll(ctx, c, strings.Split(strings.Repeat("x", 3*maxBatch), "")...)
		synctest.Wait()
		close(gate)
		for _, err := range all() {
			if err != nil {
				t.Fatal(err)
			}
		}
		if largest != maxBatch || total != 3*maxBatch {
			t.Errorf("committed %d, at most %d at once; want %d, %d", total, largest, 3*maxBatch, maxBatch)
		}
	})
}

// TestCommitterRefusesInTime: a door does not wait for a database that hangs,
// neither in the queue nor for a place in it.
func TestCommitterRefusesInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCommitter(commitTimeout, func(context.Context, []string) ([]error, error) { return nil, errAway })
		began := time.Now() // nobody runs it
		all := doAll(t.Context(), c, strings.Split(strings.Repeat("x", maxBatch+1), "")...)
		queued, waiting := 0, 0
		for _, err := range all() {
			switch {
			case !errors.Is(err, context.DeadlineExceeded):
				t.Errorf("outcome is %v, want a deadline", err)
			case strings.HasPrefix(err.Error(), "queue for commit"):
				queued++
			case strings.HasPrefix(err.Error(), "wait for commit"):
				waiting++
			}
		}
		if queued != 1 || waiting != maxBatch {
			t.Errorf("%d waited for a place and %d for the commit; want 1 and %d", queued, waiting, maxBatch)
		}
		if took := time.Since(began); took != 2*commitTimeout {
			t.Errorf("took %s, want %s", took, 2*commitTimeout)
		}
	})
}

// TestCommitterFinishes: a commit under way outlives the end of run, and a caller
// that leaves gets its own error.
func TestCommitterFinishes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate, ended := make(chan struct{}), make(chan error, 1)
		c := newCommitter(commitTimeout, func(ctx context.Context, items []string) ([]error, error) {
			<-gate
			return make([]error, len(items)), ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { ended <- c.run(ctx) }()
		leaving, leave := context.WithCancel(t.Context())
		stays := doAll(t.Context(), c, "stays")
		synctest.Wait()
		leaves := doAll(leaving, c, "leaves")
		synctest.Wait()
		leave()
		if err := leaves()[0]; !errors.Is(err, context.Canceled) {
			t.Errorf("who left got %v", err)
		}
		cancel()
		close(gate)
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := stays()[0]; err != nil {
			t.Errorf("who stayed got %v", err)
		}
	})
}
