package localpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// HowToInstall says, in words for the person at the terminal, what to run when
// there is no PostgreSQL.
const HowToInstall = `install the PostgreSQL server, or set DATABASE_URL to one that runs elsewhere:
  Debian, Ubuntu:  sudo apt-get install postgresql
  Fedora:          sudo dnf install postgresql-server
  macOS:           brew install postgresql@17`

// Debian's package would make and start a server of the system's own. This file
// tells it not to, see pg_createcluster(1).
const (
	clusterConfig   = "/etc/postgresql-common/createcluster.conf"
	noSystemCluster = "# The programs are wanted, a server of the system's own is not.\ncreate_main_cluster = false\n"
)

// Install installs PostgreSQL unless it is there. It can do so as root on Debian
// and its kin, and writes what it does to out; otherwise the error says what to
// run. No server is started.
func Install(ctx context.Context, out io.Writer) error {
	if _, err := Installed(ctx); err == nil {
		return nil
	}
	aptGet, err := exec.LookPath("apt-get")
	if err != nil || os.Geteuid() != 0 {
		return fmt.Errorf("%w: %s", ErrNotInstalled, HowToInstall)
	}
	_, _ = fmt.Fprintln(out, "PostgreSQL is not installed; installing the package postgresql with apt-get, without starting a server")
	if err := keepClusterAway(clusterConfig); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"update", "-qq"},
		{"install", "-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", "postgresql"},
	} {
		cmd := exec.CommandContext(ctx, aptGet, args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("apt-get %s: %w; %s", args[0], err, HowToInstall)
		}
	}
	version, err := Installed(ctx)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out, "PostgreSQL", version, "is installed")
	return nil
}

// keepClusterAway writes the configuration unless the machine has its own.
func keepClusterAway(path string) error {
	f, err := create(path)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("configure postgresql-common: %w", err)
	}
	_, err = f.WriteString(noSystemCluster)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("configure postgresql-common: %w", err)
	}
	return nil
}

// create makes a new file, and the folder it is in.
func create(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
}
