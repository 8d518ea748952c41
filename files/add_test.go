package files_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/files"
)

// TestData_comes_with_its_URL: it is here at once, in the transaction that accepts
// the message.
func TestData_comes_with_its_URL(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	long := noise(partSize + 5)
	longURL := "data:application/octet-stream;base64," + base64.StdEncoding.EncodeToString(long)
	for url, want := range map[string][]byte{
		"data:,hello%20you": []byte("hello you"),
		"data:,":            {},
		"DATA:text/plain;charset=utf-8,%E2%82%AC": []byte("€"),
		"data:text/plain;base64,aGVsbG8=":         []byte("hello"),
		"data:text/plain;BASE64,aGVsbG8":          []byte("hello"),
		"data:;base64,aGVs\r\nbG8=":               []byte("hello"),
		longURL:                                   long,
	} {
		id := w.add(t, files.Source{URL: url})
		f := w.get(t, id)
		if f.State != files.Ready || f.Size != int64(len(want)) || w.sum(t, id) != sha256.Sum256(want) {
			t.Errorf("%.40q: is %+v", url, f)
		}
		check(t, w.Fetch(t.Context(), id))
	}
}

// TestSources_that_are_no_files are on record as failed before anything is
// fetched.
func TestSources_that_are_no_files(t *testing.T) {
	t.Parallel()
	w := build(t, func(o *files.Options) { o.Max = 10; check(t, o.Types.UnmarshalText([]byte("text/*"))) })
	for _, row := range []struct {
		src  files.Source
		want files.Failure
	}{
		{files.Source{}, files.Missing},
		{files.Source{URL: " \n"}, files.Missing},
		{files.Source{URL: "https://example.com", Size: 11}, files.TooBig},
		{files.Source{URL: "https://example.com", Name: "a.pdf.exe"}, files.WrongType},
		{files.Source{URL: "data:"}, files.Unreadable},
		{files.Source{URL: "data:,%zz"}, files.Unreadable},
		{files.Source{URL: "data:;base64,a*b"}, files.Unreadable},
		{files.Source{URL: "data:,12345678901"}, files.TooBig},
		{files.Source{URL: "data:,%7fELF"}, files.WrongType},
		{files.Source{URL: "data:,%89PNG%0d%0a%1a%0a"}, files.WrongType},
	} {
		id := w.add(t, row.src)
		if f := w.get(t, id); f.State != files.Failed || f.Failure != row.want {
			t.Errorf("%+v: is %s, %q; want %q", row.src, f.State, f.Failure, row.want)
		}
		w.failed(t, id, w.Fetch(t.Context(), id), row.want)
	}
}

func TestMessage_brings_ten_files_at_most(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	sources := make([]files.Source, 12)
	for i := range sources {
		sources[i] = files.Source{URL: "data:,x", Direction: files.ToUser}
	}
	ids, err := w.Add(t.Context(), w.db, sources...)
	if err != nil || len(ids) != 10 || w.count(t, `SELECT count(*) FROM file`) != 10 {
		t.Errorf("%d files, %v; want 10", len(ids), err)
	}
	if ids, err := w.Add(t.Context(), w.db); err != nil || len(ids) != 0 {
		t.Errorf("of nothing: %v, %v", ids, err)
	}
}

// TestClaims_are_kept_if_they_are_harmless, and never break the transaction that
// accepts the message.
func TestClaims_are_kept_if_they_are_harmless(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	f := w.get(t, w.add(t, files.Source{URL: "https://example.com", Name: "a\x00b\xff.txt", Type: "Image/PNG; x=y", Size: 7}))
	if f.Name != "ab_.txt" || f.ClaimedType != "image/png" || f.Size != 7 || f.State != files.Pending {
		t.Errorf("is %+v", f)
	}
	for _, claimed := range []string{"", "png", "a/b\x00", "image/png\r\nX-Header: x", strings.Repeat("x", 200) + "/y"} {
		if f := w.get(t, w.add(t, files.Source{URL: "https://example.com", Type: claimed, Size: -5})); f.ClaimedType != "" || f.Size != -1 {
			t.Errorf("%q: is %+v", claimed, f)
		}
	}
}

func TestFile_without_an_ending_gets_that_of_its_type(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	for name, want := range map[string]string{"": "file.gif", "pic": "pic.gif", "pic.jpeg": "pic.jpeg"} {
		id := w.add(t, files.Source{Name: name, URL: "data:,GIF89a;"})
		if f := w.get(t, id); f.Name != want || f.Type != "image/gif" {
			t.Errorf("%q: is %q, %s; want %q", name, f.Name, f.Type, want)
		}
	}
}

// TestImages_that_Teams_shows come as they are; the others do not come at all.
func TestImages_that_Teams_shows(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	heavy := append(picture(t, "png", 10, 10), make([]byte, 1_000_000)...)
	for name, row := range map[string]struct {
		content []byte
		want    string
	}{
		"png":           {picture(t, "png", 1024, 1024), "image/png"},
		"jpeg":          {picture(t, "jpeg", 30, 20), "image/jpeg"},
		"gif":           {picture(t, "gif", 1, 1), "image/gif"},
		"too wide":      {picture(t, "png", 1025, 1), ""},
		"too high":      {picture(t, "jpeg", 1, 1025), ""},
		"too heavy":     {heavy, ""},
		"heavy enough":  {heavy[:1_000_000], "image/png"},
		"broken":        {picture(t, "png", 10, 10)[:20], ""},
		"another":       {[]byte("BM a bitmap"), ""},
		"no image":      {[]byte("hello"), ""},
		"nothing there": {nil, ""},
	} {
		id := w.add(t, files.Source{URL: "data:;base64," + base64.StdEncoding.EncodeToString(row.content)})
		content, kind, ok, err := w.Inline(t.Context(), id)
		if err != nil || ok != (row.want != "") || kind != row.want || ok && !bytes.Equal(content, row.content) {
			t.Errorf("%s: %d bytes, %q, %t, %v; want %q", name, len(content), kind, ok, err, row.want)
		}
	}
	if _, _, ok, err := w.Inline(t.Context(), w.add(t, files.Source{URL: "https://example.com"})); ok || err == nil {
		t.Errorf("pending: %t, %v", ok, err)
	}
}

// picture draws an image of that form and size.
func picture(tb testing.TB, form string, width, height int) []byte {
	tb.Helper()
	img := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.Black, color.White})
	var out bytes.Buffer
	var err error
	switch form {
	case "png":
		err = png.Encode(&out, img)
	case "jpeg":
		err = jpeg.Encode(&out, img, nil)
	case "gif":
		err = gif.Encode(&out, img, nil)
	}
	check(tb, err)
	return out.Bytes()
}
