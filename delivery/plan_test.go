package delivery_test

import (
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// TestTransact_plans_once: the setting ends with the transaction, so that whoever
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
	const modeSQL = `SHOW plan_cache_mode`
	var within, after string
	err = o.Transact(t.Context(), func(tx *delivery.Tx) error {
		return tx.QueryRow(t.Context(), modeSQL).Scan(&within)
	})
	if err != nil || within != "force_generic_plan" {
		t.Errorf("within %q, %v", within, err)
	}
	if err := pool.QueryRow(t.Context(), modeSQL).Scan(&after); err != nil || after != "auto" {
		t.Errorf("after %q, %v", after, err)
	}
}
