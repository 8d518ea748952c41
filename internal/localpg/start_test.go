//go:build unix

package localpg_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/internal/localpg"
)

func TestStart_one_process_at_a_time(t *testing.T) {
	t.Parallel()
	cfg := localpg.Config{Dir: tempDir(t)}
	s := start(t, cfg)
	_, err := localpg.Start(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "in use by process "+strconv.Itoa(os.Getpid())) {
		t.Errorf("second start: %v, want the process that uses it", err)
	}
	if err := localpg.Discard(cfg.Dir); err == nil {
		t.Error("Discard removed a folder in use")
	}
	if got := scan[int](t, connect(t, s.URL("postgres")), "SELECT 1"); got != 1 {
		t.Error("the first server does not answer any more")
	}
	s.Stop()
	if err := localpg.Discard(cfg.Dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(cfg.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("folder after Discard: %v", err)
	}
}

func TestStart_refuses_data_of_another_version(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"PG_VERSION": "9\n", "precious": "x"} {
		if err := os.WriteFile(filepath.Join(data, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	installed, err := localpg.Installed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = localpg.Start(t.Context(), localpg.Config{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "PostgreSQL 9,") || !strings.Contains(err.Error(), installed) {
		t.Errorf("start: %v, want both versions named", err)
	}
	if _, err := os.Stat(filepath.Join(data, "precious")); err != nil {
		t.Errorf("the data were touched: %v", err)
	}
}

func TestStart_after_an_unfinished_initdb(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	if err := os.MkdirAll(filepath.Join(dir, "data.new", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, localpg.Config{Dir: dir})
}

func TestStart_in_a_deep_folder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), strings.Repeat("deep", 20), strings.Repeat("deeper", 20))
	if os.Geteuid() == 0 {
		parent := filepath.Dir(dir)
		if err := os.MkdirAll(parent, 0o755); err != nil {
			t.Fatal(err)
		}
		allow(t, parent)
	}
	s := start(t, localpg.Config{Dir: dir})
	if got := scan[int](t, connect(t, s.URL("postgres")), "SELECT 1"); got != 1 {
		t.Errorf("SELECT 1 = %d", got)
	}
}

// allow opens the folders up to the temporary one, whatever the umask was.
func allow(t *testing.T, dir string) {
	t.Helper()
	for ; dir != filepath.Clean(os.TempDir()) && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStart_names_the_folder_it_cannot_enter(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root lends the server to another account")
	}
	closed := filepath.Dir(tempDir(t))
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := localpg.Start(t.Context(), localpg.Config{Dir: filepath.Join(closed, "pg")})
	if err == nil || !strings.Contains(err.Error(), "cannot enter "+closed) {
		t.Errorf("start: %v, want the folder %s named", err, closed)
	}
}

func TestStart_ends_with_its_context(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := localpg.Start(ctx, localpg.Config{Dir: dir}); err == nil {
		t.Error("started although its context had ended")
	}
	start(t, localpg.Config{Dir: dir}) // nothing was left in the way
}
