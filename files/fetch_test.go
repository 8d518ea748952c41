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
	"github.com/liaison-skill/liaison/internal/fetch"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

// TestAnswers_that_are_final: the file has failed, and why is on record.
func TestAnswers_that_are_final(t *testing.T) {
	t.Parallel()
	program := append([]byte("MZ\x90\x00"), make([]byte, 200)...)
	for name, row := range map[string]struct {
		src     files.Source
		handler http.HandlerFunc
		want    files.Failure
	}{
		"unauthorized":  {files.Source{}, status(http.StatusUnauthorized), files.Expired},
		"forbidden":     {files.Source{}, status(http.StatusForbidden), files.Expired},
		"not found":     {files.Source{}, status(http.StatusNotFound), files.Expired},
		"gone":          {files.Source{}, status(http.StatusGone), files.Expired},
		"no content":    {files.Source{}, status(http.StatusNoContent), files.Unreadable},
		"partial":       {files.Source{}, status(http.StatusPartialContent), files.Unreadable},
		"not modified":  {files.Source{}, status(http.StatusNotModified), files.Expired},
		"in a circle":   {files.Source{}, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, files.Refused},
		"png, says it":  {files.Source{Name: "photo.png", Type: "image/png"}, serving(program), files.WrongType},
		"says program":  {files.Source{Name: "photo.exe"}, serving([]byte("hello")), files.WrongType},
		"hides program": {files.Source{Name: "photo\u202egnp.exe"}, serving([]byte("hello")), files.WrongType},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := startHost(t, row.handler)
			w := build(t, nil, h)
			row.src.URL = h.URL
			id, err := w.bring(t, row.src)
			w.failed(t, id, err, row.want)
			hits := h.hits.Load()
			w.failed(t, id, w.Fetch(t.Context(), id), row.want)
			if h.hits.Load() != hits {
				t.Error("was asked again")
			}
		})
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// TestAnswers_that_are_not_final leave the file pending, say how to go on, and
// lead to the file when all is well again.
func TestAnswers_that_are_not_final(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		handler  http.HandlerFunc
		unsteady bool
	}{
		"busy": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, false},
		"too many":   {status(http.StatusTooManyRequests), false},
		"breaks":     {status(http.StatusInternalServerError), true},
		"hangs up":   {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false},
		"cuts short": {cutting("Content-Length: 400000"), true},
		"cuts chunk": {cutting("Transfer-Encoding: chunked"), true},
		"stops": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(noise(300_000))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := noise(400_000)
			var well atomic.Bool
			h := startHost(t, func(w http.ResponseWriter, r *http.Request) {
				if well.Load() {
					serving(content)(w, r)
					return
				}
				row.handler(w, r)
			})
			pace := fetch.Pace{Bytes: 100_000, Within: 200 * time.Millisecond}
			w := build(t, func(o *files.Options) { o.Net.Pace = pace }, h)
			id, err := w.bring(t, files.Source{URL: h.URL + "/?sig=key"})
			pending(t, w, id, err, row.unsteady)
			if name == "busy" {
				var patient interface{ RetryAfter() time.Duration }
				if !errors.As(err, &patient) || patient.RetryAfter() != 7*time.Second {
					t.Errorf("does not ask for patience: %v", err)
				}
			}
			well.Store(true)
			steady := w.store(t, nil, h)
			check(t, steady.Fetch(t.Context(), id))
			if w.sum(t, id) != sha256.Sum256(content) {
				t.Error("the content differs")
			}
		})
	}
}

// pending demands that nothing of a file is there, and that its error says how
// often to try again.
func pending(t *testing.T, w *world, id files.ID, err error, unsteady bool) {
	t.Helper()
	var permanent interface{ Permanent() bool }
	if err == nil || errors.As(err, &permanent) && permanent.Permanent() {
		t.Fatalf("error is %v, want one to try again", err)
	}
	var unavailable interface{ Unavailable() bool }
	if got := errors.As(err, &unavailable) && !unavailable.Unavailable(); got != unsteady {
		t.Errorf("%v: tried a few times only: %t, want %t", err, got, unsteady)
	}
	if strings.Contains(err.Error(), "sig=") || strings.Contains(err.Error(), "127.0.0.1") && strings.Contains(err.Error(), "http") {
		t.Errorf("error holds the URL: %v", err)
	}
	if f := w.get(t, id); f.State != files.Pending || f.SHA256 != nil {
		t.Errorf("file is %+v, want pending", f)
	}
	if _, _, err := w.Open(t.Context(), id); err == nil {
		t.Error("half a file can be opened")
	}
	if _, err := w.Link(t.Context(), id); !errors.Is(err, files.ErrNotFound) {
		t.Errorf("half a file can be linked to: %v", err)
	}
	if n := w.parts(t); n != 0 {
		t.Errorf("%d parts are left", n)
	}
}

// cutting answers with 300,000 bytes of more, and hangs up.
func cutting(header string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n%s\r\n\r\n", header)
		if strings.HasPrefix(header, "Transfer") {
			_, _ = fmt.Fprintf(conn, "%x\r\n", 400_000)
		}
		_, _ = conn.Write(noise(300_000))
	}
}

// TestLength_that_is_too_short is what the content is, by HTTP: what follows
// belongs to nobody.
func TestLength_that_is_too_short(t *testing.T) {
	t.Parallel()
	h := startHost(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more")
	})
	w := build(t, nil, h)
	id, err := w.bring(t, files.Source{URL: h.URL})
	check(t, err)
	if w.sum(t, id) != sha256.Sum256([]byte("hello")) {
		t.Error("the content differs")
	}
}

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
	for deadline := time.After(30 * time.Second); w.get(t, id).State != files.Ready; {
		select {
		case <-ready.C:
		case <-deadline:
			t.Fatal("the file is not ready")
		}
	}
	cancel()
	release()
	<-done // whatever it believes
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
