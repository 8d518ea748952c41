package files_test

import (
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/liaison-skill/liaison/files"
)

// TestBytes_arrive_unchanged sends contents of every interesting length through
// all there is: fetched, streamed, and taken by a link.
func TestBytes_arrive_unchanged(t *testing.T) {
	t.Parallel()
	all := noise(maxSize)
	h := startHost(t, func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.Query().Get("size"))
		if r.URL.Query().Has("chunked") {
			_ = http.NewResponseController(w).Flush()
		} else {
			w.Header().Set("Content-Length", strconv.Itoa(size))
		}
		_, _ = w.Write(all[:size])
	})
	w := build(t, nil, h)
	links := httptest.NewServer(w.Handler())
	t.Cleanup(links.Close)
	for _, size := range []int{0, 1, partSize - 1, partSize, partSize + 1, 2 * partSize, maxSize} {
		for _, how := range []string{"", "&chunked"} {
			id, err := w.bring(t, files.Source{Name: "noise.dat", URL: h.URL + "/?size=" + strconv.Itoa(size) + how})
			if err != nil {
				t.Errorf("%d bytes%s: %v", size, how, err)
				continue
			}
			want := sha256.Sum256(all[:size])
			f := w.get(t, id)
			if [sha256.Size]byte(f.SHA256) != want || f.Size != int64(size) || f.State != files.Ready {
				t.Errorf("%d bytes%s: is %+v", size, how, f)
			}
			if w.sum(t, id) != want {
				t.Errorf("%d bytes%s: the stream differs", size, how)
			}
			link, err := w.Link(t.Context(), id)
			check(t, err)
			if status, body, _ := download(t, http.MethodGet, links.URL+link.Path, nil); status != http.StatusOK || sha256.Sum256(body) != want {
				t.Errorf("%d bytes%s: the link gave %d, %d bytes", size, how, status, len(body))
			}
		}
	}
}

// download makes one request.
func download(tb testing.TB, method, url string, header http.Header) (int, []byte, http.Header) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, url, http.NoBody)
	check(tb, err)
	if header != nil {
		req.Header = header
	}
	resp, err := http.DefaultClient.Do(req)
	check(tb, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	check(tb, err)
	return resp.StatusCode, body, resp.Header
}

// TestFile_that_is_too_big is refused when its length is announced, and cut when
// it is not: its host does not get rid of more than it is allowed.
func TestFile_that_is_too_big(t *testing.T) {
	t.Parallel()
	const more = 64 << 20 // more than fits into the buffers on the way
	for name, announced := range map[string]int64{"announced": maxSize + 1, "chunked": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int64
			cut := make(chan struct{})
			h := startHost(t, func(w http.ResponseWriter, _ *http.Request) {
				defer close(cut)
				if announced > 0 {
					w.Header().Set("Content-Length", strconv.FormatInt(announced, 10))
				}
				block := make([]byte, 64<<10)
				for sent.Load() < more {
					n, err := w.Write(block)
					sent.Add(int64(n))
					if err != nil {
						return
					}
				}
			})
			w := build(t, nil, h)
			id, err := w.bring(t, files.Source{URL: h.URL})
			w.failed(t, id, err, files.TooBig)
			await(t, cut)
			if sent.Load() == more || announced > 0 && sent.Load() > maxSize/2 {
				t.Errorf("%d bytes were sent", sent.Load())
			}
			if n := w.parts(t); n != 0 {
				t.Errorf("%d parts are left", n)
			}
		})
	}
}

// TestMemory_is_a_part_not_the_file: 20 MiB pass in both directions while the heap
// grows by a few parts. What else is alive at the moment is not so each time.
func TestMemory_is_a_part_not_the_file(t *testing.T) { //nolint:paralleltest // the heap is everybody's
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	const most = 6 << 20
	for range 3 {
		in, out := growths(t)
		t.Logf("the heap grew by %d KiB while fetching, %d KiB while streaming", in>>10, out>>10)
		if max(in, out) <= most {
			return
		}
	}
	t.Errorf("grew by more than %d KiB each time", most>>10)
}

// growths is by how much the heap grows while a file is fetched, and while it is
// streamed.
func growths(t *testing.T) (in, out int64) {
	t.Helper()
	block, before := make([]byte, 64<<10), heap()
	var peak atomic.Int64
	h := startHost(t, func(w http.ResponseWriter, _ *http.Request) {
		for sent := 0; sent < maxSize; sent += len(block) {
			_, _ = w.Write(block)
			if sent%(1<<20) == 0 {
				peak.Store(max(peak.Load(), heap()))
			}
		}
	})
	w := build(t, nil, h)
	id, err := w.bring(t, files.Source{URL: h.URL})
	check(t, err)
	in = peak.Swap(0) - before
	_, content, err := w.Open(t.Context(), id)
	check(t, err)
	for {
		n, err := io.CopyN(io.Discard, content, 1<<20)
		peak.Store(max(peak.Load(), heap()))
		if err != nil || n == 0 {
			return in, peak.Load() - before
		}
	}
}

// heap returns the bytes in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // a heap is no exabytes
}
