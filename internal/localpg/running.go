package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrNotRunning means that no process runs the folder's server.
var ErrNotRunning = errors.New("no PostgreSQL runs there")

// ErrNoData means that the folder holds no database.
var ErrNoData = errors.New("no database there")

// Running returns the connection URL of a database of the server that another
// process runs in dir, for the account that may reach its socket. It changes
// nothing. [ErrNotRunning] leaves the folder to [Start].
func Running(ctx context.Context, dir, db string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find database folder: %w", err)
	}
	h := &home{dir: dir}
	switch _, err := os.Stat(filepath.Join(h.dataDir(), "PG_VERSION")); {
	case errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("database folder %s: %w", dir, ErrNoData)
	case err != nil:
		return "", fmt.Errorf("database folder: %w", err)
	}
	if h.runningPID(ctx) == 0 {
		return "", fmt.Errorf("database folder %s: %w", dir, ErrNotRunning)
	}
	// A folder that nobody holds has a server left over; Start ends it.
	if lock, err := lockFile(filepath.Join(dir, "lock")); err == nil {
		unlockFile(lock)
		return "", fmt.Errorf("database folder %s: %w", dir, ErrNotRunning)
	}
	// The fifth line of postmaster.pid is the socket's folder:
	// https://www.postgresql.org/docs/current/storage-file-layout.html.
	text, err := os.ReadFile(filepath.Join(h.dataDir(), "postmaster.pid"))
	if err != nil {
		return "", fmt.Errorf("find the running server: %w", err)
	}
	lines := strings.Split(string(text), "\n")
	const socketLine = 4
	if len(lines) <= socketLine || lines[socketLine] == "" {
		return "", fmt.Errorf("database folder %s: the server is just starting: try again", dir)
	}
	s := &Server{socket: strings.TrimSpace(lines[socketLine])}
	return s.URL(db), nil
}
