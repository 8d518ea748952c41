package localpg

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInstall_leaves_an_installed_server_alone(t *testing.T) {
	t.Parallel()
	if _, err := Installed(t.Context()); err != nil {
		t.Skip("PostgreSQL is not installed here, and a test must not install it")
	}
	var out bytes.Buffer
	if err := Install(t.Context(), &out); err != nil || out.Len() > 0 {
		t.Errorf("Install: %v, %s", err, &out)
	}
}

func TestKeepClusterAway(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "postgresql-common", "createcluster.conf")
	if err := keepClusterAway(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "create_main_cluster = false") {
		t.Errorf("%s, %v", text, err)
	}
	if err := os.WriteFile(path, []byte("the machine's own"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := keepClusterAway(path); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); string(text) != "the machine's own" {
		t.Errorf("the machine's configuration was replaced by %s", text)
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	all := []binaries{{"/17", "17.2"}, {"/15", "15.18"}}
	for major, want := range map[string]string{"": "/17", "17": "/17", "15": "/15"} {
		if got, err := choose(all, major); err != nil || got.dir != want {
			t.Errorf("for data of %q: %q, %v, want %q", major, got.dir, err, want)
		}
	}
	if _, err := choose(all, "16"); err == nil || !strings.Contains(err.Error(), "PostgreSQL 16, installed is 17.2") {
		t.Errorf("for data of 16: %v", err)
	}
	if _, err := choose(nil, "16"); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("without any: %v", err)
	}
}
