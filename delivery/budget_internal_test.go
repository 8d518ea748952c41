package delivery

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// TestNobodyLeadsForEver: whoever takes turns for others is done with it although
// there are always more, and although some of those give up.
func TestNobodyLeadsForEver(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	b := newBudgets(Window{N: 1000, Per: time.Second}, pool)
	take := func() (err error) {
		for range 10 { // a busy machine may have none in time
			if _, err = b.take(t.Context(), "x"); err == nil {
				return nil
			}
		}
		return err
	}
	if err := take(); err != nil {
		t.Fatal(err)
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT FROM pace FOR UPDATE`); err != nil { // each round takes its time
		t.Fatal(err)
	}
	first := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		defer close(first)
		_, _ = b.take(t.Context(), "x")
	})
	pace := time.NewTicker(longestTurn / 10)
	defer pace.Stop()
	deadline := time.After(60 * longestTurn)
	for n, going := 0, true; going; n++ {
		select {
		case <-first:
			going = false
		case <-deadline:
			t.Error("the first is busy with the others' turns")
			going = false
		case <-pace.C:
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+n%20)*longestTurn/10)
				defer cancel()
				_, _ = b.take(ctx, "x")
			})
		}
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if len(b.queues) != 0 {
		t.Errorf("queues are left: %v", b.queues)
	}
	if err := take(); err != nil {
		t.Errorf("the next one: %v", err)
	}
}
