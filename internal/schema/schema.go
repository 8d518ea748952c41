// Package schema brings a database up to date from numbered SQL files.
//
// Files are named NNN_subject.sql, counted from 001 without a gap, and only go
// forward: a released file is never changed, a mistake is mended by the next
// one. A [Set] is one product's files; several sets can live in one database,
// each with its own version table.
package schema

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// A Set is the migrations of one product.
type Set struct {
	FS    fs.FS  // holds NNN_subject.sql at its root, each beginning with "-- +goose Up"
	Table string // remembers which files were applied
}

// lockID is the advisory lock one migrator holds at a time, in each database.
const lockID = 0x6c696169736f6e // "liaison"

// lockRetry is how long a migrator that finds the lock taken waits before it
// looks again.
const lockRetry = 50 * time.Millisecond

// Up applies every file of s that is not applied yet. Any number of processes
// may call it at once; one works, the others wait until it is done or ctx ends.
// A database that is ahead of s is left as it is, so that the release before can
// be started again.
func Up(ctx context.Context, pool *pgxpool.Pool, s Set) error {
	if _, err := s.files(); err != nil {
		return err
	}
	unlock, err := lock(ctx, pool)
	if err != nil {
		return err
	}
	defer unlock()

	db := stdlib.OpenDBFromPool(pool)
	defer func() { _ = db.Close() }() // the pool stays open
	provider, err := goose.NewProvider(goose.DialectPostgres, db, s.FS,
		goose.WithTableName(s.Table), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	for try := 1; ; try++ {
		_, err := provider.Up(ctx)
		if err == nil {
			return nil
		}
		if try == tries || !deadlocked(err) {
			return fmt.Errorf("migrate: %w", err)
		}
	}
}

// tries bounds how often a file is applied after a deadlock: it changes tables in
// another order than the traffic that goes on beside it.
const tries = 10

func deadlocked(err error) bool {
	refusal, ok := errors.AsType[*pgconn.PgError](err)
	return ok && refusal.Code == "40P01"
}

// Pending returns how many files of s the database lacks. It changes nothing.
func Pending(ctx context.Context, pool *pgxpool.Pool, s Set) (int, error) {
	names, err := s.files()
	if err != nil {
		return 0, err
	}
	exists, err := tableExists(ctx, pool, s.Table)
	if err != nil || !exists {
		return len(names), err
	}
	store, err := database.NewStore(database.DialectPostgres, s.Table)
	if err != nil {
		return 0, fmt.Errorf("read migrations: %w", err)
	}
	db := stdlib.OpenDBFromPool(pool)
	defer func() { _ = db.Close() }() // the pool stays open
	latest, err := store.GetLatestVersion(ctx, db)
	if err != nil && !errors.Is(err, database.ErrVersionNotFound) {
		return 0, fmt.Errorf("read applied migrations: %w", err)
	}
	return max(0, len(names)-int(latest)), nil
}

const tableExistsSQL = `
SELECT to_regclass(quote_ident(@name)) IS NOT NULL`

func tableExists(ctx context.Context, pool *pgxpool.Pool, name string) (bool, error) {
	rows, _ := pool.Query(ctx, tableExistsSQL, pgx.NamedArgs{"name": name})
	exists, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[bool])
	if err != nil {
		return false, fmt.Errorf("look for the version table: %w", err)
	}
	return exists, nil
}

const (
	// tryLockSQL holds the lock as long as its transaction, not its session: a
	// pooler that shares sessions keeps a transaction on one, and ends both when
	// its client is gone.
	tryLockSQL = `
SELECT pg_try_advisory_xact_lock(@id)`

	// idleSQL lets the transaction wait for migrations that take long.
	idleSQL = `
SET LOCAL idle_in_transaction_session_timeout = 0`
)

// lock waits for the migrators' lock and returns what releases it. It takes a
// connection of its own: goose looks at the version table before it would take a
// lock, and a pool of one connection must be enough.
//
// It asks again and again because a session that blocks inside
// pg_advisory_lock holds a snapshot, and CREATE INDEX CONCURRENTLY in the
// migrator that works would wait for it forever. The transaction that has the
// lock reads nothing and holds none.
func lock(ctx context.Context, pool *pgxpool.Pool) (unlock func(), err error) {
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("connect to migrate: %w", err)
	}
	// The lock ends with its connection, also when the process is killed; a pooler
	// can use a session again whose transaction was ended.
	unlock = func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_, _ = conn.Exec(bounded, "ROLLBACK")
		_ = conn.Close(bounded)
	}
	again := time.NewTicker(lockRetry)
	defer again.Stop()
	for {
		locked, err := tryLock(ctx, conn)
		if err != nil {
			unlock()
			return nil, fmt.Errorf("lock migrations: %w", err)
		}
		if locked {
			return unlock, nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			unlock()
			return nil, fmt.Errorf("wait for another migration: %w", ctx.Err())
		}
	}
}

// tryLock takes the lock in a transaction that stays open, or ends it.
func tryLock(ctx context.Context, conn *pgx.Conn) (bool, error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	if err != nil {
		return false, err
	}
	rows, _ := tx.Query(ctx, tryLockSQL, pgx.NamedArgs{"id": lockID})
	locked, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[bool])
	if err != nil {
		return false, err
	}
	if !locked {
		return false, tx.Rollback(ctx)
	}
	// This comes second: the portal of a query keeps its snapshot until the next one.
	_, err = tx.Exec(ctx, idleSQL)
	return err == nil, err
}

var fileName = regexp.MustCompile(`^([0-9]{3})_[a-z0-9_]+\.sql$`)

// files returns the names of the set's migrations in order, or what is wrong
// with them.
func (s Set) files() ([]string, error) {
	names, err := fs.Glob(s.FS, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	if len(names) == 0 {
		return nil, errors.New("list migrations: there are none")
	}
	for i, name := range names { // fs.Glob sorts
		if err := s.check(name, i+1); err != nil {
			return nil, fmt.Errorf("migration %s: %w", name, err)
		}
	}
	return names, nil
}

func (s Set) check(name string, want int) error {
	match := fileName.FindStringSubmatch(name)
	if match == nil {
		return errors.New("name is not NNN_subject.sql")
	}
	if n, _ := strconv.Atoi(match[1]); n != want {
		return fmt.Errorf("number is not %03d, the next", want)
	}
	text, err := fs.ReadFile(s.FS, name)
	if err != nil {
		return err
	}
	if strings.Contains(string(text), "-- +goose Down") {
		return errors.New("has a Down section; migrations only go forward")
	}
	return nil
}
