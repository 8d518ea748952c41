package files_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/liaison-skill/liaison/files"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

// gated answers with two parts, one before and one after the gate opens.
func gated(content []byte, began chan<- struct{}, gate <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(content[:len(content)-1])
		_ = http.NewResponseController(w).Flush()
		began <- struct{}{}
		select {
		case <-gate:
		case <-r.Context().Done():
		}
		_, _ = w.Write(content[len(content)-1:])
	}
}

// TestFetch_that_is_killed leaves no half a file, and nothing of it once another
// one ends.
func TestFetch_that_is_killed(t *testing.T) {
	t.Parallel()
	content, began, gate := noise(2*partSize+1), make(chan struct{}, 2), make(chan struct{})
	h := startHost(t, gated(content, began, gate))
	w := build(t, nil, h)
	id := w.add(t, files.Source{URL: h.URL})
	// What a killed process leaves: its parts, which nobody cleared.
	_, err := w.db.Exec(t.Context(), `
		INSERT INTO file_part (file, n, attempt, content)
		SELECT $1, n, '11111111-1111-1111-1111-111111111111', 'half' FROM generate_series(0, 5) AS n`, id)
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := follow(ctx, w, id)
	await(t, began)
	cancel()
	if err := await(t, ended); err == nil {
		t.Error("a fetch that was ended came to its end")
	}
	if f := w.get(t, id); f.State != files.Pending {
		t.Errorf("file is %s", f.State)
	}
	close(gate)
	check(t, w.Fetch(t.Context(), id))
	if w.sum(t, id) != sha256.Sum256(content) {
		t.Error("the content differs")
	}
	if n := w.parts(t); n != 3 {
		t.Errorf("%d parts are on record, want 3", n)
	}
}

// TestFetches_at_once: the first to end counts, the other says the same.
func TestFetches_at_once(t *testing.T) {
	t.Parallel()
	content, began, gate := noise(partSize+2), make(chan struct{}, 2), make(chan struct{})
	h := startHost(t, gated(content, began, gate))
	w := build(t, nil, h)
	id := w.add(t, files.Source{URL: h.URL})
	one, two := follow(t.Context(), w, id), follow(t.Context(), w, id)
	await(t, began)
	await(t, began)
	close(gate)
	check(t, await(t, one))
	check(t, await(t, two))
	check(t, w.Fetch(t.Context(), id))
	if w.sum(t, id) != sha256.Sum256(content) {
		t.Error("the content differs")
	}
	if n, hits := w.parts(t), h.hits.Load(); n != 2 || hits != 2 {
		t.Errorf("%d parts are on record after %d fetches, want 2 and 2", n, hits)
	}
}

// TestFetches_that_disagree: what is on record first stays, whatever the slower
// one found.
func TestFetches_that_disagree(t *testing.T) {
	t.Parallel()
	for _, fails := range []bool{false, true} {
		content, began, gate := noise(partSize+2), make(chan struct{}, 1), make(chan struct{})
		var calls atomic.Int32
		slow := gated(content, began, gate)
		h := startHost(t, func(w http.ResponseWriter, r *http.Request) {
			switch first := calls.Add(1) == 1; {
			case first:
				slow(w, r)
			case fails:
				w.WriteHeader(http.StatusGone)
			default:
				_, _ = w.Write(content)
			}
		})
		w := build(t, nil, h)
		id := w.add(t, files.Source{URL: h.URL})
		first := follow(t.Context(), w, id)
		await(t, began)
		err := w.Fetch(t.Context(), id)
		close(gate)
		slowErr := await(t, first)
		if fails {
			w.failed(t, id, err, files.Expired)
			w.failed(t, id, slowErr, files.Expired)
		} else if err != nil || slowErr != nil || w.sum(t, id) != sha256.Sum256(content) {
			t.Errorf("%v, %v", err, slowErr)
		}
		if n := w.parts(t); n != map[bool]int{false: 2, true: 0}[fails] {
			t.Errorf("failed %t: %d parts are on record", fails, n)
		}
	}
}

func TestFetch_of_what_is_deleted_meanwhile(t *testing.T) {
	t.Parallel()
	content, began, gate := noise(2*partSize), make(chan struct{}, 1), make(chan struct{})
	h := startHost(t, gated(content, began, gate))
	w := build(t, nil, h)
	id := w.add(t, files.Source{URL: h.URL, Owner: "mapping 7"})
	ended := follow(t.Context(), w, id)
	await(t, began)
	n, err := files.DeleteOwned(t.Context(), w.db, "mapping 7")
	check(t, err)
	close(gate)
	if err := await(t, ended); !errors.Is(err, files.ErrNotFound) || n != 1 {
		t.Errorf("%v after %d were deleted", err, n)
	}
	if n := w.parts(t); n != 0 {
		t.Errorf("%d parts are left", n)
	}
}

// TestFetch_whose_end_is_in_doubt: the database made the file ready, and its answer
// is lost. The file keeps its content.
func TestFetch_whose_end_is_in_doubt(t *testing.T) {
	t.Parallel()
	content := noise(partSize + 1)
	h := startHost(t, serving(content))
	w := build(t, nil, h)
	id := w.add(t, files.Source{URL: h.URL})
	late, release := pgtest.Late(t, w.db, "commit")
	ctx, cancel := context.WithCancel(t.Context())
	s := w.store(t, func(o *files.Options) { o.Pool = late }, h)
	done := make(chan error, 1)
	go func() { done <- s.Fetch(ctx, id) }()
	ready := time.NewTicker(5 * time.Millisecond)
	defer ready.Stop()
	for deadline := time.After(time.Minute); w.get(t, id).State != files.Ready; {
		select {
		case <-ready.C:
		case <-deadline:
			t.Fatal("the file is not ready")
		}
	}
	cancel()
	release()
	_ = await(t, done) // whatever it believes
	check(t, w.Fetch(t.Context(), id))
	if w.sum(t, id) != sha256.Sum256(content) {
		t.Error("the content differs")
	}
}

func TestFifty_at_once(t *testing.T) {
	t.Parallel()
	h := startHost(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat(r.URL.Path, 100_000))
	})
	w := build(t, nil, h)
	var g errgroup.Group
	for i := range 50 {
		path := fmt.Sprintf("/%d", i)
		id := w.add(t, files.Source{URL: h.URL + path})
		g.Go(func() error {
			if err := w.Fetch(t.Context(), id); err != nil {
				return err
			}
			if w.sum(t, id) != sha256.Sum256([]byte(strings.Repeat(path, 100_000))) {
				return fmt.Errorf("file %s differs", path)
			}
			return nil
		})
	}
	check(t, g.Wait())
}

// TestStream_holds_no_connection: a pool of one serves two streams and a query in
// turn, as a pooler of transactions would.
func TestStream_holds_no_connection(t *testing.T) {
	t.Parallel()
	content := noise(3 * partSize)
	h := startHost(t, serving(content))
	w := build(t, nil, h)
	id, err := w.bring(t, files.Source{URL: h.URL})
	check(t, err)
	_, one, err := w.Open(t.Context(), id)
	check(t, err)
	_, two, err := w.Open(t.Context(), id)
	check(t, err)
	for at := int64(0); at < int64(len(content)); at += partSize / 2 {
		for _, stream := range []io.Reader{one, two} {
			if _, err := io.CopyN(io.Discard, stream, partSize/2); err != nil {
				t.Fatal(err)
			}
			if n := w.db.Stat().AcquiredConns(); n != 0 {
				t.Fatalf("%d connections are held", n)
			}
		}
	}
	_, err = files.DeleteOwned(t.Context(), w.db, "mapping 1")
	check(t, err)
	_, err = one.Seek(0, io.SeekStart)
	check(t, err)
	if _, err := io.ReadAll(one); !errors.Is(err, files.ErrNotFound) {
		t.Errorf("reading what is gone: %v", err)
	}
}
