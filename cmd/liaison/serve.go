package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/liaison-skill/liaison/internal/app"
	"github.com/liaison-skill/liaison/internal/localpg"
	"github.com/liaison-skill/liaison/internal/schema"
	"github.com/liaison-skill/liaison/migrations"
)

type serveCmd struct {
	Migrate         bool `default:"true" negatable:"" help:"Apply pending migrations first."`
	RequireDatabase bool `help:"Refuse to start without DATABASE_URL instead of running the embedded database."`
}

// Help implements [kong.HelpProvider].
func (serveCmd) Help() string {
	var b strings.Builder
	b.WriteString("Settings are environment variables.\n\n")
	_ = app.Describe(&b)
	return b.String()
}

// Run implements the command.
func (s serveCmd) Run(ctx context.Context, c console) error {
	app.SpendMemory()
	cfg, err := app.Load(ctx, os.Environ())
	if err != nil {
		return err
	}
	log := app.NewLogger(cfg, c.err)
	for _, warning := range cfg.Warnings() {
		log.WarnContext(ctx, "configuration", "hint", warning)
	}
	db, err := openDatabase(ctx, cfg, s.RequireDatabase)
	if err != nil {
		return err
	}
	defer db.close()
	if db.embedded != nil {
		log.InfoContext(ctx, "embedded database", "version", db.embedded.Version(), "dir", app.DataDir(cfg.DataDir))
	}
	if s.Migrate {
		if err := schema.Up(ctx, db.pool, migrations.Schema()); err != nil {
			return err
		}
	}
	ln, err := listen(ctx, "LIAISON_LISTEN", cfg.Listen)
	if err != nil {
		return err
	}
	a, err := app.New(cfg, version, db.pool, log, ln.Addr())
	if err != nil {
		return err
	}
	metrics := listenMetrics(ctx, log, cfg.MetricsListen)
	if metrics == nil {
		log.InfoContext(ctx, "serving", "address", ln.Addr().String(), "version", version)
		return a.Run(ctx, ln)
	}
	log.InfoContext(ctx, "serving", "address", ln.Addr().String(), "metrics", metrics.Addr().String(), "version", version)
	return runBoth(ctx, a, ln, metrics)
}

// listenMetrics opens the listener of the metrics, or none: where another replica
// on this machine has the port, users need this one all the same.
func listenMetrics(ctx context.Context, log *slog.Logger, address string) net.Listener {
	if address == "" {
		return nil
	}
	ln, err := listen(ctx, "LIAISON_METRICS_LISTEN", address)
	if err != nil {
		log.WarnContext(ctx, "no metrics are served", "err", err)
		return nil
	}
	return ln
}

// runBoth serves the metrics until the service has drained.
func runBoth(ctx context.Context, a *app.App, ln, metrics net.Listener) error {
	g, ctx := errgroup.WithContext(ctx)
	watched, stop := context.WithCancel(context.WithoutCancel(ctx))
	g.Go(func() error {
		defer stop()
		return a.Run(ctx, ln)
	})
	g.Go(func() error { return a.RunMetrics(watched, metrics) })
	return g.Wait()
}

type migrateCmd struct{}

// Run implements the command.
func (migrateCmd) Run(ctx context.Context, c console) error {
	cfg, err := app.Load(ctx, os.Environ())
	if err != nil {
		return err
	}
	db, err := openDatabase(ctx, cfg, false)
	if err != nil {
		return err
	}
	defer db.close()
	if err := schema.Up(ctx, db.pool, migrations.Schema()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.out, "the schema is up to date")
	return err
}

// database is a pool, and the embedded server behind it if there is one.
type database struct {
	pool     *pgxpool.Pool
	embedded *localpg.Server
}

func (d database) close() {
	d.pool.Close()
	if d.embedded != nil {
		d.embedded.Stop()
	}
}

// openDatabase connects to DATABASE_URL or runs the embedded server.
func openDatabase(ctx context.Context, cfg app.Config, require bool) (database, error) {
	if cfg.DatabaseURL != "" {
		pool, err := connect(ctx, cfg.DatabaseURL.Reveal())
		return database{pool: pool}, err
	}
	if require {
		return database{}, errors.New("DATABASE_URL is not set: name the PostgreSQL to use")
	}
	server, err := embedded(ctx, app.DataDir(cfg.DataDir))
	if err != nil {
		return database{}, err
	}
	pool, err := server.open(ctx, serviceDatabase)
	if err != nil {
		server.Stop()
		return database{}, err
	}
	return database{pool: pool, embedded: server.Server}, nil
}

// embeddedServer is the private PostgreSQL of a data folder.
type embeddedServer struct{ *localpg.Server }

func embedded(ctx context.Context, dataDir string) (embeddedServer, error) {
	s, err := localpg.Start(ctx, localpg.Config{Dir: filepath.Join(dataDir, "postgres"), Durable: true})
	if errors.Is(err, localpg.ErrNotInstalled) {
		return embeddedServer{}, fmt.Errorf("%w\nSet DATABASE_URL to a PostgreSQL you have, or:\n%s", err, localpg.HowToInstall)
	}
	if err != nil {
		return embeddedServer{}, fmt.Errorf("embedded database: %w", err)
	}
	return embeddedServer{s}, nil
}

// open connects to one of the server's databases, making it if need be.
func (s embeddedServer) open(ctx context.Context, name string) (*pgxpool.Pool, error) {
	if err := s.CreateDatabase(ctx, name); err != nil {
		return nil, err
	}
	return connect(ctx, s.URL(name))
}

// minConns keeps a small machine from starving the outbox: pgx's default is one
// connection per processor, four at least.
const minConns = 16

// connect opens a pool and waits a little for the database: both are often
// started together.
func connect(ctx context.Context, url string) (*pgxpool.Pool, error) { return connectBy(ctx, url, nil) }

// connectBy is connect with connections that dial makes; nil is the usual ones.
func connectBy(ctx context.Context, url string, dial pgconn.DialFunc) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("DATABASE_URL is not a PostgreSQL URL, like postgres://user:password@host/database")
	}
	mode := cfg.ConnConfig.DefaultQueryExecMode
	if mode == pgx.QueryExecModeExec || mode == pgx.QueryExecModeSimpleProtocol { // which guess what a value is from its Go type
		return nil, errors.New("DATABASE_URL: default_query_exec_mode must let the server describe statements: behind a pooler use cache_describe")
	}
	if !strings.Contains(url, "pool_max_conns") {
		cfg.MaxConns = max(cfg.MaxConns, minConns)
	}
	if dial != nil {
		cfg.ConnConfig.DialFunc = dial
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		if err = pool.Ping(ctx); err == nil {
			return pool, nil
		}
		select {
		case <-ctx.Done():
			pool.Close()
			return nil, fmt.Errorf("connect to the database: %w", err)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// listen opens a port, and says which variable to change if it is taken.
func listen(ctx context.Context, variable, address string) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", variable, err)
	}
	return ln, nil
}
