package relay_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/activity"
)

// outage takes the database away until back is called: what is connected is cut off,
// and nobody gets in.
func (r *rig) outage() (back func()) {
	r.tb.Helper()
	config := r.pool.Config().ConnConfig.Copy()
	name := pgx.Identifier{config.Database}.Sanitize()
	config.Database = "postgres"
	admin, err := pgx.ConnectConfig(r.tb.Context(), config)
	if err != nil {
		r.tb.Fatal(err)
	}
	allow := func(ctx context.Context, how string) {
		if _, err := admin.Exec(ctx, fmt.Sprintf("ALTER DATABASE %s ALLOW_CONNECTIONS %s", name, how)); err != nil {
			r.tb.Error(err)
		}
	}
	allow(r.tb.Context(), "false")
	const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1`
	if _, err := admin.Exec(r.tb.Context(), cut, r.pool.Config().ConnConfig.Database); err != nil {
		r.tb.Error(err)
	}
	return func() {
		ctx := context.WithoutCancel(r.tb.Context())
		allow(ctx, "true")
		_ = admin.Close(ctx)
	}
}

// TestOutage: what the copilot says while the database is away is heard as soon as it
// is back, and not when a lease has run out.
func TestOutage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.lease = 30 * time.Second
	r.talking()
	if err := r.sandbox.Direct().WaitStream(t.Context(), r.talk(), true); err != nil {
		t.Fatal(err)
	}
	back := r.outage()
	r.sandbox.Direct().Say(r.talk(), activity.Activity{Type: activity.TypeMessage, Text: "unasked"})
	<-time.After(time.Second)
	back()
	began := time.Now()
	r.waitSaid("heard first", "unasked")
	if took := time.Since(began); took > r.lease/2 {
		t.Errorf("it was heard after %s", took)
	}
}
