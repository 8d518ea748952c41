package localpg_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/liaison-skill/liaison/internal/localpg"
)

// holdDir makes the test binary another process that runs a server in the named
// folder until it is killed.
const holdDir = "LOCALPG_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdDir); dir != "" {
		hold(dir)
	}
	goleak.VerifyTestMain(m)
}

func hold(dir string) {
	_, err := localpg.Start(context.Background(), localpg.Config{Dir: dir, Durable: true})
	if err != nil {
		_, _ = fmt.Fprintln(os.Stdout, err)
		os.Exit(1)
	}
	_, _ = fmt.Fprintln(os.Stdout, "ready")
	select {}
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

func TestStart_after_its_process_was_killed(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	child := holdInChild(t, dir)
	orphan := postmaster(t, dir)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	s := start(t, localpg.Config{Dir: dir, Durable: true})
	if now := postmaster(t, dir); now == orphan {
		t.Errorf("still the orphan, process %d", now)
	}
	if got := scan[int](t, connect(t, s.URL("postgres")), "SELECT 1"); got != 1 {
		t.Errorf("SELECT 1 = %d", got)
	}
}

func TestStart_after_a_power_loss(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	child := holdInChild(t, dir)
	server := postmaster(t, dir)
	// Nothing gets to tidy up: postmaster.pid stays, and so does the socket.
	for _, pid := range []int{server, child.Process.Pid} {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	_ = child.Wait()
	start(t, localpg.Config{Dir: dir, Durable: true})
}

// holdInChild starts a server from another process.
func holdInChild(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), holdDir+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	line, _ := bufio.NewReader(out).ReadString('\n')
	if line != "ready\n" {
		t.Fatalf("server in another process: %s", line)
	}
	return child
}

func postmaster(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// TestServer_ends_with_its_process holds on Linux, where the kernel tells it.
func TestServer_ends_with_its_process(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	child := holdInChild(t, dir)
	server := postmaster(t, dir)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	deadline := time.After(20 * time.Second)
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for syscall.Kill(server, 0) == nil && !zombie(server) {
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("server %d outlived its process", server)
		}
	}
}

// zombie reports whether the process has ended and only its parent, which in a
// container may be nobody who cares, has not asked for its status.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}
