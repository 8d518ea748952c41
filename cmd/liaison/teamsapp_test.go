package main

import (
	"path/filepath"
	"testing"
)

// TestTeamsApp: what one command makes, the other finds fine.
func TestTeamsApp(t *testing.T) {
	t.Setenv("LIAISON_PUBLIC_URL", "https://liaison.example.com")
	t.Setenv("LIAISON_SKILL_APP_ID", "bbbbbbbb-0000-4000-8000-000000000002")
	file := filepath.Join(t.TempDir(), "app.zip")
	c, out := terminal()
	if err := (buildAppCmd{Out: file}).Run(t.Context(), c); err != nil || out.Len() > 0 {
		t.Fatalf("building it printed %q, %v", out, err)
	}
	if err := (checkAppCmd{File: file}).Run(c); err != nil || out.String() != "the package is fine\n" {
		t.Errorf("checking it printed %q, %v", out, err)
	}
}

func TestTeamsAppNeedsABot(t *testing.T) {
	t.Setenv("LIAISON_SKILL_APP_ID", "")
	c, _ := terminal()
	if err := (buildAppCmd{Out: filepath.Join(t.TempDir(), "app.zip")}).Run(t.Context(), c); err == nil {
		t.Error("an app without a bot is built")
	}
}
