package chaos

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/internal/localpg"
	"github.com/liaison-skill/liaison/internal/schema"
	"github.com/liaison-skill/liaison/migrations"
)

// A postgres is a durable server of the run's own, which can be ended and
// started.
type postgres struct {
	dir    string
	server *localpg.Server
}

const database = "liaison"

func newPostgres(tb testing.TB, dir string) *postgres {
	tb.Helper()
	p := &postgres{dir: filepath.Join(dir, "pg")}
	if err := p.start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if p.server != nil {
			p.server.Stop()
		}
	})
	if err := p.server.CreateDatabase(tb.Context(), database); err != nil {
		tb.Fatal(err)
	}
	return p
}

func (p *postgres) start(ctx context.Context) error {
	server, err := localpg.Start(ctx, localpg.Config{Dir: p.dir, Durable: true})
	if err != nil {
		return err
	}
	p.server = server
	return nil
}

func (p *postgres) url() string { return p.server.URL(database) }

// stop ends the server: fast, its sessions are broken and all is written; at
// once, it leaves the rest to the recovery of its next start.
func (p *postgres) stop(atOnce bool) error {
	if atOnce {
		text, err := os.ReadFile(filepath.Join(p.dir, "data", "postmaster.pid"))
		if err != nil {
			return err
		}
		var pid int
		if _, err := fmt.Sscan(strings.TrimSpace(string(text)), &pid); err != nil {
			return err
		}
		if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
			return err
		}
		<-p.server.Exited()
	}
	p.server.Stop()
	p.server = nil
	return nil
}

// open connects to a database of the service and brings its schema up to date.
func open(tb testing.TB, url string) *pgxpool.Pool {
	tb.Helper()
	pool, err := pgxpool.New(tb.Context(), url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	if err := schema.Up(tb.Context(), pool, migrations.Schema()); err != nil {
		tb.Fatal(err)
	}
	return pool
}
