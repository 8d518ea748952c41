package relay

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// touched finds in an executed plan how many rows a step took or threw away.
var touched = regexp.MustCompile(`(?:actual time=\S+ rows=|Rows Removed by Filter: )(\d+)`)

// TestPlans: what is looked for among many relays is found by indexes.
func TestPlans(t *testing.T) {
	t.Parallel()
	const many = 20000
	db := pgtest.DB(t, migrations.Schema())
	for _, sql := range []string{
		`INSERT INTO relay (hub, hub_conversation, user_id, profile, state, ended_at, opened_at, spoke_at)
		SELECT 'hub', 'c' || n, 'u' || n, '{}', 'ended', now(), now() - n * interval '1 minute', now() - n * interval '1 minute'
		FROM generate_series(1, 20000) AS n`,
		`INSERT INTO lane (destination, conversation, last_seq, acked_seq, epoch)
		SELECT d, 'relay ' || n, 1, 1, 1
		FROM generate_series(1, 2000) AS n, (VALUES ('directline'), ('canvas/hub')) AS v (d)`,
		`VACUUM ANALYZE relay, lane`,
	} {
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		sql  string
		args pgx.NamedArgs
	}{
		"trace":  {spansSQL, pgx.NamedArgs{"text": "c99"}},
		"prune":  {pruneSQL, pgx.NamedArgs{"keep": 2 * time.Hour, "limit": pruneBatch}},
		"attend": {attendSQL, pgx.NamedArgs{"me": "me", "lease": time.Minute, "free": maxClaim, "hubs": []string{"hub"}}},
		"keep":   {keepSQL, pgx.NamedArgs{"keep": time.Hour, "within": time.Minute, "limit": keepBatch}},
		"user":   {lockOfUserSQL, pgx.NamedArgs{"hub": "", "user": "u5"}},
		"count":  {countSQL, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, err := db.Query(t.Context(), "EXPLAIN (ANALYZE) "+tc.sql, tc.args)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			plan := strings.Join(lines, "\n")
			for _, found := range touched.FindAllStringSubmatch(plan, -1) {
				if n, err := strconv.Atoi(found[1]); err != nil || n > many/10 {
					t.Fatalf("a step has %s rows of %d:\n%s", found[1], many, plan)
				}
			}
		})
	}
}
