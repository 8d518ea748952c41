package bridge

import (
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/handoff"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/migrations"
	"github.com/liaison-skill/liaison/proactive"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func exec(tb testing.TB, db *pgxpool.Pool, sql string, args ...any) {
	tb.Helper()
	_, err := db.Exec(tb.Context(), sql, args...)
	must(tb, err)
}

func rows(tb testing.TB, db *pgxpool.Pool, table string) int {
	tb.Helper()
	var n int
	must(tb, db.QueryRow(tb.Context(), `SELECT count(*) FROM `+table).Scan(&n))
	return n
}

// talk makes a mapping of a user, closed or not, with an entry and a delivery in
// each of its lanes but those of files.
func talk(tb testing.TB, db *pgxpool.Pool, user, conversation string, closed bool) mapping.Mapping {
	tb.Helper()
	ctx := tb.Context()
	m, _, err := mapping.Reserve(ctx, db, mapping.Mapping{
		Key: mapping.Key{BotAppID: "bot", Conversation: activity.ConversationID(conversation)}, Tenant: "t", User: user, Hub: "h",
		Teams: proactive.Target{User: activity.Account{ID: user, AADObjectID: "object " + user}},
		Host:  &proactive.Target{Audience: "host", Conversation: activity.Conversation{ID: activity.ConversationID(conversation)}},
	})
	must(tb, err)
	must(tb, mapping.Opened(ctx, db, m.ID, livechat.ConversationID("hub "+hubLane(m.ID)), livechat.QueueState{}))
	must(tb, mapping.Append(ctx, db, mapping.Entry{Mapping: m.ID, Side: mapping.User, Name: "Canary", Text: "canary"}))
	for _, l := range lanesOf(m) {
		if l.Destination == toFiles {
			continue
		}
		exec(tb, db, `
			INSERT INTO lane (destination, conversation, last_seq, acked_seq, epoch)
			VALUES ($1, $2, 1, 1, 1)
			ON CONFLICT (destination, conversation) DO UPDATE SET last_seq = lane.last_seq + 1, acked_seq = lane.acked_seq + 1`,
			l.Destination, l.Conversation)
		exec(tb, db, `
			INSERT INTO delivery (destination, conversation, seq, key, payload, settle)
			SELECT destination, conversation, last_seq, '', '"canary"', false
			FROM lane
			WHERE destination = $1 AND conversation = $2`, l.Destination, l.Conversation)
		exec(tb, db, `
			INSERT INTO attempt (destination, conversation, seq, began_at, took, class, status, ambiguous, owner)
			SELECT destination, conversation, last_seq, now(), '0', 'delivered', 200, false, 'a'
			FROM lane
			WHERE destination = $1 AND conversation = $2`, l.Destination, l.Conversation)
	}
	if closed {
		must(tb, mapping.Close(ctx, db, m.ID, mapping.ByUser))
	}
	return m
}

func purge(tb testing.TB, db *pgxpool.Pool, user string) Purged {
	tb.Helper()
	did, err := Purge(tb.Context(), db, "operator", user)
	must(tb, err)
	return did
}

// TestPurge: a user's words go and nobody else's, nothing that is open ends, what
// is undecided stays to be found again, and the record names counts alone.
func TestPurge(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	talk(t, db, "29:canary", "one", true)
	undecided := talk(t, db, "29:canary", "two", true)
	going := talk(t, db, "29:canary", "three", false)
	talk(t, db, "29:other", "four", true)
	exec(t, db, `UPDATE delivery SET outcome = 'held' WHERE conversation = $1`, hubLane(undecided.ID))
	exec(t, db, `UPDATE lane SET last_seq = 2 WHERE conversation = $1`, hubLane(going.ID))
	exec(t, db, `
		INSERT INTO delivery (destination, conversation, seq, key, payload, settle)
		VALUES ('hub/h', $1, 2, '', '1', false)`, hubLane(going.ID))

	did := purge(t, db, "object 29:canary")
	if diff := cmp.Diff(Purged{Conversations: 1, Entries: 3, Deliveries: 11, Attempts: 11, Open: 1, Left: 1}, did); diff != "" {
		t.Errorf("purged (-want +got):\n%s", diff)
	}
	if d, e, m := rows(t, db, "delivery"), rows(t, db, "entry"), rows(t, db, "mapping"); d != 6 || e != 1 || m != 3 {
		t.Errorf("left are %d deliveries, %d entries, %d mappings", d, e, m)
	}
	if m, err := mapping.Get(t.Context(), db, going.ID); err != nil || m.State != mapping.Waiting {
		t.Errorf("the open one is %s, %v", m.State, err)
	}
	if did := purge(t, db, "29:canary"); did != (Purged{Open: 1, Left: 1}) {
		t.Errorf("a second time purged %+v", did)
	}
	exec(t, db, `UPDATE delivery SET outcome = 'dropped' WHERE outcome = 'held'`)
	if did := purge(t, db, "29:canary"); did != (Purged{Conversations: 1, Deliveries: 1, Attempts: 1, Open: 1}) {
		t.Errorf("when it is decided purged %+v", did)
	}
	for _, user := range []string{"", "nobody"} {
		if did := purge(t, db, user); did != (Purged{}) {
			t.Errorf("of %q purged %+v", user, did)
		}
	}
	var records []string
	must(t, db.QueryRow(t.Context(), `SELECT array_agg(to_jsonb(audit)::text ORDER BY id) FROM audit`).Scan(&records))
	if len(records) != 2 || strings.Contains(strings.Join(records, ""), "canary") || !strings.Contains(records[0], `"entries": 3`) {
		t.Errorf("on record is %s", records)
	}
}

// TestPurgeAfterADeadlock: who locks in another order holds a purge up, no more.
func TestPurgeAfterADeadlock(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	first := talk(t, db, "29:a", "one", true)
	second := talk(t, db, "29:a", "two", true)
	begin := func(sql string, args ...any) pgx.Tx {
		tx, err := db.Begin(t.Context())
		must(t, err)
		_, err = tx.Exec(t.Context(), sql, args...)
		must(t, err)
		return tx
	}
	waiting := func(n int) {
		poll := time.NewTicker(10 * time.Millisecond)
		defer poll.Stop()
		for waits := -1; waits != n; <-poll.C {
			must(t, db.QueryRow(t.Context(), `
				SELECT count(*)
				FROM pg_stat_activity
				WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waits))
		}
	}
	gate := begin(`SELECT FROM mapping WHERE id = $1 FOR UPDATE`, second.ID)
	other := begin(`SELECT FROM delivery FOR UPDATE`)
	_, err := other.Exec(t.Context(), `SET LOCAL deadlock_timeout = '10min'`) // it is the purge that finds it
	must(t, err)
	purged, locked := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := Purge(t.Context(), db, "operator", "29:a")
		purged <- err
	}()
	waiting(1)
	go func() {
		_, err := other.Exec(t.Context(), `SELECT FROM mapping WHERE id = $1 FOR UPDATE`, first.ID)
		locked <- errors.Join(err, other.Rollback(t.Context()))
	}()
	waiting(2)
	must(t, gate.Rollback(t.Context()))
	must(t, <-locked)
	must(t, <-purged)
	if n := rows(t, db, "delivery"); n != 0 {
		t.Errorf("%d deliveries are left", n)
	}
}

// TestRetention: one round of pruning takes what is over for too long, of every
// kind.
func TestRetention(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	talk(t, db, "29:a", "old", true)
	exec(t, db, `UPDATE mapping SET closed_at = now() - interval '31 days'`)
	exec(t, db, `UPDATE delivery SET created_at = now() - interval '31 days'`)
	talk(t, db, "29:a", "young", true)
	b := New(Options{Pool: db, Log: slog.New(slog.DiscardHandler), Files: keep(t, db), Retention: 30 * 24 * time.Hour})
	for range 2 {
		must(t, b.prune(t.Context()))
		for table, want := range map[string]int{"mapping": 1, "entry": 1, "delivery": 4, "attempt": 4, "lane": 4} {
			if n := rows(t, db, table); n != want {
				t.Errorf("%d rows of %s are left, want %d", n, table, want)
			}
		}
	}
	counts, err := delivery.Counts(t.Context(), db)
	must(t, err)
	if text, err := json.Marshal(counts); err != nil || strings.Count(string(text), `"Accepted":2,"Delivered":2`) != 2 {
		t.Errorf("counts are %s, %v", text, err) // teams and h; copilot has four
	}
}

// TestRetentionKeepsWhatLanesHold: a mapping stays as long as a lane of its own
// holds something, by which a purge finds it; what waits in vain ends at its age.
func TestRetentionKeepsWhatLanesHold(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	held := talk(t, db, "29:a", "held", true)
	parked := talk(t, db, "29:a", "parked", true)
	talk(t, db, "29:a", "over", true)
	exec(t, db, `UPDATE delivery SET outcome = 'held' WHERE conversation = $1`, hubLane(held.ID))
	exec(t, db, `UPDATE lane SET acked_seq = 0, parked_at = now() WHERE conversation = $1`, teamsLane(parked.Key))
	older := func(by string) {
		t.Helper()
		exec(t, db, `UPDATE mapping SET closed_at = closed_at - $1::interval`, by)
		exec(t, db, `UPDATE delivery SET created_at = created_at - $1::interval`, by)
	}
	b := New(Options{Pool: db, Log: slog.New(slog.DiscardHandler), Files: keep(t, db), Retention: 30 * 24 * time.Hour})
	for _, step := range []struct {
		by         string
		mappings   int
		deliveries int
	}{{"31 days", 2, 2}, {"30 days", 0, 0}} {
		older(step.by)
		for range 2 {
			must(t, b.prune(t.Context()))
			if m, d := rows(t, db, "mapping"), rows(t, db, "delivery"); m != step.mappings || d != step.deliveries {
				t.Errorf("after %s more %d mappings and %d deliveries are left, want %d and %d", step.by, m, d, step.mappings, step.deliveries)
			}
		}
	}
}

// TestPurgeFindsLinks of the user by either name, on record.
func TestPurgeFindsLinks(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"29:canary", "object 29:canary"} {
		db := pgtest.DB(t, migrations.Schema())
		talk(t, db, "29:canary", "one", false)
		for _, user := range []string{"object 29:canary", "another"} {
			_, err := handoff.Make(t.Context(), db, handoff.Holder{Tenant: "t", User: user, Bot: "b"}, time.Minute, handoff.Context{})
			must(t, err)
		}
		if did := purge(t, db, name); did.Handoffs != 1 {
			t.Errorf("of %q purged %+v, want one link", name, did)
		}
		if left, records := rows(t, db, "handoff"), rows(t, db, "audit"); left != 1 || records != 1 {
			t.Errorf("of %q %d links are left and %d audit rows made, want one each", name, left, records)
		}
	}
}
