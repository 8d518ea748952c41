//go:build unix

package localpg_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/localpg"
	"github.com/liaison-skill/liaison/internal/steady"
)

// holdDir makes the test binary another process that runs a server in the named
// folder until it is killed.
const holdDir = "LOCALPG_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdDir); dir != "" {
		hold(dir)
	}
	os.Exit(steady.Main(m))
}

// tempDir returns a folder that whoever runs the server may enter, which
// t.TempDir is not.
func tempDir(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("starts PostgreSQL; left out by -short")
	}
	dir, err := os.MkdirTemp("", "localpg-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return filepath.Join(dir, "pg")
}

func start(t *testing.T, cfg localpg.Config) *localpg.Server {
	t.Helper()
	s, err := localpg.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func scan[T any](t *testing.T, conn *pgx.Conn, sql string) T {
	t.Helper()
	rows, _ := conn.Query(t.Context(), sql)
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func TestServer(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	s := start(t, localpg.Config{Dir: dir, Durable: true})
	for range 2 { // the second time it is there already
		if err := s.CreateDatabase(t.Context(), "liaison"); err != nil {
			t.Fatal(err)
		}
	}
	conn := connect(t, s.URL("liaison"))
	for setting, want := range map[string]string{
		"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "data_checksums": "on",
		"listen_addresses": "", "server_encoding": "UTF8", "TimeZone": "UTC",
	} {
		if got := scan[string](t, conn, "SHOW "+setting); got != want {
			t.Errorf("%s = %q, want %q", setting, got, want)
		}
	}
	if got := scan[string](t, conn, "SHOW server_version"); !strings.HasPrefix(got, s.Version()) {
		t.Errorf("Version() = %q, server says %q", s.Version(), got)
	}
	info, err := os.Stat(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("socket folder is %v, want only its owner to enter", info.Mode())
	}
}

func TestServer_data_survive_a_stop(t *testing.T) {
	t.Parallel()
	cfg := localpg.Config{Dir: tempDir(t), Durable: true}
	s := start(t, cfg)
	if _, err := connect(t, s.URL("postgres")).Exec(t.Context(), "CREATE TABLE kept AS SELECT 42 AS n"); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	select {
	case <-s.Exited():
	default:
		t.Error("Stop returned while the server runs")
	}
	s = start(t, cfg)
	if got := scan[int](t, connect(t, s.URL("postgres")), "SELECT n FROM kept"); got != 42 {
		t.Errorf("n = %d, want 42", got)
	}
}

func TestServer_log_holds_no_words_of_people(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	conn := connect(t, start(t, localpg.Config{Dir: dir}).URL("postgres"))
	if _, err := conn.Exec(t.Context(), "CREATE TABLE said (words text CHECK (words <> 'my secret'))"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "INSERT INTO said VALUES ('my secret')"); err == nil {
		t.Fatal("the insert was accepted")
	}
	log, err := os.ReadFile(filepath.Join(dir, "postgres.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), "violates check constraint") {
		t.Errorf("the log does not mention the violation:\n%s", log)
	}
	if strings.Contains(string(log), "my secret") {
		t.Errorf("the log repeats the row:\n%s", log)
	}
}
