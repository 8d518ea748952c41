package words_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/words"
)

var update = flag.Bool("update", false, "write the golden files of testdata anew")

// golden holds what become makes of every file in a folder of testdata against
// the file beside it whose name ends in ".want".
func golden(t *testing.T, folder, pattern string, become func(file, text string) string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".want") {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			got := become(file, read(t, file)) + "\n"
			if *update {
				if err := os.WriteFile(file+".want", []byte(got), 0o644); err != nil { //nolint:gosec // a test's data is for everybody
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(read(t, file+".want"), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
		})
	}
}

func read(tb testing.TB, file string) string {
	tb.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

// TestFromTeams: an agent reads what the user formatted. A .txt beside the .html
// is the message's text.
func TestFromTeams(t *testing.T) {
	t.Parallel()
	golden(t, "fromteams", "*.html", func(file, html string) string {
		text, _ := os.ReadFile(strings.TrimSuffix(file, ".html") + ".txt")
		return words.FromTeams(string(text), html, "Liaison")
	})
}

// TestToTeams: a user reads what the agent formatted, and nothing is obeyed but
// the formatting.
func TestToTeams(t *testing.T) {
	t.Parallel()
	formats := map[string]words.Format{".html": words.HTML, ".md": words.Markdown, ".bb": words.BBCode, ".txt": words.Plain}
	golden(t, "toteams", "*", func(file, text string) string {
		return words.ToTeams(text, formats[filepath.Ext(file)])
	})
}

func TestLiteral(t *testing.T) {
	t.Parallel()
	golden(t, "literal", "*", func(_, text string) string { return words.Literal(text) })
}

func TestInert(t *testing.T) {
	t.Parallel()
	golden(t, "inert", "*", func(_, text string) string { return words.Inert(text) })
}
