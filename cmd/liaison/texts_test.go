package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTexts: what the command prints is a file it takes, and what the file says is
// printed.
func TestTexts(t *testing.T) {
	t.Parallel()
	c, out := terminal()
	if err := (textsCmd{Language: []string{"de", "ja"}}).Run(c); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), `"en": {`) {
		t.Error("printed a language nobody asked for")
	}
	const before, after = `"deleted": "(gelöscht)"`, `"deleted": "(entfernt)"`
	edited := strings.Replace(out.String(), before, after, 1)
	out.Reset()
	file := filepath.Join(t.TempDir(), "texts.json")
	if err := os.WriteFile(file, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (textsCmd{File: file}).Run(c); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{after, `"en": {`, `"deleted": "(deleted)"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("printed no %s", want)
		}
	}
	if err := (textsCmd{Language: []string{"fi"}}).Run(c); err == nil {
		t.Error("printed a language there is not")
	}
}
