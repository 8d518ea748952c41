package pgtest_test

import (
	"fmt"
	"os"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/internal/schema"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func set(table, sql string) schema.Set {
	return schema.Set{
		FS:    fstest.MapFS{"001_first.sql": {Data: []byte("-- +goose Up\n" + sql)}},
		Table: table,
	}
}

func TestDB_each_test_has_its_own(t *testing.T) {
	t.Parallel()
	notes := set("notes_version", "CREATE TABLE note (words text UNIQUE);")
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			pool := pgtest.DB(t, notes)
			if _, err := pool.Exec(t.Context(), "INSERT INTO note VALUES ('the same in each')"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDB_has_every_set(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, set("a_version", "CREATE TABLE a (n int);"), set("b_version", "CREATE TABLE b (n int);"))
	if _, err := pool.Exec(t.Context(), "INSERT INTO a SELECT n FROM b"); err != nil {
		t.Error(err)
	}
}

func TestDB_a_changed_file_is_another_template(t *testing.T) {
	t.Parallel()
	pgtest.DB(t, set("v", "CREATE TABLE x (n int);"))
	pool := pgtest.DB(t, set("v", "CREATE TABLE y (n int);"))
	if _, err := pool.Exec(t.Context(), "INSERT INTO y VALUES (1)"); err != nil {
		t.Error(err)
	}
}

func TestDB_without_sets_is_empty(t *testing.T) {
	t.Parallel()
	rows, _ := pgtest.DB(t).Query(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
	tables, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[int])
	if err != nil || tables != 0 {
		t.Errorf("%d tables, %v", tables, err)
	}
}

func TestURL_leads_to_the_same_database(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, set("v", "CREATE TABLE x (n int);"))
	conn, err := pgx.Connect(t.Context(), pgtest.URL(pool))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "INSERT INTO x VALUES (1)"); err != nil {
		t.Error(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Error(err)
	}
	rows, _ := pool.Query(t.Context(), "SELECT n FROM x")
	if n, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[int]); err != nil || n != 1 {
		t.Errorf("n = %d, %v", n, err)
	}
}

func BenchmarkDB(b *testing.B) {
	notes := set("notes_version", "CREATE TABLE note (words text UNIQUE);")
	for b.Loop() {
		pgtest.DB(b, notes)
	}
}
