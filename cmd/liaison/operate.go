package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/internal/app"
	"github.com/liaison-skill/liaison/internal/localpg"
)

// Names of the embedded server's databases.
const (
	serviceDatabase = "liaison"
	demoDatabase    = "liaison_demo"
	hubDatabase     = "contoso_demo"
)

// operating is how operators' commands reach the database.
type operating struct {
	Demo bool `help:"Use the database of liaison demo, not that of liaison serve, where the data folder has both."`
}

// open connects to DATABASE_URL; without it, to the embedded server that liaison
// serve or demo runs, or one it runs itself meanwhile. It makes no database.
func (o operating) open(ctx context.Context) (database, error) {
	cfg, err := app.Load(ctx, os.Environ())
	if err != nil {
		return database{}, err
	}
	if cfg.DatabaseURL != "" {
		pool, err := connect(ctx, cfg.DatabaseURL.Reveal())
		return database{pool: pool}, err
	}
	dir := filepath.Join(app.DataDir(cfg.DataDir), "postgres")
	url := func(name string) (string, error) { return localpg.Running(ctx, dir, name) }
	var server *localpg.Server
	_, err = url(serviceDatabase)
	switch {
	case errors.Is(err, localpg.ErrNoData):
		return database{}, fmt.Errorf("%w\nSet DATABASE_URL or LIAISON_DATA_DIR to what liaison serve uses", err)
	case errors.Is(err, localpg.ErrNotRunning):
		own, err := embedded(ctx, app.DataDir(cfg.DataDir))
		if err != nil {
			return database{}, err
		}
		server = own.Server
		url = func(name string) (string, error) { return server.URL(name), nil }
	case err != nil:
		return database{}, fmt.Errorf("%w\nRun this as the user that liaison serve runs as", err)
	}
	pool, err := o.choose(ctx, url)
	if err != nil && server != nil {
		server.Stop()
	}
	return database{pool: pool, embedded: server}, err
}

const databasesSQL = `
	SELECT COALESCE(array_agg(datname::text), '{}')
	FROM pg_database
	WHERE datname = ANY(@names)`

// choose connects to the service's database, or to the demo's if that is meant or
// the only one.
func (o operating) choose(ctx context.Context, url func(name string) (string, error)) (*pgxpool.Pool, error) {
	there, err := existing(ctx, url)
	if err != nil {
		return nil, err
	}
	name := serviceDatabase
	if o.Demo || !there[serviceDatabase] {
		name = demoDatabase
	}
	if !there[name] {
		return nil, fmt.Errorf("the embedded server has no database %s yet: run liaison serve or demo first, or set DATABASE_URL", name)
	}
	address, err := url(name)
	if err != nil {
		return nil, err
	}
	return connect(ctx, address)
}

func existing(ctx context.Context, url func(name string) (string, error)) (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	address, err := url("postgres")
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("reach the embedded database: %w\nRun this as the user that liaison serve runs as", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var names []string
	err = conn.QueryRow(ctx, databasesSQL, pgx.NamedArgs{"names": []string{serviceDatabase, demoDatabase}}).Scan(&names)
	if err != nil {
		return nil, fmt.Errorf("list databases: %w", err)
	}
	there := map[string]bool{}
	for _, name := range names {
		there[name] = true
	}
	return there, nil
}

// stamp writes a time so that it sorts and says its zone.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// ago writes an age in its two largest units.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return d.Truncate(time.Second).String()
	case d < 48*time.Hour:
		return strings.TrimSuffix(d.Truncate(time.Minute).String(), "0s")
	}
	return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// word returns text for a table, where nothing is a dash.
func word(text string) string {
	if text == "" {
		return "-"
	}
	return shown(text)
}
