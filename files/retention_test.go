package files_test

import (
	"errors"
	"testing"

	"github.com/liaison-skill/liaison/files"
)

// later makes everything on record so much older.
func (w *world) later(tb testing.TB, by string) {
	tb.Helper()
	_, err := w.db.Exec(tb.Context(), `
		UPDATE file
		SET created_at = created_at - $1::interval, linked_until = linked_until - $1::interval, expires_at = expires_at - $1::interval`, by)
	check(tb, err)
	_, err = w.db.Exec(tb.Context(), `UPDATE file_key SET created_at = created_at - $1::interval`, by)
	check(tb, err)
}

func (w *world) prune(tb testing.TB, limit int) int64 {
	tb.Helper()
	n, err := files.Prune(tb.Context(), w.db, limit)
	check(tb, err)
	return n
}

// TestPrune: a file goes with its content when its time is up, whatever its state.
func TestPrune(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	for range 2 {
		w.add(t, files.Source{URL: "data:,x"})
		w.add(t, files.Source{URL: "https://example.com/"})
	}
	w.later(t, "30 days 1 second")
	kept := w.add(t, files.Source{URL: "data:,kept"})
	for _, want := range []int64{3, 1, 0} {
		if n := w.prune(t, 3); n != want {
			t.Errorf("pruned %d, want %d", n, want)
		}
	}
	if w.parts(t) != 1 || w.get(t, kept).State != files.Ready {
		t.Error("the wrong one went")
	}
}

// TestRelease: what the other side has goes at once, or with its last link.
func TestRelease(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	given, linked, again := w.add(t, files.Source{URL: "data:,x"}), w.add(t, files.Source{URL: "data:,x"}), w.add(t, files.Source{URL: "data:,x"})
	for _, id := range []files.ID{linked, again} {
		_, err := w.Link(t.Context(), id)
		check(t, err)
	}
	for _, id := range []files.ID{given, linked, again} {
		check(t, files.Release(t.Context(), w.db, id))
	}
	w.later(t, "1 second")
	if n := w.prune(t, 10); n != 1 {
		t.Errorf("pruned %d, want the one without a link", n)
	}
	w.later(t, "23 hours 59 minutes")
	_, err := w.Link(t.Context(), again) // it is not gone yet
	check(t, err)
	if n := w.prune(t, 10); n != 0 {
		t.Errorf("pruned %d while links were good", n)
	}
	w.later(t, "1 minute")
	if n := w.prune(t, 10); n != 1 || w.get(t, again).State != files.Ready {
		t.Errorf("pruned %d, want the one whose link was over", n)
	}
}

func TestDeleteOwned(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	mine := w.add(t, files.Source{Owner: "mine", URL: "data:,x"})
	w.add(t, files.Source{Owner: "mine", URL: "https://example.com/"})
	other := w.add(t, files.Source{Owner: "other", URL: "data:,x"})
	for _, want := range []int64{2, 0} {
		if n, err := files.DeleteOwned(t.Context(), w.db, "mine", "nobody's"); err != nil || n != want {
			t.Errorf("deleted %d, %v; want %d", n, err, want)
		}
	}
	if _, err := files.Get(t.Context(), w.db, mine); !errors.Is(err, files.ErrNotFound) {
		t.Errorf("mine: %v", err)
	}
	if w.parts(t) != 1 || w.get(t, other).State != files.Ready {
		t.Error("the wrong one went")
	}
}

// TestFail: who has no more tries gives a file up; one that is here stays.
func TestFail(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	waits, ready := w.add(t, files.Source{URL: "https://example.com/"}), w.add(t, files.Source{URL: "data:,x"})
	_, err := w.db.Exec(t.Context(), `
		INSERT INTO file_part (file, n, attempt, content)
		VALUES ($1, 0, gen_random_uuid(), 'half')`, waits)
	check(t, err)
	for _, id := range []files.ID{waits, ready, 12345} {
		check(t, files.Fail(t.Context(), w.db, id, files.GaveUp))
	}
	w.failed(t, waits, w.Fetch(t.Context(), waits), files.GaveUp)
	if w.get(t, ready).State != files.Ready || w.parts(t) != 1 {
		t.Error("what was ready is spoilt, or half a file is left")
	}
}
