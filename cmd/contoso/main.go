// Command contoso runs Contoso Live Chat, the reference hub, and its agents' desk.
// The environment configures it: DATABASE_URL and package contoso's CONTOSO_ variables.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // business hours need zones, and not every image has them

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/sethvargo/go-envconfig"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/internal/schema"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "contoso:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, logs io.Writer) error {
	var s struct {
		DatabaseURL env.Secret `env:"DATABASE_URL"`
		Contoso     contoso.Config
	}
	if err := env.Process(ctx, envconfig.OsLookuper(), "", &s); err != nil {
		return err
	}
	if s.DatabaseURL == "" {
		return errors.New("DATABASE_URL is not set: name a Postgres database, such as postgres://user@localhost/contoso")
	}
	db, err := pgxpool.New(ctx, s.DatabaseURL.Reveal())
	if err != nil {
		return errors.New("DATABASE_URL is not a PostgreSQL URL, like postgres://user:password@host/database") // the cause repeats it
	}
	defer db.Close()
	if err := schema.Up(ctx, db, contoso.Schema()); err != nil {
		return err
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", s.Contoso.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	log := slog.New(slog.NewTextHandler(logs, nil))
	log.InfoContext(ctx, "contoso live chat is open", "address", ln.Addr().String())
	return (&contoso.App{DB: db, Log: log, Config: s.Contoso}).Run(ctx, ln)
}
