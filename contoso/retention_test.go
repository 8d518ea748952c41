package contoso_test

import (
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/env"
)

const retention = env.Duration(90 * 24 * time.Hour)

// older makes conversations, and all that is theirs, so much older.
func older(tb testing.TB, db *pgxpool.Pool, by string, ids ...string) {
	tb.Helper()
	for _, sql := range []string{`
		UPDATE contoso.conversation
		SET started_at = started_at - $1::interval, accepted_at = accepted_at - $1::interval, ended_at = ended_at - $1::interval
		WHERE id = ANY ($2)`, `
		UPDATE contoso.visitor
		SET seen_at = seen_at - $1::interval
		WHERE id IN (SELECT visitor_id FROM contoso.conversation WHERE id = ANY ($2))`, `
		UPDATE contoso.start_key
		SET used_at = used_at - $1::interval
		WHERE key IN (SELECT start_key FROM contoso.conversation WHERE id = ANY ($2))`} {
		if _, err := db.Exec(tb.Context(), sql, by, ids); err != nil {
			tb.Fatal(err)
		}
	}
}

// rows counts what is stored, by table.
func rows(tb testing.TB, db *pgxpool.Pool) map[string]int {
	tb.Helper()
	n := map[string]int{}
	for _, table := range []string{"conversation", "line", "event", "webhook", "note", "typing", "file", "file_piece", "visitor", "start_key"} {
		var count int
		if err := db.QueryRow(tb.Context(), `SELECT count(*) FROM contoso.`+table).Scan(&count); err != nil {
			tb.Fatal(err)
		}
		n[table] = count
	}
	return n
}

// full is a conversation of a visitor that has all a conversation can have.
func (h canvas) full(tb testing.TB) visit {
	tb.Helper()
	v := h.start(tb, `{"name":"Alex"}`)
	h.told(tb) // or it would be given up
	want(tb, h.bot(tb, "pass", v.id, map[string]any{"note": "be quick"}), 200, "")
	v.ok(tb, call{path: v.path("/files?name=a.txt"), body: "content"}, nil)
	l := v.ask(tb, "helo")
	v.ok(tb, call{method: http.MethodPut, path: v.path("/messages/" + l.ID), body: `{"message":"hello"}`}, nil)
	want(tb, h.deed(tb, v.id, "join", `{"sender":"Ana"}`), 204, "")
	want(tb, h.deed(tb, v.id, "typing", `{"sender":"Ana"}`), 204, "")
	return v
}

// told waits until the copilot's side has been told all.
func (h canvas) told(tb testing.TB) {
	tb.Helper()
	allTold(tb, h.db)
}

// allTold waits until no webhook is left to be told.
func allTold(tb testing.TB, db *pgxpool.Pool) {
	tb.Helper()
	eventually(tb, "all to be told", func() bool {
		var queued int
		err := db.QueryRow(tb.Context(), `SELECT count(*) FROM contoso.webhook WHERE state = 'queued'`).Scan(&queued)
		return err == nil && queued == 0
	})
}

func TestRetention_what_has_ended_is_deleted_with_all_that_is_its_own(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	before := rows(t, h.db)
	gone := h.full(t)
	want(t, h.deed(t, gone.id, "end", `{"sender":"Ana"}`), 204, "")
	var api struct{ ConversationID string }
	h.ok(t, call{path: "/api/chat/start", header: header("Idempotency-Key", "k")}, &api)
	h.ok(t, call{path: "/api/chat/end", body: replaceID(`{"conversationId":"ID"}`, api.ConversationID)}, nil)
	h.told(t)
	_, err := h.db.Exec(t.Context(), `
		INSERT INTO contoso.file (name, content_type, created_at, visitor_id) -- as a process leaves it that is killed meanwhile
		SELECT 'b.txt', 'text/plain', now() - interval '61 minutes', visitor_id FROM contoso.conversation WHERE id = $1`, gone.id)
	if err != nil {
		t.Fatal(err)
	}
	older(t, h.db, "91 days", gone.id, api.ConversationID)
	run(t, h.db, contoso.Config{Retention: retention})
	eventually(t, "nothing of them to be left", func() bool { return maps.Equal(rows(t, h.db), before) })
	want(t, h.do(t, call{method: http.MethodGet, path: "/api/desk/conversations/" + gone.id}), 404, "no such conversation")
	want(t, gone.do(t, call{method: http.MethodGet, path: gone.path("")}), 401, "start")
}

func TestRetention_what_goes_on_is_young_or_untold_stays(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	open, young, untold, gone := h.full(t), h.full(t), h.full(t), h.full(t)
	back := h.full(t) // whose visitor may still come
	for _, v := range []visit{young, untold, gone, back} {
		v.ok(t, call{path: v.path("/end")}, nil)
	}
	h.told(t)
	h.stop()
	older(t, h.db, "91 days", open.id, untold.id, gone.id)
	older(t, h.db, "89 days", young.id)
	older(t, h.db, "29 days", back.id)
	for sql, id := range map[string]string{
		`UPDATE contoso.webhook SET state = 'queued', due_at = now() + interval '1 hour' WHERE conversation_id = $1`: untold.id,
		`UPDATE contoso.conversation SET ended_at = now() - interval '91 days' WHERE id = $1`:                        back.id,
	} {
		if _, err := h.db.Exec(t.Context(), sql, id); err != nil {
			t.Fatal(err)
		}
	}
	again := func() {
		h.hub = run(t, h.db, contoso.Config{Retention: retention, Canvas: contoso.Canvas{WebhookURL: h.copilot.url}})
	}
	again()
	eventually(t, "one visitor of none to be gone", func() bool { return rows(t, h.db)["visitor"] == 4 })
	for id, want := range map[string]int{open.id: 200, young.id: 200, untold.id: 200, gone.id: 404, back.id: 404} {
		var thread struct {
			Lines []struct{ Attachments []link }
		}
		got := h.do(t, call{method: http.MethodGet, path: "/api/desk/conversations/" + id})
		if got.status != want || want == 200 && (decode(got, &thread) != nil || len(thread.Lines) < 5 || len(thread.Lines[2].Attachments) != 1) {
			t.Errorf("got %v, want %d", got, want)
		}
	}
	if n := rows(t, h.db); n["file"] != 3 || n["file_piece"] != 3 || n["note"] != 3 {
		t.Errorf("left are %v", n)
	}
	back.hub = h.hub
	back.ok(t, call{path: "/api/canvas/start", body: "{}"}, nil)
	if n := rows(t, h.db)["visitor"]; n != 4 {
		t.Errorf("%d visitors, want no other", n)
	}
	if _, err := h.db.Exec(t.Context(), `UPDATE contoso.webhook SET state = 'sent' WHERE conversation_id = $1`, untold.id); err != nil {
		t.Fatal(err)
	}
	again()
	eventually(t, "what was told meanwhile to be gone", func() bool {
		return h.do(t, call{method: http.MethodGet, path: "/api/desk/conversations/" + untold.id}).status == http.StatusNotFound
	})
}

// What the pages tell of the days that are kept does not change, however many
// processes delete the others.
func TestRetention_leaves_the_figures_of_days_that_are_kept(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	_, err := h.db.Exec(t.Context(), `
		INSERT INTO contoso.conversation (id, state, agent, started_at, queued_at, accepted_at, answered_at, waited, ended_at, ended_by)
		SELECT 'c' || n, 'ended', 'Ana', at, at, at + interval '30 seconds', at + interval '30 seconds', interval '30 seconds', at + interval '5 minutes', 'agent'
		FROM generate_series(1, 600) n, LATERAL (SELECT now() - n * interval '4 hours' AS at) s;
		INSERT INTO contoso.line (conversation_id, event, author, sender, body)
		SELECT id, 'message', 'user', 'Alex', 'help' FROM contoso.conversation;
		INSERT INTO contoso.event (seq, conversation_id, line_id)
		SELECT row_number() OVER (), conversation_id, id FROM contoso.line`)
	if err != nil {
		t.Fatal(err)
	}
	day := func(ago int) string { return time.Now().UTC().AddDate(0, 0, -ago).Format(time.DateOnly) }
	export := call{method: http.MethodGet, path: "/api/desk/supervisor/export?from=" + day(8) + "&to=" + day(0)}
	zone := farFromMidnight()
	today := func() (b board) {
		h.ok(t, call{method: http.MethodGet, path: "/api/desk/supervisor?zone=" + zone}, &b)
		return b
	}
	table, before := h.do(t, export), today()
	if len(table.text) < 40*50 {
		t.Fatalf("the table has %s", table.text)
	}
	for range 2 {
		run(t, h.db, contoso.Config{Retention: env.Duration(10 * 24 * time.Hour)})
	}
	eventually(t, "the days before to be gone", func() bool { return rows(t, h.db)["conversation"] <= 60 })
	if diff := cmp.Diff(table.text, h.do(t, export).text); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, today()); diff != "" {
		t.Error(diff)
	}
	if n := rows(t, h.db); n["conversation"] < 59 || n["line"] != n["conversation"] || n["event"] != n["line"] {
		t.Errorf("left are %v", n)
	}
}
