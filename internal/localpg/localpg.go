package localpg

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// superuser owns the cluster and is who clients connect as.
const superuser = "postgres"

// How long each step may take. Crash recovery after a power loss is the longest.
const (
	startTimeout = 2 * time.Minute
	stopTimeout  = 30 * time.Second
	quitTimeout  = 5 * time.Second
	pollInterval = 5 * time.Millisecond
)

// A Config says where a server lives and how careful it is.
type Config struct {
	Dir     string // made if missing; everything of the server is in it
	Durable bool   // survive power loss; without it a crash loses the data, and tests are fast
}

// A Server is a running PostgreSQL. End it with [Server.Stop].
type Server struct {
	version string
	socket  string // the folder of the socket
	home    *home
	proc    *process
}

// Start starts the server of cfg.Dir, making its cluster first if there is none.
// ctx bounds the start, not the server's life. A folder another process uses, or
// one made by another major version than is installed, is an error and stays
// untouched; so is a machine without PostgreSQL ([ErrNotInstalled]).
func Start(ctx context.Context, cfg Config) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	h, err := openHome(cfg.Dir)
	if err != nil {
		return nil, err
	}
	s, err := start(ctx, h, cfg.Durable)
	if err != nil {
		h.close()
		return nil, err
	}
	return s, nil
}

func start(ctx context.Context, h *home, durable bool) (*Server, error) {
	bin, err := h.binaries(ctx)
	if err != nil {
		return nil, err
	}
	if err := h.initCluster(ctx, bin, durable); err != nil {
		return nil, err
	}
	if err := h.endOrphan(ctx); err != nil {
		return nil, err
	}
	socket, err := h.socketDir()
	if err != nil {
		return nil, err
	}
	proc, err := h.launch(ctx, bin, socket, durable)
	if err != nil {
		return nil, err
	}
	s := &Server{version: bin.version, socket: socket, home: h, proc: proc}
	if err := s.awaitReady(ctx); err != nil {
		s.proc.stop()
		return nil, err
	}
	return s, nil
}

// Version returns the server's version, as in "15.18".
func (s *Server) Version() string { return s.version }

// URL returns the connection URL of the named database.
func (s *Server) URL(db string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.User(superuser),
		Path:     "/" + db,
		RawQuery: url.Values{"host": {s.socket}, "sslmode": {"disable"}}.Encode(),
	}
	return u.String()
}

const databaseExistsSQL = `
SELECT EXISTS (SELECT FROM pg_database WHERE datname = @name)`

// CreateDatabase makes the named database unless there is one.
func (s *Server) CreateDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, s.URL(superuser))
	if err != nil {
		return fmt.Errorf("connect to create database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, _ := conn.Query(ctx, databaseExistsSQL, pgx.NamedArgs{"name": name})
	exists, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[bool])
	if err != nil {
		return fmt.Errorf("look for database %s: %w", name, err)
	}
	if exists {
		return nil
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	if raced(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

// raced reports whether somebody else made the database first. Which of the two
// codes comes depends on how close the race was.
func raced(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pgErr.Code == "42P04" || pgErr.Code == "23505")
}

// Exited returns a channel that closes when the server's process has ended, for
// whatever reason.
func (s *Server) Exited() <-chan struct{} { return s.proc.exited }

// Stop ends the server: at first politely, after half a minute by force, which
// costs a durable server only time at its next start. It is safe to call twice.
func (s *Server) Stop() {
	s.proc.stop()
	if filepath.Dir(s.socket) != s.home.dir {
		os.RemoveAll(s.socket)
	}
	s.home.close()
}

// awaitReady returns once the server answers.
func (s *Server) awaitReady(ctx context.Context) error {
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.URL(superuser))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-poll.C:
		case <-s.proc.exited:
			return fmt.Errorf("start PostgreSQL: it ended at once; the end of %s: %s", s.home.logFile(), s.home.logTail())
		case <-ctx.Done():
			return fmt.Errorf("start PostgreSQL: not ready: %w; see %s", ctx.Err(), s.home.logFile())
		}
	}
}
