package bridge

import (
	"log/slog"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/files"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/migrations"
	"github.com/liaison-skill/liaison/texts"
)

// keep returns where files are kept for a month.
func keep(tb testing.TB, db *pgxpool.Pool) *files.Store {
	tb.Helper()
	s, err := files.NewStore(files.Options{
		Pool: db, Log: slog.New(slog.DiscardHandler), Config: files.Config{Max: 1 << 20}, Keep: 30 * 24 * time.Hour,
	})
	must(tb, err)
	return s
}

// sent adds a file of a mapping's, with content or yet to be fetched.
func sent(tb testing.TB, db *pgxpool.Pool, m mapping.Mapping, url string) files.ID {
	tb.Helper()
	ids, err := keep(tb, db).Add(tb.Context(), db, files.Source{
		Owner: fileOwner(m.ID), Direction: files.ToAgent, Name: "a.txt", URL: url,
	})
	must(tb, err)
	return ids[0]
}

// TestPurgeFiles: a user's files go, of open conversations too, and nobody else's.
func TestPurgeFiles(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	sent(t, db, talk(t, db, "29:canary", "one", true), "data:,words")
	sent(t, db, talk(t, db, "29:canary", "two", false), "https://files.example.com/a")
	others := sent(t, db, talk(t, db, "29:other", "three", true), "data:,words")
	if did := purge(t, db, "29:canary"); did.Files != 2 {
		t.Errorf("%d files purged, want 2", did.Files)
	}
	if _, err := files.Get(t.Context(), db, others); err != nil || rows(t, db, "file") != 1 || rows(t, db, "file_part") != 1 {
		t.Errorf("another user's file is gone, or more is left: %v", err)
	}
}

// TestRetentionFiles: what nobody released goes at its age, and what was released
// when its last link is over.
func TestRetentionFiles(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	m := talk(t, db, "29:a", "one", false)
	for range pruneFiles + 1 {
		must(t, files.Release(t.Context(), db, sent(t, db, m, "data:,words")))
	}
	kept := sent(t, db, m, "data:,words")
	b := New(Options{Pool: db, Log: slog.New(slog.DiscardHandler), Files: keep(t, db), Retention: 30 * 24 * time.Hour})
	must(t, b.prune(t.Context()))
	if _, err := files.Get(t.Context(), db, kept); err != nil || rows(t, db, "file") != 1 {
		t.Errorf("%d files are left, %v", rows(t, db, "file"), err)
	}
	exec(t, db, `UPDATE file SET expires_at = expires_at - interval '30 days'`)
	must(t, b.prune(t.Context()))
	if n := rows(t, db, "file"); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

func TestFileFailed_says_why(t *testing.T) {
	t.Parallel()
	b := New(Options{Files: keep(t, nil)})
	for why, want := range map[files.Failure]texts.Text{
		files.Missing: texts.FileFailed("a.txt"), files.Refused: texts.FileFailed("a.txt"), files.GaveUp: texts.FileFailed("a.txt"),
		files.Expired: texts.FileExpired("a.txt"), files.TooBig: texts.FileTooBig("a.txt", 1<<20),
		files.WrongType: texts.FileWrongType("a.txt"), files.Unreadable: texts.FileUnreadable("a.txt"),
	} {
		if got := b.fileFailed(files.File{Name: "a.txt", Failure: why}); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", why, got, want)
		}
	}
}

func TestStretches_end_with_a_file(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		withFiles []bool
		want      [][2]int
	}{
		"nothing":          {nil, nil},
		"words alone":      {[]bool{false, false}, [][2]int{{0, 2}}},
		"words behind":     {[]bool{true, false}, [][2]int{{0, 1}, {1, 2}}},
		"words before":     {[]bool{false, true}, [][2]int{{0, 2}}},
		"files only":       {[]bool{true, true}, [][2]int{{0, 1}, {1, 2}}},
		"words in between": {[]bool{true, false, false, true, false}, [][2]int{{0, 1}, {1, 4}, {4, 5}}},
	} {
		var got [][2]int
		for from, to := range stretches(len(tc.withFiles), func(i int) bool { return tc.withFiles[i] }) {
			got = append(got, [2]int{from, to})
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

func TestNotHere_is_looked_for_soon(t *testing.T) {
	t.Parallel()
	for age, want := range map[time.Duration]time.Duration{
		-time.Hour: 100 * time.Millisecond, 0: 100 * time.Millisecond, 4 * time.Second: time.Second, time.Hour: 2 * time.Second,
	} {
		if got := (notHereError{age}).RetryAfter(); got != want {
			t.Errorf("after %s: %s, want %s", age, got, want)
		}
	}
}

func TestLaneOf_files(t *testing.T) {
	t.Parallel()
	if id, conversation := LaneOf(toFiles, fileLane(12, 345)); id != 12 || conversation != "" {
		t.Errorf("mapping %d, conversation %q", id, conversation)
	}
	var lanes int
	for _, l := range ownLanes(mapping.Mapping{ID: 12}) {
		if l.Destination == toFiles && l.Conversation == fileLane(12, 345) {
			lanes++
		}
	}
	if lanes != 1 {
		t.Errorf("a file's lane is %d of its mapping's", lanes)
	}
}
