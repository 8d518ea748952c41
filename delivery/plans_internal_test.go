package delivery

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// TestTracePlans: what is traced is found by indexes, however much there is. With
// scans all but forbidden, a plan has one only where no index serves.
func TestTracePlans(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	for name, tc := range map[string]struct {
		sql  string
		args pgx.NamedArgs
	}{
		"by key":    {traceKeySQL, pgx.NamedArgs{"key": "k", "limit": 10}},
		"by letter": {traceLetterSQL, pgx.NamedArgs{"id": 1}},
		"by lanes": {traceSpansSQL, pgx.NamedArgs{
			"destination": []string{"x"}, "conversation": []string{"a"}, "since": nil, "until": nil, "limit": 10,
		}},
		"attempts": {traceAttemptsSQL, pgx.NamedArgs{"destination": []string{"x"}, "conversation": []string{"a"}, "seq": []int64{1}}},
		"letters":  {listLettersSQL, Filter{Destination: "x"}.args(10)},
		"a letter": {getLetterSQL, pgx.NamedArgs{"id": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := pgx.BeginFunc(t.Context(), db, func(tx pgx.Tx) error {
				if _, err := tx.Exec(t.Context(), "SET LOCAL enable_seqscan = off"); err != nil {
					return err
				}
				rows, err := tx.Query(t.Context(), "EXPLAIN "+tc.sql, tc.args)
				if err != nil {
					return err
				}
				lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
				if plan := strings.Join(lines, "\n"); strings.Contains(plan, "Seq Scan") {
					t.Errorf("it reads a whole table:\n%s", plan)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestEnqueuePlan: a plan made while nothing was unheard serves when much is.
func TestEnqueuePlan(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	if _, err := db.Exec(t.Context(), "VACUUM ANALYZE"); err != nil {
		t.Fatal(err)
	}
	d := &Destination[string]{Name: "x"}
	o := New(db, slog.New(slog.DiscardHandler), Config{Concurrency: 1}, "r", d)
	item, err := d.Item(Header{Conversation: "a", Scope: "s", Key: "k", Likeness: "l"}, "word")
	if err != nil {
		t.Fatal(err)
	}
	err = o.Transact(t.Context(), func(tx *Tx) error {
		args, err := tx.enqueueArgs([]Item{item})
		if err != nil {
			return err
		}
		rows, err := tx.Query(t.Context(), "EXPLAIN "+enqueueSQL, args)
		if err != nil {
			return err
		}
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if text := strings.Join(plan, "\n"); strings.Contains(text, "Seq Scan") || !strings.Contains(text, "unheard_pkey") {
			t.Errorf("reads a table whole:\n%s", text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
