package contoso

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sethvargo/go-envconfig"

	"github.com/liaison-skill/liaison/internal/env"
)

func TestFileName(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"report.pdf":             "report.pdf",
		" Grüße 👋.txt ":          "Grüße 👋.txt",
		`C:\temp\a.txt`:          "a.txt",
		"../../etc/passwd":       "passwd",
		"a\r\nb\x00\u202e.exe":   "ab.exe",
		"a\xff.txt":              "a.txt",
		"":                       "",
		"\n":                     "",
		".":                      "",
		"..":                     "",
		"/":                      "",
		strings.Repeat("ü", 101): "",
	} {
		if got := fileName(given); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

func TestContentType(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"text/plain; charset=utf-8":        "text/plain",
		"Image/PNG":                        "image/png",
		"":                                 "application/octet-stream",
		"nonsense":                         "application/octet-stream",
		"text/plain\r\nSet-Cookie: x=y":    "application/octet-stream",
		"text/html; boundary=\"unfinished": "application/octet-stream",
	} {
		if got := contentType(given); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

func TestConfig_of_files_queues_and_hours(t *testing.T) {
	t.Parallel()
	load := func(settings map[string]string) (got Config) {
		t.Helper()
		if err := env.Process(t.Context(), envconfig.MapLookuper(settings), "", &got); err != nil {
			t.Fatal(err)
		}
		return Config{Open: got.Open, ClosedUntil: got.ClosedUntil, QueueNews: got.QueueNews, FileLimit: got.FileLimit, FileLinkLife: got.FileLinkLife}
	}
	defaults := Config{Open: "auto", QueueNews: 5 * time.Second, FileLimit: 20 << 20, FileLinkLife: time.Hour}
	if diff := cmp.Diff(defaults, load(nil)); diff != "" {
		t.Error(diff)
	}
	want := Config{Open: "always", ClosedUntil: time.Date(2026, 12, 24, 18, 0, 0, 0, time.UTC), FileLimit: 5, FileLinkLife: time.Minute}
	got := load(map[string]string{
		"CONTOSO_OPEN": "always", "CONTOSO_CLOSED_UNTIL": "2026-12-24T18:00:00Z", "CONTOSO_QUEUE_NEWS": "0",
		"CONTOSO_FILE_LIMIT": "5", "CONTOSO_FILE_LINK_LIFE": "1m",
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
