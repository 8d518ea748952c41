package pgtest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/modules/postgres"

	"github.com/liaison-skill/liaison/internal/localpg"
	"github.com/liaison-skill/liaison/internal/schema"
)

// A server is a PostgreSQL that tests get their databases from.
type server struct {
	base  url.URL // of any database
	admin *pgxpool.Pool
	stop  func() // ends what was started for it
}

// open finds or starts a server and says once, on standard error, which.
func open(ctx context.Context) (*server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	rawURL, kind, stop, err := provide(ctx, os.Getenv("TEST_PG"))
	if err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	s, version, err := connect(ctx, rawURL)
	if err != nil {
		stop()
		return nil, fmt.Errorf("pgtest: %s: %w", kind, err)
	}
	s.stop = stop
	fmt.Fprintf(os.Stderr, "pgtest: %s PostgreSQL %s\n", kind, version)
	return s, nil
}

// provide returns the URL of a server, its kind in words, and what ends it.
func provide(ctx context.Context, forced string) (rawURL, kind string, stop func(), err error) {
	given := os.Getenv("TEST_DATABASE_URL")
	switch {
	case forced == "url" && given == "":
		return "", "", nil, errors.New("TEST_PG=url needs TEST_DATABASE_URL")
	case forced == "url", forced == "" && given != "":
		return given, "given", func() {}, nil
	case forced == "docker":
		return startContainer(ctx)
	case forced == "local":
		return startLocal(ctx)
	case forced != "":
		return "", "", nil, fmt.Errorf("TEST_PG is %q, want docker, local or url", forced)
	}
	rawURL, kind, stop, err = startLocal(ctx)
	if !errors.Is(err, localpg.ErrNotInstalled) {
		return rawURL, kind, stop, err
	}
	rawURL, kind, stop, dockerErr := startContainer(ctx)
	if dockerErr != nil {
		return "", "", nil, fmt.Errorf("%w, and no container either (%w): %s", err, dockerErr,
			"set TEST_DATABASE_URL, start Docker, or "+localpg.HowToInstall)
	}
	return rawURL, kind, stop, nil
}

// prefix begins the name of every local server's folder.
const prefix = "liaison-pgtest-"

func startLocal(ctx context.Context) (rawURL, kind string, stop func(), err error) {
	discardStale()
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return "", "", nil, fmt.Errorf("make folder: %w", err)
	}
	pg, err := localpg.Start(ctx, localpg.Config{Dir: dir})
	if err != nil {
		os.RemoveAll(dir)
		return "", "", nil, err
	}
	return pg.URL("postgres"), "local", func() {
		pg.Stop()
		_ = localpg.Discard(dir)
	}, nil
}

// discardStale removes the folders of test processes that were killed: their
// servers died with them. Young folders may not be locked yet.
func discardStale() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > time.Minute {
			_ = localpg.Discard(dir)
		}
	}
}

func startContainer(ctx context.Context) (rawURL, kind string, stop func(), err error) {
	image := cmp.Or(os.Getenv("TEST_POSTGRES_IMAGE"), "postgres:17-alpine")
	c, err := postgres.Run(ctx, image, postgres.BasicWaitStrategies(), postgres.WithDatabase("postgres"),
		testcontainers.WithCmd("postgres", "-c", "fsync=off", "-c", "max_connections=200"))
	stop = func() { _ = testcontainers.TerminateContainer(c) }
	if err != nil {
		stop()
		return "", "", nil, fmt.Errorf("start container of %s: %w", image, err)
	}
	rawURL, err = c.ConnectionString(ctx, "sslmode=disable")
	if err != nil {
		stop()
		return "", "", nil, fmt.Errorf("ask for the container's address: %w", err)
	}
	return rawURL, "docker " + image, stop, nil
}

// adminConnections bounds how many databases are made at the same time.
const adminConnections = 4

func connect(ctx context.Context, rawURL string) (*server, string, error) {
	base, err := url.Parse(rawURL)
	if err != nil || !strings.HasPrefix(base.Scheme, "postgres") {
		return nil, "", errors.New("not a postgres:// URL") // which may hold a password
	}
	cfg, err := pgxpool.ParseConfig(rawURL)
	if err != nil {
		return nil, "", fmt.Errorf("read URL: %w", err)
	}
	cfg.MaxConns = adminConnections
	admin, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, "", fmt.Errorf("connect: %w", err)
	}
	rows, _ := admin.Query(ctx, "SHOW server_version")
	version, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
	if err != nil {
		admin.Close()
		return nil, "", fmt.Errorf("connect: %w", err)
	}
	return &server{base: *base, admin: admin}, version, nil
}

func (s *server) url(name string) string {
	u := s.base
	u.Path = "/" + name
	return u.String()
}

// create copies a database. FILE_COPY is several times as fast as the default
// for small ones.
func (s *server) create(ctx context.Context, name, from string) error {
	_, err := s.admin.Exec(ctx, "CREATE DATABASE "+quote(name)+" TEMPLATE "+quote(from)+" STRATEGY FILE_COPY")
	if err != nil {
		return fmt.Errorf("create test database: %w", err)
	}
	return nil
}

func (s *server) drop(ctx context.Context, name string) error {
	if _, err := s.admin.Exec(ctx, "DROP DATABASE "+quote(name)+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("drop test database: %w", err)
	}
	return nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func duplicate(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgErr.Code == "42P04"
}

// templateName names a list of sets by what is in them, so that processes that
// share a server share the template, and a changed file makes another.
func templateName(sets []schema.Set) (string, error) {
	sum := sha256.New()
	for _, set := range sets {
		names, err := fs.Glob(set.FS, "*.sql")
		if err != nil {
			return "", fmt.Errorf("list migrations: %w", err)
		}
		_, _ = fmt.Fprintf(sum, "set %q\n", set.Table)
		for _, name := range names {
			text, err := fs.ReadFile(set.FS, name)
			if err != nil {
				return "", fmt.Errorf("read migration: %w", err)
			}
			_, _ = fmt.Fprintf(sum, "file %q %q\n", name, text)
		}
	}
	return "template_" + hex.EncodeToString(sum.Sum(nil)[:16]), nil
}
