package e2e

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/sandbox"
)

// poolSize is how many sessions the pooler has with a database: the service has
// more connections than that.
const poolSize = 4

// TestPooler_a_conversation_through_PgBouncer plays a whole conversation over
// sessions that change with every transaction, on a pooler that knows no prepared
// statements.
func TestPooler_a_conversation_through_PgBouncer(t *testing.T) {
	t.Parallel()
	w := build(t, sandbox.Config{})
	w.environ = append(w.environ, "DATABASE_URL="+pooler(t, w.db))
	p := &process{tb: t, w: w, bin: program(t, "liaison")}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("the service logged:\n%s", w.log)
		}
	})
	p.start()
	play(t, w, true)
	for line := range strings.Lines(w.log.String()) {
		if strings.Contains(line, "SQLSTATE") || strings.Contains(line, "prepared statement") {
			t.Errorf("the database refused: %s", line)
		}
	}
}

// TestPooler_migrations_leave_no_lock applies the schema over a pooler, with
// several migrators at once and one after another, and then directly.
func TestPooler_migrations_leave_no_lock(t *testing.T) {
	t.Parallel()
	empty := pgtest.DB(t)
	pooled := pooler(t, empty)
	migrate := func(databaseURL string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, program(t, "liaison"), "migrate")
		cmd.Env = append(os.Environ(), "DATABASE_URL="+databaseURL, "LIAISON_ALLOWED_CALLERS=*")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	const together = 3
	done := make(chan error, together)
	for range together {
		go func() { done <- migrate(pooled) }()
	}
	for range together {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if err := migrate(pgtest.URL(empty)); err != nil {
		t.Errorf("directly, after the pooler: %v", err)
	}
	eventually(t, "no lock is left", func() bool { // a session that ends takes its own along, a moment later
		var locks int
		err := empty.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks JOIN pg_database AS d ON d.oid = database WHERE locktype = 'advisory' AND datname = current_database()`).Scan(&locks)
		return err == nil && locks == 0
	})
}

const poolerConfig = `[databases]
* = host=%s port=%d user=%s%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = %d
max_client_conn = 200
`

// pooler runs PgBouncer with transaction pooling before a test's database, and
// returns what the service's DATABASE_URL is there.
func pooler(t *testing.T, db *pgxpool.Pool) string {
	t.Helper()
	bin, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Skip("needs PgBouncer: apt-get install pgbouncer")
	}
	server := db.Config().ConnConfig
	ln := listen(t, "")
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	_ = ln.Close()
	dir, err := os.MkdirTemp("", "liaison-pooler-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	config := filepath.Join(dir, "pgbouncer.ini")
	password := ""
	if server.Password != "" {
		password = " password='" + server.Password + "'"
	}
	text := fmt.Sprintf(poolerConfig, server.Host, server.Port, server.User, password, port, poolSize)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &safeBuffer{}
	args := []string{config}
	if os.Getuid() == 0 { // as who it refuses to run
		args = append([]string{"-u", ownedByServer(t, server.Host, dir, config)}, args...)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), bin, args...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = log, log, time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the pooler logged:\n%s", log)
		}
	})
	at := net.JoinHostPort("127.0.0.1", port)
	eventually(t, "the pooler listens", func() bool {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at)
		return err == nil && conn.Close() == nil
	})
	u := url.URL{Scheme: "postgres", User: url.User(server.User), Host: at, Path: "/" + server.Database, RawQuery: "sslmode=disable&default_query_exec_mode=cache_describe"}
	return u.String()
}

// ownedByServer gives files to who may enter the server's socket folder,
// or to nobody when the server has none, and returns who that is.
func ownedByServer(t *testing.T, host string, files ...string) string {
	t.Helper()
	name := "nobody"
	if info, err := os.Stat(host); err == nil && filepath.IsAbs(host) {
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			owner, err := user.LookupId(fmt.Sprint(stat.Uid))
			if err != nil {
				t.Fatal(err)
			}
			name = owner.Username
		}
	}
	who, err := user.Lookup(name)
	if err != nil {
		t.Skipf("needs the user %s, to whom files could be given: %v", name, err)
	}
	var uid, gid int
	if _, err := fmt.Sscan(who.Uid+" "+who.Gid, &uid, &gid); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.Chown(f, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	return name
}
