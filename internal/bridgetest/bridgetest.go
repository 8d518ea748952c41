// Package bridgetest runs a bridge for tests of the doors: in front of a real
// database, with a hub of the test's and a sandbox behind it.
package bridgetest

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/files"
	"github.com/liaison-skill/liaison/internal/app"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/migrations"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/texts"
)

// Config returns the service's configuration in front of a sandbox.
func Config(tb testing.TB, s *sandbox.Sandbox) app.Config {
	tb.Helper()
	var environ []string
	for name, value := range s.Env() {
		environ = append(environ, name+"="+value)
	}
	cfg, err := app.Load(tb.Context(), environ)
	if err != nil {
		tb.Fatal(err)
	}
	return cfg
}

// Start runs a bridge to the hub "contoso" until the test ends, on a database of
// its own.
func Start(tb testing.TB, cfg app.Config, hub livechat.Hub) (*bridge.Bridge, *pgxpool.Pool) {
	tb.Helper()
	credentials, err := auth.NewCredentials(cfg.Auth, cfg.Identity, http.DefaultTransport)
	if err != nil {
		tb.Fatal(err)
	}
	catalogue, err := texts.Load("", "")
	if err != nil {
		tb.Fatal(err)
	}
	pool := pgtest.DB(tb, migrations.Schema())
	store, err := files.NewStore(files.Options{
		Pool: pool, Log: slog.New(slog.DiscardHandler), Config: cfg.Files, Keep: time.Hour,
		Peers: map[string]files.Peer{bridge.ConnectorFiles: {}, bridge.HubFiles("contoso"): {}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	cfg.Delivery.Drain = time.Second
	b := bridge.New(bridge.Options{
		Pool: pool, Log: slog.New(slog.DiscardHandler), Delivery: cfg.Delivery, Replica: "test",
		Hubs: map[string]livechat.Hub{"contoso": hub}, Hub: "contoso", ConnectorURL: cfg.Auth.ConnectorURL,
		Client: &proactive.Client{Credentials: credentials, Base: http.DefaultTransport, Timeout: time.Minute},
		Texts:  catalogue, Files: store, PublicURL: cfg.PublicURL,
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("bridge: %v", err)
		}
	})
	return b, pool
}
