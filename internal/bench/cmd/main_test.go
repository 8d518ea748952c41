package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestSave_keeps_what_is_written_by_hand(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "benchmarks.md")
	report := func(text string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
	}
	for _, step := range []struct{ report, byHand, want string }{
		{"first\n", "", "first\n"},
		{"second\n", byHand + "\nquick\n", "second\n" + byHand + "\nquick\n"},
		{"third\n", "", "third\n" + byHand + "\nquick\n"},
	} {
		if step.byHand != "" {
			if err := os.WriteFile(path, []byte("x\n"+step.byHand), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := save(path, report(step.report)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); string(got) != step.want {
			t.Errorf("got %q, %v, want %q", got, err, step.want)
		}
	}
}
