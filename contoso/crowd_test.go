package contoso_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
)

// crowd adds a thousand open conversations and ten thousand that have ended within
// a month, with ten lines each.
func crowd(tb testing.TB, db *pgxpool.Pool) {
	tb.Helper()
	for _, sql := range []string{`
		INSERT INTO contoso.conversation (id, person, state, queue, agent, started_at, queued_at, accepted_at, answered_at, waited, ended_at, ended_by)
		SELECT 'x' || n, jsonb_build_object('name', 'User ' || n), 'ended', 'Q' || n % 5, 'Agent ' || n % 40,
		       at, at, at + wait, at + wait, wait, at + wait + n % 900 * interval '1 second', 'agent'
		FROM generate_series(1, 10000) n,
		     LATERAL (SELECT now() - n * interval '259 seconds' AS at, n % 300 * interval '1 second' AS wait) s`, `
		INSERT INTO contoso.conversation (id, person, state, queue, agent, started_at, queued_at, accepted_at)
		SELECT 'y' || n, jsonb_build_object('name', 'User ' || n), CASE WHEN n % 4 = 0 THEN 'waiting' ELSE 'active' END,
		       'Q' || n % 5, CASE WHEN n % 4 = 0 THEN '' ELSE 'Agent ' || n % 40 END,
		       now() - n * interval '7 seconds', now() - n * interval '5 seconds', CASE WHEN n % 4 = 0 THEN NULL ELSE now() END
		FROM generate_series(1, 1000) n`, `
		INSERT INTO contoso.line (conversation_id, event, author, sender, body, created_at)
		SELECT c.id, 'message', 'user', 'User', 'the printer on the third floor is on fire again', c.started_at + n * interval '1 second'
		FROM generate_series(1, 10) n, contoso.conversation c
		WHERE c.id ~ '^[xy]'`, `
		ANALYZE`} {
		if _, err := db.Exec(tb.Context(), sql); err != nil {
			tb.Fatal(err)
		}
	}
}
