package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

func outcomeOf(tb testing.TB, db *pgxpool.Pool, id int) string {
	tb.Helper()
	var outcome string
	if err := db.QueryRow(tb.Context(), `SELECT COALESCE(outcome, '') FROM delivery WHERE id = $1`, id).Scan(&outcome); err != nil {
		tb.Fatal(err)
	}
	return outcome
}

func TestDeadlettersLs(t *testing.T) {
	t.Parallel()
	db := filled(t)
	for name, tc := range map[string]struct {
		line []string
		want []string // in this order
		not  string
	}{
		"all, the newest first": {nil, []string{"ID ", "\n4 ", "\n2 "}, "More"},
		"one state":             {[]string{"--state", "held"}, []string{"2 ", "mapping 1"}, "refused"},
		"by age":                {[]string{"--newer-than", "1m"}, []string{"No letters match"}, "ID"},
		"limited":               {[]string{"--limit", "1"}, []string{"4 ", "--limit 10"}, "mapping 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := operate(t, db, append([]string{"deadletters", "ls"}, tc.line...)...)
			if err != nil {
				t.Fatal(err)
			}
			rest := got
			for _, want := range tc.want {
				_, after, ok := strings.Cut(rest, want)
				if !ok {
					t.Fatalf("printed %q, which lacks %q", got, want)
				}
				rest = after
			}
			if strings.Contains(got, tc.not) {
				t.Errorf("printed %q, want no %q", got, tc.not)
			}
		})
	}
	t.Run("none at all", func(t *testing.T) {
		t.Parallel()
		got, err := operate(t, pgtest.DB(t, migrations.Schema()), "deadletters", "ls")
		if err != nil || !strings.HasPrefix(got, "No letters: ") {
			t.Errorf("printed %q, %v", got, err)
		}
	})
	t.Run("none as JSON", func(t *testing.T) {
		t.Parallel()
		got, err := operate(t, db, "deadletters", "ls", "--json", "--conversation", "none")
		if err != nil || got != "[]\n" {
			t.Errorf("printed %q, %v", got, err)
		}
	})
}

func TestDeadlettersShow(t *testing.T) {
	t.Parallel()
	db := filled(t)
	got, err := operate(t, db, "deadletters", "show", "2")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "letter.txt"), got)
	if got, err := operate(t, db, "deadletters", "show", "99"); err == nil || !strings.Contains(err.Error(), "liaison deadletters ls lists them") {
		t.Errorf("an unknown one printed %q, %v", got, err)
	}
}

// TestDeadlettersDecide: what is redriven or dropped is so once; a second time, and
// a dry run, say so and change nothing.
func TestDeadlettersDecide(t *testing.T) {
	t.Parallel()
	for action, done := range map[string]string{"redrive": "redriven", "drop": "dropped"} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			db := filled(t)
			steps := []struct {
				line    []string
				printed string
				after   string
			}{
				{[]string{"2", "--dry-run"}, "1 letter would be " + done + "; nothing was changed.", "held"},
				{[]string{"2", "--state", "dead"}, "Letter 2 is none of those the filters choose", "held"},
				{[]string{"--reason", "503", "--as", "ada"}, "1 letter " + done + ".", done},
				{[]string{"2"}, "Letter 2 was " + done + " already; nothing was changed.", done},
				{[]string{"--reason", "503"}, "No letters match.", done},
			}
			for _, step := range steps {
				got, err := operate(t, db, append([]string{"deadletters", action}, step.line...)...)
				if err != nil || !strings.Contains(got, step.printed) || outcomeOf(t, db, 2) != step.after {
					t.Errorf("%v printed %q, %v, and the letter is %s", step.line, got, err, outcomeOf(t, db, 2))
				}
			}
			if _, err := operate(t, db, "deadletters", action); err == nil || outcomeOf(t, db, 4) != "dead" {
				t.Errorf("without any filter: %v, and the other letter is %s", err, outcomeOf(t, db, 4))
			}
			var actor, subject, detail string
			err := db.QueryRow(t.Context(), `SELECT actor, subject, detail::text FROM audit WHERE action = $1`, action).Scan(&actor, &subject, &detail)
			if err != nil || actor != "ada" || subject != "reason 503" || !strings.Contains(detail, `"letters": 1`) {
				t.Errorf("on record: %s, %s, %s, %v", actor, subject, detail, err)
			}
			if _, err := operate(t, db, "deadletters", action, "99"); err == nil {
				t.Error("an unknown letter is no failure")
			}
			got, err := operate(t, db, "deadletters", action, "--all", "--json")
			var told struct{ Letters []struct{ ID int } }
			if err != nil || json.Unmarshal([]byte(got), &told) != nil || len(told.Letters) != 1 || told.Letters[0].ID != 4 {
				t.Errorf("all of them: %s, %v", got, err)
			}
		})
	}
}

// TestDeadlettersRedriveInPlace: a letter that is a delivery again is told from one
// that never was.
func TestDeadlettersRedriveInPlace(t *testing.T) {
	t.Parallel()
	db := filled(t)
	_, err := db.Exec(t.Context(), `UPDATE lane SET parked_at = '2026-03-01 10:02:30Z' WHERE conversation = 'mapping 1'`)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"held, lane halted", "Letter 2 was redriven already"} {
		got, err := operate(t, db, "deadletters", "redrive", "2")
		if err != nil || !strings.Contains(got, want) || outcomeOf(t, db, 2) != "" {
			t.Errorf("printed %q, %v, want %q", got, err, want)
		}
	}
}

// TestOperatingFindsTheDatabase: DATABASE_URL, or what the data folder has; never a
// new one.
func TestOperatingFindsTheDatabase(t *testing.T) {
	db := filled(t)
	t.Setenv("DATABASE_URL", pgtest.URL(db))
	term, out := terminal()
	if err := (lettersCmd{Limit: 10}).Run(t.Context(), term); err != nil || !strings.Contains(out.String(), "mapping 1") {
		t.Errorf("printed %q, %v", out, err)
	}
	dir := t.TempDir()
	t.Setenv("DATABASE_URL", "")
	t.Setenv("LIAISON_DATA_DIR", dir)
	err := lettersCmd{Limit: 10}.Run(t.Context(), term)
	if err == nil || !strings.Contains(err.Error(), "Set DATABASE_URL or LIAISON_DATA_DIR") {
		t.Errorf("got %v", err)
	}
	if made, err := os.ReadDir(dir); err != nil || len(made) > 0 {
		t.Errorf("it made %v, %v", made, err)
	}
}
