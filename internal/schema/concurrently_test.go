package schema_test

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/internal/schema"
)

// The migrators that wait, and the lock of the one that works, hold no snapshot:
// an index that is built concurrently waits for every older one.
func TestUp_an_index_is_built_while_others_wait(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	set := schema.Set{Table: "built_version", FS: fstest.MapFS{
		"001_a.sql": {Data: []byte("-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE a (n int);\nCREATE INDEX CONCURRENTLY a_n ON a (n);\n")},
	}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var g errgroup.Group
	for range 3 {
		g.Go(func() error { return schema.Up(ctx, pool, set) })
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}
