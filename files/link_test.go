package files_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/files"
)

// serve serves a world's links.
func (w *world) serve(tb testing.TB) (base string) {
	tb.Helper()
	s := httptest.NewServer(w.Handler())
	tb.Cleanup(s.Close)
	return s.URL
}

func (w *world) link(tb testing.TB, id files.ID) files.Link {
	tb.Helper()
	link, err := w.Link(tb.Context(), id)
	check(tb, err)
	return link
}

func TestLink_gives_the_file_to_be_saved(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	base := w.serve(t)
	id := w.add(t, files.Source{Name: "Übersicht \"1\".html", URL: "data:text/html,<script>alert(1)</script>"})
	link := w.link(t, id)
	if off := time.Until(link.Expires) - 24*time.Hour; off.Abs() > time.Minute {
		t.Errorf("expires at %s", link.Expires)
	}
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		status, body, header := download(t, method, base+link.Path, nil)
		want := map[string]string{
			"Content-Type":            "application/octet-stream",
			"Content-Disposition":     `attachment; filename="_bersicht _1_.html"; filename*=UTF-8''%C3%9Cbersicht%20_1_.html`,
			"X-Content-Type-Options":  "nosniff",
			"Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
			"Cache-Control":           "no-store",
			"Referrer-Policy":         "no-referrer",
			"Content-Length":          "25",
		}
		got := map[string]string{}
		for name := range want {
			got[name] = header.Get(name)
		}
		if diff := cmp.Diff(want, got); diff != "" || status != http.StatusOK {
			t.Errorf("%s: %d (-want +got):\n%s", method, status, diff)
		}
		if len(body) != map[string]int{http.MethodGet: 25}[method] {
			t.Errorf("%s: %q", method, body)
		}
	}
	if status, _, _ := download(t, http.MethodPost, base+link.Path, nil); status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", status)
	}
}

func TestLink_gives_ranges(t *testing.T) {
	t.Parallel()
	content := noise(2*partSize + 100)
	h := startHost(t, serving(content))
	w := build(t, nil, h)
	id, err := w.bring(t, files.Source{URL: h.URL})
	check(t, err)
	url := w.serve(t) + w.link(t, id).Path
	for _, row := range []struct {
		span     string
		from, to int
	}{{"bytes=0-0", 0, 1}, {"bytes=262143-262144", partSize - 1, partSize + 1}, {"bytes=-50", len(content) - 50, len(content)}, {"bytes=10-", 10, len(content)}} {
		status, body, _ := download(t, http.MethodGet, url, http.Header{"Range": {row.span}})
		if status != http.StatusPartialContent || !bytes.Equal(body, content[row.from:row.to]) {
			t.Errorf("%s: %d, %d bytes", row.span, status, len(body))
		}
	}
	if status, _, _ := download(t, http.MethodGet, url, http.Header{"Range": {"bytes=900000-"}}); status != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("beyond the end: %d", status)
	}
}

// TestLink_that_is_over says so to who had it, also when the file is gone.
func TestLink_that_is_over(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	base := w.serve(t)
	old, deleted := w.link(t, w.add(t, files.Source{URL: "data:,x"})), w.link(t, w.add(t, files.Source{URL: "data:,x", Owner: "gone"}))
	_, err := files.DeleteOwned(t.Context(), w.db, "gone")
	check(t, err)
	over(t, base+deleted.Path)
	brief := w.store(t, func(o *files.Options) { o.Links = 1 }) // less than a second: none
	gone, err := brief.Link(t.Context(), w.add(t, files.Source{URL: "data:,x"}))
	check(t, err)
	over(t, base+gone.Path)
	if status, _, _ := download(t, http.MethodGet, base+old.Path, nil); status != http.StatusOK {
		t.Errorf("the one that is good: %d", status)
	}
}

func over(t *testing.T, url string) {
	t.Helper()
	status, body, header := download(t, http.MethodGet, url, nil)
	if status != http.StatusGone || string(body) != "This link has expired.\n" || header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d, %q", status, body)
	}
}

// TestLink_that_is_forged tells nothing: each answer is the same, whatever it is
// about.
func TestLink_that_is_forged(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	base := w.serve(t)
	link := w.link(t, w.add(t, files.Source{URL: "data:,x"}))
	w.add(t, files.Source{URL: "data:,another"})
	token := strings.TrimPrefix(link.Path, "/files/")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	check(t, err)
	forged := []string{"x", "1", "%00", token + "A", token[:len(token)-1], token + "=", strings.ToUpper(token), strings.Repeat("A", 5000)}
	for i := range raw {
		for _, bit := range []byte{1, 0x80} {
			flipped := bytes.Clone(raw)
			flipped[i] ^= bit
			forged = append(forged, base64.RawURLEncoding.EncodeToString(flipped))
		}
	}
	// Base64 leaves bits of the last letter unused: another spelling is another link.
	last := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", token[len(token)-1])
	forged = append(forged, token[:len(token)-1]+string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last^1]))
	for _, f := range forged {
		if status, body, _ := download(t, http.MethodGet, base+"/files/"+f, nil); status != http.StatusNotFound || string(body) != "There is no such file.\n" {
			t.Errorf("%.100s: %d, %q", f, status, body)
		}
	}
	if status, _, _ := download(t, http.MethodGet, base+link.Path, nil); status != http.StatusOK {
		t.Errorf("the one that is ours: %d", status)
	}
}

// TestKeys_are_replaced: a new key signs after a week, the old one is good for
// what it signed, and goes then.
func TestKeys_are_replaced(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	base := w.serve(t)
	keys := func(want int) {
		t.Helper()
		check(t, w.ForgetKeys(t.Context()))
		if n := w.count(t, `SELECT count(*) FROM file_key`); n != want {
			t.Errorf("%d keys, want %d", n, want)
		}
	}
	id := w.add(t, files.Source{URL: "data:,x"})
	first := w.link(t, id)
	w.link(t, id)
	keys(1)
	w.later(t, "7 days 1 second")
	keys(1)
	second := w.link(t, id)
	keys(2)
	for _, link := range []files.Link{first, second} { // what the token says is not what later changed
		if status, _, _ := download(t, http.MethodGet, base+link.Path, nil); status != http.StatusOK {
			t.Errorf("%d", status)
		}
	}
	w.later(t, "1 day")
	keys(1)
	if status, _, _ := download(t, http.MethodGet, base+first.Path, nil); status != http.StatusNotFound {
		t.Errorf("of a key that is gone: %d", status)
	}
}

func TestLink_of_what_is_not_ready(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	for _, id := range []files.ID{w.add(t, files.Source{URL: "https://example.com"}), w.add(t, files.Source{}), 12345} {
		if _, err := w.Link(t.Context(), id); !errors.Is(err, files.ErrNotFound) {
			t.Errorf("%v, want ErrNotFound", err)
		}
	}
}

// TestNames_survive_a_header: no name ends it, and browsers read what was meant.
func TestNames_survive_a_header(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	base := w.serve(t)
	for name, want := range map[string]string{
		"a.txt":                       "a.txt",
		"a\r\nX-Evil: 1\r\n\r\nb.txt": "a  X-Evil_ 1    b.txt",
		`a"; filename="b.txt`:         "a_; filename=_b.txt",
		`100% 'x'; y=z.txt`:           "100% 'x'; y=z.txt",
		"日本語 ü 👩\u200d👩\u200d👧.pdf": "日本語 ü 👩\u200d👩\u200d👧.pdf",
		"a@b=c&d+e.txt": "a@b=c&d+e.txt",
	} {
		id := w.add(t, files.Source{Name: name, URL: "data:,x"})
		_, _, header := download(t, http.MethodGet, base+w.link(t, id).Path, nil)
		_, params, err := mime.ParseMediaType(header.Get("Content-Disposition"))
		if header.Get("X-Evil") != "" || err != nil || params["filename"] != want {
			t.Errorf("%q: %q, %v", name, header.Get("Content-Disposition"), err)
		}
	}
}
