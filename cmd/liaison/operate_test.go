package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// secretWords are in every payload; nothing may print them.
const secretWords = "my card is 4111"

const fillSQL = `
	INSERT INTO mapping (state, bot_app_id, conversation_id, tenant_id, user_id, hub, hub_conversation, teams, host,
		closed_by, opened_at, joined_at, ended_at, closed_at) VALUES
		('closed', 'bot', 'a:conv', 'tenant', '29:ada', 'contoso', 'hub-1', '{}', '{"audience": "host", "conversation": {"id": "host-conv"}}',
		 'agent', '2026-03-01 10:00Z', '2026-03-01 10:01Z', '2026-03-01 10:10Z', '2026-03-01 10:10:01Z'),
		('active', 'bot', 'a:conv', 'tenant', '29:ada', 'contoso', 'hub-2', '{}', NULL,
		 NULL, '2026-03-02 10:00Z', '2026-03-02 10:01Z', NULL, NULL);
	INSERT INTO lane (destination, conversation, last_seq, acked_seq, epoch, parked_at) VALUES
		('hub/contoso', 'mapping 1', 2, 2, 1, NULL),
		('teams', 'bot|a:conv', 3, 2, 1, '2026-03-02 10:05Z');
	INSERT INTO delivery (destination, conversation, seq, key, payload, settle, created_at, outcome, reason, buried_at) VALUES
		('hub/contoso', 'mapping 1', 1, 'activity-1', '{"text": "my card is 4111"}', false, '2026-03-01 10:00Z', NULL, NULL, NULL),
		('hub/contoso', 'mapping 1', 2, 'activity-2', '{"text": "my card is 4111"}', false, '2026-03-01 10:02Z',
		 'held', 'unavailable, status 503, ambiguous', '2026-03-01 10:02:30Z'),
		('teams', 'bot|a:conv', 1, 'hubmsg-1', '{"text": "my card is 4111"}', false, '2026-03-01 10:03Z', NULL, NULL, NULL),
		('teams', 'bot|a:conv', 2, 'hubmsg-2', '{"text": "my card is 4111"}', false, '2026-03-02 10:02Z',
		 'dead', 'refused, status 400', '2026-03-02 10:02:01Z'),
		('teams', 'bot|a:conv', 3, 'hubmsg-3', '{"text": "my card is 4111"}', false, '2026-03-02 10:04Z', NULL, NULL, NULL);
	INSERT INTO attempt (destination, conversation, seq, began_at, took, class, status, ambiguous, owner) VALUES
		('hub/contoso', 'mapping 1', 1, '2026-03-01 10:00:00.100Z', '42 ms', 'delivered', 0, false, 'one/1'),
		('hub/contoso', 'mapping 1', 2, '2026-03-01 10:02:00.100Z', '1 s', 'unavailable', 503, true, 'one/1'),
		('teams', 'bot|a:conv', 1, '2026-03-01 10:03:00.100Z', '3 s', 'lost', 0, true, 'one/1'),
		('teams', 'bot|a:conv', 1, '2026-03-01 10:03:05Z', '80 ms', 'delivered', 201, false, 'two/1'),
		('teams', 'bot|a:conv', 2, '2026-03-02 10:02:00.050Z', '15 ms', 'refused', 400, false, 'two/1'),
		('teams', 'bot|a:conv', 3, '2026-03-02 10:04:00.050Z', '15 ms', 'unreachable', 403, false, 'two/1')`

const traceSQL = `
	UPDATE delivery
	SET trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
	WHERE key = 'hubmsg-1'`

// filled is a database in which something is stuck.
func filled(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	db := pgtest.DB(tb, migrations.Schema())
	for _, sql := range []string{fillSQL, traceSQL} {
		if _, err := db.Exec(tb.Context(), sql); err != nil {
			tb.Fatal(err)
		}
	}
	return db
}

// operate runs a command line against a database and returns what it printed.
func operate(tb testing.TB, db *pgxpool.Pool, line ...string) (string, error) {
	tb.Helper()
	var c cli
	k, err := kong.New(&c, kong.Name("liaison"), kong.Exit(func(int) { tb.Error("exited") }), kong.Writers(&bytes.Buffer{}, &bytes.Buffer{}))
	if err != nil {
		tb.Fatal(err)
	}
	parsed, err := k.Parse(line)
	if err != nil {
		tb.Fatal(err)
	}
	term, out := terminal()
	run := map[string]func(context.Context) error{
		"deadletters ls":      func(ctx context.Context) error { return c.Deadletters.Ls.run(ctx, term, db) },
		"deadletters show":    func(ctx context.Context) error { return c.Deadletters.Show.run(ctx, term, db) },
		"deadletters redrive": func(ctx context.Context) error { return c.Deadletters.Redrive.run(ctx, term, db) },
		"deadletters drop":    func(ctx context.Context) error { return c.Deadletters.Drop.run(ctx, term, db) },
		"trace":               func(ctx context.Context) error { return c.Trace.run(ctx, term, db) },
	}
	name, _, _ := strings.Cut(parsed.Command(), " <")
	name, _, _ = strings.Cut(name, " [")
	err = run[name](tb.Context())
	if strings.Contains(out.String(), secretWords) {
		tb.Error("it prints somebody's words")
	}
	return out.String(), err
}

// TestR23_Trace: each id leads to its mapping and its deliveries, and to no words.
func TestR23_Trace(t *testing.T) {
	t.Parallel()
	db := filled(t)
	for name, id := range map[string]string{
		"mapping_and_letter": "2", "teams_conversation": "a:conv", "hub_conversation": "hub-2",
		"activity": "activity-2", "hub_message": "hubmsg-2", "letter": "4",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := operate(t, db, "trace", id)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", "trace", name+".txt"), got)
		})
	}
	t.Run("unknown", func(t *testing.T) {
		t.Parallel()
		if got, err := operate(t, db, "trace", "nobody"); err == nil || !strings.Contains(err.Error(), "nothing is known of nobody") {
			t.Errorf("printed %q, %v", got, err)
		}
	})
	t.Run("as JSON", func(t *testing.T) {
		t.Parallel()
		got, err := operate(t, db, "trace", "--json", "hub-2")
		var told struct{ Mappings, Deliveries []map[string]any }
		if err != nil || json.Unmarshal([]byte(got), &told) != nil || len(told.Mappings) != 1 || len(told.Deliveries) != 2 {
			t.Errorf("printed %s, %v", got, err)
		}
		if strings.Contains(got, "29:ada") {
			t.Error("it names the user")
		}
	})
}

// golden compares with a file, or writes it when UPDATE_GOLDEN is set.
func golden(tb testing.TB, file, got string) {
	tb.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
