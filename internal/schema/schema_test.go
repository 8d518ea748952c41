package schema_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/internal/schema"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// files returns a set of the named files.
func files(texts map[string]string) schema.Set {
	fsys := fstest.MapFS{}
	for name, text := range texts {
		fsys[name] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + text)}
	}
	return schema.Set{FS: fsys, Table: "schema_version"}
}

func one() schema.Set { return files(map[string]string{"001_a.sql": "CREATE TABLE a (n int);"}) }

func two() schema.Set {
	return files(map[string]string{"001_a.sql": "CREATE TABLE a (n int);", "002_b.sql": "ALTER TABLE a ADD m int;"})
}

func pending(t *testing.T, pool *pgxpool.Pool, s schema.Set, want int) {
	t.Helper()
	got, err := schema.Pending(t.Context(), pool, s)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("pending = %d, want %d", got, want)
	}
}

func up(t *testing.T, pool *pgxpool.Pool, s schema.Set) {
	t.Helper()
	if err := schema.Up(t.Context(), pool, s); err != nil {
		t.Fatal(err)
	}
}

func TestUp(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	pending(t, pool, one(), 1)
	up(t, pool, one())
	pending(t, pool, one(), 0)
	pending(t, pool, two(), 1)
	if _, err := pool.Exec(t.Context(), "INSERT INTO a VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	up(t, pool, two())
	up(t, pool, two())
	pending(t, pool, two(), 0)
	up(t, pool, one()) // the release before starts again
	pending(t, pool, one(), 0)
}

func TestPending_changes_nothing(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	pending(t, pool, one(), 1)
	var exists bool
	if err := pool.QueryRow(t.Context(), "SELECT to_regclass('schema_version') IS NOT NULL").Scan(&exists); err != nil {
		t.Fatal(err)
	}
	if exists {
		t.Error("Pending made the version table")
	}
}

func TestUp_two_products_share_a_database(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	other := schema.Set{FS: files(map[string]string{"001_b.sql": "CREATE TABLE b (n int);"}).FS, Table: "other_version"}
	up(t, pool, one())
	up(t, pool, other)
	pending(t, pool, one(), 0)
	pending(t, pool, other, 0)
}

func TestUp_a_pool_of_one_is_enough(t *testing.T) {
	t.Parallel()
	cfg := pgtest.DB(t).Config()
	cfg.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	up(t, pool, two())
	pending(t, pool, two(), 0)
}

func TestUp_by_several_at_once(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	began := time.Now()
	var g errgroup.Group
	for range 4 {
		g.Go(func() error { return schema.Up(t.Context(), pool, two()) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("four migrators took %v", time.Since(began))
	pending(t, pool, two(), 0)
}

func TestUp_waits_no_longer_than_its_context(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_lock($1)", 0x6c696169736f6e); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := schema.Up(ctx, pool, one()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Up while another migrates: %v, want the deadline", err)
	}
	pending(t, pool, one(), 1)
}

func TestUp_a_broken_file_is_not_half_applied(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	broken := files(map[string]string{"001_a.sql": "CREATE TABLE a (n int);", "002_b.sql": "CREATE TABLE b (n int); SELECT nonsense;"})
	if err := schema.Up(t.Context(), pool, broken); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("Up: %v, want what Postgres said", err)
	}
	pending(t, pool, broken, 1)
	up(t, pool, files(map[string]string{"001_a.sql": "", "002_b.sql": "CREATE TABLE b (n int);"}))
}

func TestSet_is_refused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		set  schema.Set
		want string
	}{
		"when it is empty":         {files(nil), "there are none"},
		"when it has a gap":        {files(map[string]string{"001_a.sql": "", "003_c.sql": ""}), "003_c.sql: number is not 002"},
		"when a number is double":  {files(map[string]string{"001_a.sql": "", "001_b.sql": ""}), "001_b.sql: number is not 002"},
		"when a name has no form":  {files(map[string]string{"1-a.sql": ""}), "1-a.sql: name is not NNN_subject.sql"},
		"when a file goes back":    {files(map[string]string{"001_a.sql": "-- +goose Down\n"}), "only go forward"},
		"when counting from zero":  {files(map[string]string{"000_a.sql": ""}), "000_a.sql: number is not 001"},
		"when a subject is absent": {files(map[string]string{"001_.sql": ""}), "name is not"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// No database is asked, so none is needed.
			err := schema.Up(t.Context(), nil, test.set)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Up: %v, want %q", err, test.want)
			}
			if _, err := schema.Pending(t.Context(), nil, test.set); err == nil {
				t.Error("Pending accepted it")
			}
		})
	}
}
