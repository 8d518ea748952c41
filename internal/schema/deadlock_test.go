package schema_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/internal/schema"
)

// TestUp_outlives_a_deadlock: the traffic locks tables in another order than the
// file does, and the file is the one to give way.
func TestUp_outlives_a_deadlock(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	up(t, pool, files(map[string]string{"001_ab.sql": "CREATE TABLE a (n int); CREATE TABLE b (n int);"}))
	set := files(map[string]string{
		"001_ab.sql": "CREATE TABLE a (n int); CREATE TABLE b (n int);",
		"002_c.sql":  "ALTER TABLE a ADD c int; ALTER TABLE b ADD c int;",
	})
	traffic, err := pool.BeginTx(t.Context(), pgx.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"SET LOCAL deadlock_timeout = '1min'", "LOCK TABLE b"} {
		if _, err := traffic.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	migrated := make(chan error, 1)
	go func() { migrated <- schema.Up(t.Context(), pool, set) }()
	waitForALock(t, pool)
	if _, err := traffic.Exec(t.Context(), "LOCK TABLE a"); err != nil { // the circle; the file's patience ends first
		t.Fatal(err)
	}
	if err := traffic.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Fatal(err)
	}
	pending(t, pool, set, 0)
}

// waitForALock waits until somebody waits for a table.
func waitForALock(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		var waiting bool
		err := pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation'
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&waiting)
		if waiting {
			return
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			t.Fatalf("nobody waits: %v", err)
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}
