package localpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// maxSocketDir is the longest folder a socket fits into: sun_path holds 107
// bytes and a NUL on Linux (unix(7)), 103 on macOS and the BSDs, and the
// socket's name takes 17.
const maxSocketDir = 103 - len("/.s.PGSQL.5432.lock")

// A home is the folder of a server, locked by this process.
type home struct {
	dir  string
	as   *account // who the server runs as; nil: as ourselves
	lock *os.File
}

// openHome makes the folder usable for the server's account and locks it.
func openHome(dir string) (*home, error) {
	if dir == "" {
		return nil, errors.New("open database folder: no folder given")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open database folder: %w", err)
	}
	// What leads to the folder must let the server's account through.
	if err := os.MkdirAll(filepath.Dir(dir), 0o711); err != nil {
		return nil, fmt.Errorf("make database folder: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("make database folder: %w", err)
	}
	h := &home{dir: dir}
	if h.lock, err = lockFile(filepath.Join(dir, "lock")); err != nil {
		return nil, fmt.Errorf("database folder %s: %w", dir, err)
	}
	if h.as, err = serverAccount(h.dataDir()); err == nil && h.as != nil {
		err = h.as.take(dir)
	}
	if err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

func (h *home) close()          { unlockFile(h.lock) }
func (h *home) dataDir() string { return filepath.Join(h.dir, "data") }
func (h *home) logFile() string { return filepath.Join(h.dir, "postgres.log") }

// binaries returns the installed PostgreSQL that fits the data.
func (h *home) binaries(ctx context.Context) (binaries, error) {
	written, err := os.ReadFile(filepath.Join(h.dataDir(), "PG_VERSION"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return binaries{}, fmt.Errorf("read version of the data: %w", err)
	}
	b, err := choose(installed(ctx), strings.TrimSpace(string(written)))
	if err != nil {
		return binaries{}, fmt.Errorf("database folder %s: %w", h.dir, err)
	}
	return b, nil
}

// initCluster makes the cluster unless there is one. It appears all at once: an
// initdb that was cut short leaves nothing a later start would take for data.
func (h *home) initCluster(ctx context.Context, bin binaries, durable bool) error {
	_, err := os.Stat(filepath.Join(h.dataDir(), "PG_VERSION"))
	if err == nil {
		return nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("look for the cluster: %w", err)
	}
	fresh := h.dataDir() + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("clear unfinished cluster: %w", err)
	}
	args := []string{"-D", fresh, "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C"}
	if durable {
		args = append(args, "--data-checksums")
	} else {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, bin.path("initdb"), args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = h.dir, environment(), h.as.attributes(0)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make cluster in %s: %w: %s", h.dir, err, bytes.TrimSpace(out))
	}
	if err := os.Rename(fresh, h.dataDir()); err != nil {
		return fmt.Errorf("put the new cluster in place: %w", err)
	}
	return nil
}

// environment keeps what the caller's shell says about locales and PostgreSQL
// out of the server.
func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
}

// socketDir returns a folder for the socket that only the server's account (and
// root) can enter.
func (h *home) socketDir() (string, error) {
	dir := filepath.Join(h.dir, "run")
	var err error
	if len(dir) <= maxSocketDir {
		err = os.MkdirAll(dir, 0o700)
	} else {
		dir, err = os.MkdirTemp("", "liaison-pg-")
	}
	if err != nil {
		return "", fmt.Errorf("make socket folder: %w", err)
	}
	if len(dir) > maxSocketDir {
		os.RemoveAll(dir)
		return "", fmt.Errorf("temporary folder %s is too deep for a socket: set TMPDIR to a shorter one", os.TempDir())
	}
	if h.as != nil {
		if err := os.Chown(dir, h.as.uid, h.as.gid); err != nil {
			return "", fmt.Errorf("give socket folder to %s: %w", h.as.name, err)
		}
	}
	return dir, nil
}

// endOrphan ends a server that outlived the process that started it. This
// process holds the folder's lock, so nobody else uses such a server.
func (h *home) endOrphan(ctx context.Context) error {
	pid := h.runningPID(ctx)
	if pid == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	if err := interrupt(pid); err != nil {
		return fmt.Errorf("end the server %d left over in %s: %w", pid, h.dir, err)
	}
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for h.runningPID(ctx) == pid {
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("end the server %d left over in %s: %w", pid, h.dir, ctx.Err())
		}
	}
	return nil
}

// runningPID returns the process that serves the data, or 0. A postmaster.pid
// whose process is gone, or is by now somebody else, is PostgreSQL's own to
// clear.
func (h *home) runningPID(ctx context.Context) int {
	text, err := os.ReadFile(filepath.Join(h.dataDir(), "postmaster.pid"))
	if err != nil {
		return 0
	}
	var pid int
	if _, err := fmt.Sscanf(string(text), "%d", &pid); err != nil || pid <= 1 {
		return 0
	}
	if !serves(ctx, pid, h.dataDir()) {
		return 0
	}
	return pid
}

// logTail returns the end of the server's log, for an error message.
func (h *home) logTail() string {
	const most = 1 << 10
	text, _ := os.ReadFile(h.logFile())
	if len(text) > most {
		text = text[len(text)-most:]
	}
	return strings.TrimSpace(string(text))
}

// Discard removes a folder made by [Start] with everything in it. It is an error
// while a process uses the folder.
func Discard(dir string) error {
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return fmt.Errorf("discard %s: %w", dir, err)
	}
	defer unlockFile(lock)
	return os.RemoveAll(dir)
}
