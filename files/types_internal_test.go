package files

import (
	"encoding/binary"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// windows returns the beginning of a program of Windows, whose header PE is there.
func windows(at int) string {
	head := make([]byte, at+4)
	copy(head, "MZ\x90")
	binary.LittleEndian.PutUint32(head[0x3c:], uint32(at))
	copy(head[at:], "PE\x00\x00")
	return string(head)
}

func TestPrograms_and_scripts(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, head string
		want       bool
	}{
		{"a.pdf", "%PDF-1.7", false},
		{"a", "", false},
		{"a.txt", "MZ is how this begins. " + strings.Repeat("words ", 20), false},
		{"a.txt", "MZ", false},
		{"a.txt", "#! is no script", false},
		{"a.html", "<script>", false},
		{"a.zip", "PK\x03\x04", false},
		{"a.exe.txt", "hello", false},

		{"a.exe", "", true},
		{"a.EXE", "hello", true},
		{"a.pdf.js", "", true},
		{"a.ps1", "", true},
		{"a.lnk", "", true},
		{"a.png", windows(0x80), true},
		{"a.png", windows(0x40), true},
		{"a.png", "\x7fELF\x02", true},
		{"a.txt", "#!/bin/sh\n", true},
		{"a.txt", "#! /bin/sh\n", true},
		{"a.bin", "\xcf\xfa\xed\xfe", true},
		{"a", "\xca\xfe\xba\xbe", true},
		{"a", "\x00asm\x01", true},
		{"a.doc", "L\x00\x00\x00\x01\x14\x02\x00", true},
	} {
		if got := runs(row.name, []byte(row.head)); got != row.want {
			t.Errorf("%q, %.20q: runs %t, want %t", row.name, row.head, got, row.want)
		}
	}
}

func TestRunning_endings_are_in_order(t *testing.T) {
	t.Parallel()
	decision, err := os.ReadFile("../docs/decisions/013-files.md")
	if err != nil {
		t.Fatal(err)
	}
	for ending := range strings.FieldsSeq(running) {
		if !strings.Contains(string(decision), "`"+ending+"`") {
			t.Errorf("the decision does not name %s", ending)
		}
		if path.Ext("a"+ending) != ending || strings.ToLower(ending) != ending {
			t.Errorf("%q is no ending", ending)
		}
	}
	if len(slices.Compact(slices.Sorted(slices.Values(strings.Fields(running))))) != len(strings.Fields(running)) {
		t.Error("an ending is there twice")
	}
}

// TestTypes_found: what a browser might run, and what contradicts the content, is
// never said.
func TestTypes_found(t *testing.T) {
	t.Parallel()
	const zip, old, png = "PK\x03\x04", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "\x89PNG\r\n\x1a\n"
	for _, row := range []struct{ name, head, want string }{
		{"a.png", png, "image/png"},
		{"a.pdf", png, "image/png"},
		{"a.png", "hello", "text/plain; charset=utf-8"},
		{"a.png", "<html><script>", "application/octet-stream"},
		{"a.svg", `<?xml version="1.0"?><svg/>`, "application/octet-stream"},
		{"a.pdf", "%PDF-1.7", "application/pdf"},
		{"a.ps", "%!PS-Adobe-", "application/octet-stream"},
		{"a.docx", zip, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"a.XLSX", zip, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
		{"a.docx", "hello", "text/plain; charset=utf-8"},
		{"a.zip", zip, "application/zip"},
		{"a.doc", old, "application/msword"},
		{"a.csv", "a,b\n", "text/csv; charset=utf-8"},
		{"a.mp3", "ID3\x03", "audio/mpeg"},
		{"a.woff", "wOFF", "application/octet-stream"},
		{"a", "\x00\x01\x02", "application/octet-stream"},
		{"a", "", "text/plain; charset=utf-8"},
	} {
		if got := sniff(row.name, []byte(row.head)); got != row.want {
			t.Errorf("%s, %.10q: %s, want %s", row.name, row.head, got, row.want)
		}
	}
}

func TestTypes_configured(t *testing.T) {
	t.Parallel()
	const png = "\x89PNG\r\n\x1a\n"
	for _, row := range []struct {
		types, name, head string
		want              bool
	}{
		{"", "a.xyz", "\x00\x01", true},
		{"", "a.exe", "hello", false},
		{"*/*", "a.txt", "hello", false},
		{".pdf, image/*,", "a.PDF", "%PDF-", true},
		{".pdf, image/*,", "a.dat", png, true},
		{".pdf, image/*,", "a.png", "hello", false},
		{".pdf, image/*,", "a.txt", "hello", false},
		{"text/plain", "a.png", "hello", true},
		{"text/plain", "a.png", png, false},
		{".exe,application/octet-stream", "a.exe", "\x00\x01", false},
		{"application/octet-stream", "a.png", "\x7fELF", false},
	} {
		var types Types
		if err := types.UnmarshalText([]byte(row.types)); err != nil {
			if row.types != "*/*" {
				t.Errorf("%q: %v", row.types, err)
			}
			continue
		}
		if got := types.take(row.name, []byte(row.head)); got != row.want {
			t.Errorf("%q: %s, %.5q is taken: %t", row.types, row.name, row.head, got)
		}
	}
	for _, wrong := range []string{"pdf", ".", "/", "image/", "/png", "*/*", "*", "image/png; x=y", ".a/b", "a b/c"} {
		if err := new(Types).UnmarshalText([]byte(wrong)); err == nil || !strings.Contains(err.Error(), `"`+wrong+`"`) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}
