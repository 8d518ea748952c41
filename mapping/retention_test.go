package mapping_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/mapping"
)

func rowsOf(tb testing.TB, db *pgxpool.Pool, table string) int {
	tb.Helper()
	var n int
	check(tb, db.QueryRow(tb.Context(), `SELECT count(*) FROM `+table).Scan(&n))
	return n
}

// TestPrune: what is over goes with its words, and nothing else does.
func TestPrune(t *testing.T) {
	t.Parallel()
	db := open(t)
	for _, state := range []mapping.State{mapping.Opening, mapping.Waiting, mapping.Active, mapping.Ending, mapping.Closed, mapping.Failed} {
		for _, age := range []string{"young ", "old "} {
			s := sample("")
			s.Key.BotAppID = age + string(state)
			m := in(t, db, s, state)
			check(t, mapping.Append(t.Context(), db, mapping.Entry{Mapping: m.ID, Side: mapping.User, Text: "hello"}))
		}
	}
	_, err := db.Exec(t.Context(), `
		UPDATE mapping
		SET opened_at = now() - interval '31 days', closed_at = closed_at - interval '31 days'
		WHERE bot_app_id LIKE 'old%'`)
	check(t, err)
	var page mapping.Page
	for _, want := range []int64{1, 1, 0} {
		over, next, err := mapping.LockOver(t.Context(), db, 30*24*time.Hour, page, 1)
		check(t, err)
		var n int64
		for _, m := range over {
			n, err = mapping.Delete(t.Context(), db, m.ID)
			check(t, err)
		}
		if page = next; n != want {
			t.Errorf("pruned %d, want %d", n, want)
		}
	}
	var kept int
	check(t, db.QueryRow(t.Context(), `SELECT count(*) FROM mapping WHERE bot_app_id NOT IN ('old closed', 'old failed')`).Scan(&kept))
	if all, words := rowsOf(t, db, "mapping"), rowsOf(t, db, "entry"); kept != 10 || all != 10 || words != 10 {
		t.Errorf("kept %d of %d mappings, with %d entries; want 10", kept, all, words)
	}
	going, err := mapping.CountGoing(t.Context(), db)
	check(t, err)
	if diff := cmp.Diff(map[mapping.State]int64{
		mapping.Opening: 2, mapping.Waiting: 2, mapping.Active: 2, mapping.Ending: 2,
	}, going); diff != "" {
		t.Errorf("going (-want +got):\n%s", diff)
	}
}

// TestPruneWaitsForNobody: a mapping in use is left for later.
func TestPruneWaitsForNobody(t *testing.T) {
	t.Parallel()
	db := open(t)
	m := in(t, db, sample("a"), mapping.Closed)
	tx, err := db.Begin(t.Context())
	check(t, err)
	_, err = mapping.Lock(t.Context(), tx, m.ID)
	check(t, err)
	if over, _, err := mapping.LockOver(t.Context(), db, 0, mapping.Page{}, 10); err != nil || len(over) != 0 {
		t.Errorf("found %+v, %v", over, err)
	}
	check(t, tx.Rollback(t.Context()))
	if over, _, err := mapping.LockOver(t.Context(), db, 0, mapping.Page{}, 10); err != nil || len(over) != 1 {
		t.Errorf("found %+v, %v; want one", over, err)
	}
}

// TestErase: a user's words go, by either id; their open mappings stay.
func TestErase(t *testing.T) {
	t.Parallel()
	db := open(t)
	mine, other := sample("mine"), sample("other")
	mine.Teams.User.AADObjectID, other.User = "object", "29:other"
	over, going := in(t, db, mine, mapping.Closed), in(t, db, mine, mapping.Active)
	in(t, db, other, mapping.Closed)
	for _, id := range []mapping.ID{over.ID, going.ID, over.ID} {
		check(t, mapping.Append(t.Context(), db, mapping.Entry{Mapping: id, Side: mapping.Agent, Text: "hello"}))
	}
	for user, want := range map[string][]mapping.Mapping{"object": {over, going}, "29:user": {over, going}, "": {}, "nobody": {}} {
		got, err := mapping.LockOfUser(t.Context(), db, user)
		check(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("of %q (-want +got):\n%s", user, diff)
		}
	}
	for _, want := range []int64{3, 0} {
		if n, err := mapping.Erase(t.Context(), db, over.ID, going.ID); err != nil || n != want {
			t.Errorf("erased %d, %v; want %d", n, err, want)
		}
	}
	for _, want := range []int64{1, 0} {
		if n, err := mapping.Delete(t.Context(), db, over.ID, going.ID); err != nil || n != want {
			t.Errorf("deleted %d, %v; want %d", n, err, want)
		}
	}
	if n := rowsOf(t, db, "mapping"); n != 2 {
		t.Errorf("%d mappings are left, want 2", n)
	}
}
