package delivery_test

import (
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// TestTransact_plans_once: the settings end with the transaction, so that whoever
// gets the connection next has the database's own.
func TestTransact_plans_once(t *testing.T) {
	t.Parallel()
	cfg := pgtest.DB(t, migrations.Schema()).Config()
	cfg.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	o := delivery.New(pool, slog.New(slog.DiscardHandler), quick(), "r")
	const settingsSQL = `SELECT current_setting('plan_cache_mode') || ', ' || current_setting('enable_seqscan')`
	var within, after string
	err = o.Transact(t.Context(), func(tx *delivery.Tx) error {
		return tx.QueryRow(t.Context(), settingsSQL).Scan(&within)
	})
	if err != nil || within != "force_generic_plan, off" {
		t.Errorf("within %q, %v", within, err)
	}
	if err := pool.QueryRow(t.Context(), settingsSQL).Scan(&after); err != nil || after != "auto, on" {
		t.Errorf("after %q, %v", after, err)
	}
}
