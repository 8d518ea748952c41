package relay_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
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
	r.lease = time.Hour
	r.talking()
	if err := r.sandbox.Direct().WaitStream(t.Context(), r.talk(), true); err != nil {
		t.Fatal(err)
	}
	back := r.outage()
	r.sandbox.Direct().Say(r.talk(), activity.Activity{Type: activity.TypeMessage, Text: "unasked"})
	<-time.After(time.Second)
	back()
	r.waitSaid("heard first", "unasked")
}

// failOnce makes the database fail the next time that a relay's column is emptied.
func (r *rig) failOnce(column string) {
	r.tb.Helper()
	_, err := r.pool.Exec(r.tb.Context(), `
		CREATE SEQUENCE failures; -- no rollback takes a number of it back
		CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF nextval('failures') = 1 THEN
				RAISE EXCEPTION 'as if the database had gone away';
			END IF;
			RETURN NEW;
		END $$;
		CREATE TRIGGER fail_once BEFORE UPDATE ON relay FOR EACH ROW
			WHEN (OLD.`+column+` IS NOT NULL AND NEW.`+column+` IS NULL) EXECUTE FUNCTION fail_once()`)
	if err != nil {
		r.tb.Fatal(err)
	}
}

// TestUnnoted: what was posted and could not be noted is looked for before it is
// posted again.
func TestUnnoted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.canvas = absent{r.chat}
	const nobody = "Nobody is available right now. Please try again later."
	r.failOnce("unsaid")
	one := r.start("one")
	r.says(one, "talk to a person")
	r.waitSaid(list(sandbox.Greeting), sandbox.AskProblem)
	r.says(one, "My parcel is lost")
	r.waitSaid(list(sandbox.Greeting), sandbox.AskProblem, sandbox.Transferring, nobody)
	r.says(one, "goodbye")
	r.waitSaid(list(sandbox.Greeting), sandbox.AskProblem, sandbox.Transferring, nobody, sandbox.Farewell)
	if diff := cmp.Diff([]string{"startConversation", "talk to a person", "My parcel is lost", "handoff.unavailable", "goodbye"}, r.heard(r.talk())); diff != "" {
		t.Errorf("the copilot heard (-want +got):\n%s", diff)
	}
	var failures int
	if err := r.pool.QueryRow(t.Context(), `SELECT last_value FROM failures`).Scan(&failures); err != nil || failures < 2 {
		t.Errorf("news were noted %d times, want a failure before: %v", failures, err)
	}
}
