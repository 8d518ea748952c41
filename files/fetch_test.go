package files_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/files"
	"github.com/liaison-skill/liaison/internal/fetch"
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
