// Package pgtest gives each test a PostgreSQL database of its own, migrated and
// empty.
//
// There is one server per test process. TEST_PG says which: "url" for the one at
// TEST_DATABASE_URL, "docker" for a container of TEST_POSTGRES_IMAGE, "local"
// for a private server from the binaries on this machine. Without it, the URL is
// used if set, else the binaries, else Docker. No test is skipped for want of a
// server: it fails and says what to install.
//
// Migrations run once, into a template; a test's database is a copy of it.
package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/internal/schema"
)

// How long the parts of setting up a database may take on a busy machine.
const (
	startTimeout = 2 * time.Minute
	setupTimeout = time.Minute
	closeTimeout = time.Minute
)

// process is the server of this test process, started by the first test that
// asks.
//
//nolint:gochecknoglobals // one server per process is what makes the tests fast
var process shared

type shared struct {
	start  sync.Once
	err    error
	server *server

	mu        sync.Mutex
	templates map[string]*template
}

// DB returns a pool on a database that has every set applied and belongs to the
// test alone; it is dropped when the test ends. With -short, the test is skipped.
func DB(tb testing.TB, sets ...schema.Set) *pgxpool.Pool {
	tb.Helper()
	if testing.Short() {
		tb.Skip("needs PostgreSQL; left out by -short")
	}
	ctx, cancel := context.WithTimeout(tb.Context(), startTimeout+setupTimeout)
	defer cancel()
	s, err := process.get(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	tmpl, err := process.template(ctx, sets)
	if err != nil {
		tb.Fatal(err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	if err := s.create(ctx, name, tmpl); err != nil {
		tb.Fatal(err)
	}
	pool, err := pgxpool.New(ctx, s.url(name))
	if err != nil {
		tb.Fatalf("open test database: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), setupTimeout)
		defer cancel()
		if !closed(pool) {
			stat := pool.Stat()
			tb.Errorf("connections of the test's pool were never given back: %d of %d, %d being opened", stat.AcquiredConns(), stat.TotalConns(), stat.ConstructingConns())
		}
		if err := s.drop(ctx, name); err != nil {
			tb.Error(err)
		}
	})
	return pool
}

// URL returns the connection URL of a pool made by [DB], for a program under
// test.
func URL(pool *pgxpool.Pool) string { return pool.Config().ConnString() }

// closed closes the pool and reports whether every connection came back in time.
func closed(pool *pgxpool.Pool) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		pool.Close()
	}()
	select {
	case <-done:
		return true
	case <-time.After(closeTimeout):
		return false // the goroutine waits on; the test fails for it
	}
}

func (p *shared) get(ctx context.Context) (*server, error) {
	p.start.Do(func() { p.server, p.err = open(context.WithoutCancel(ctx)) })
	return p.server, p.err
}

// A template is a database to copy, made at most once.
type template struct {
	once sync.Once
	name string
	err  error
}

// template returns the name of the database that holds the sets.
func (p *shared) template(ctx context.Context, sets []schema.Set) (string, error) {
	name, err := templateName(sets)
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	if p.templates == nil {
		p.templates = make(map[string]*template)
	}
	tmpl, ok := p.templates[name]
	if !ok {
		tmpl = &template{name: name}
		p.templates[name] = tmpl
	}
	p.mu.Unlock()
	// The test that comes first makes it for all, so its end must not spoil it.
	tmpl.once.Do(func() { tmpl.err = p.server.makeTemplate(context.WithoutCancel(ctx), name, sets) })
	return tmpl.name, tmpl.err
}

const templateExistsSQL = `
SELECT EXISTS (SELECT FROM pg_database WHERE datname = @name)`

// makeTemplate makes the template unless another process, on a server they
// share, has made it. It gets its name when it is complete.
func (s *server) makeTemplate(ctx context.Context, name string, sets []schema.Set) error {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	rows, _ := s.admin.Query(ctx, templateExistsSQL, pgx.NamedArgs{"name": name})
	exists, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[bool])
	if err != nil {
		return fmt.Errorf("look for template: %w", err)
	}
	if exists {
		return nil
	}
	unfinished := "unfinished_" + strings.ToLower(rand.Text())
	if err := s.create(ctx, unfinished, "template1"); err != nil {
		return err
	}
	if err := s.migrate(ctx, unfinished, sets); err != nil {
		_ = s.drop(ctx, unfinished)
		return err
	}
	_, err = s.admin.Exec(ctx, "ALTER DATABASE "+quote(unfinished)+" RENAME TO "+quote(name))
	if duplicate(err) {
		return s.drop(ctx, unfinished)
	}
	if err != nil {
		return fmt.Errorf("name template: %w", err)
	}
	return nil
}

func (s *server) migrate(ctx context.Context, name string, sets []schema.Set) error {
	pool, err := pgxpool.New(ctx, s.url(name))
	if err != nil {
		return fmt.Errorf("open template: %w", err)
	}
	defer pool.Close()
	for _, set := range sets {
		if err := schema.Up(ctx, pool, set); err != nil {
			return err
		}
	}
	return nil
}
