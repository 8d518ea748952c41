//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// How a postmaster shuts down: by SIGINT it ends its sessions and writes a
// checkpoint, by SIGQUIT it leaves that to the recovery of the next start.
// https://www.postgresql.org/docs/current/server-shutdown.html
const (
	fastShutdown      = syscall.SIGINT
	immediateShutdown = syscall.SIGQUIT
)

// onParentDeath returns the signal for a server whose process is gone.
func onParentDeath(durable bool) syscall.Signal {
	if durable {
		return fastShutdown
	}
	return immediateShutdown
}

func interrupt(pid int) error { return syscall.Kill(pid, fastShutdown) }

// lockFile opens and locks the file until it is closed, and writes our process
// id into it. The lock goes away with the process; the server does not inherit
// it.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock: %w", err)
		}
		holder, _ := os.ReadFile(path)
		return nil, fmt.Errorf("in use by process %s", strings.TrimSpace(string(holder)))
	}
	// Who holds it is for people to read; the lock itself does not depend on it.
	_ = f.Truncate(0)
	_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return f, nil
}

// unlockFile ends what lockFile began. Closing alone would leave the lock with a
// copy of the descriptor that a program being started holds until its exec.
func unlockFile(f *os.File) {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	_ = f.Close()
}

// An account is whom root lends the server to.
type account struct {
	name     string
	uid, gid int
}

// serverAccount returns who must run the server: the owner of the data, or for
// new data one of the accounts meant for it. It is nil when we are not root.
func serverAccount(dataDir string) (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil // nil is the answer: nobody else
	}
	if info, err := os.Stat(dataDir); err == nil {
		owner, ok := info.Sys().(*syscall.Stat_t)
		if ok && owner.Uid != 0 {
			return &account{name: fmt.Sprintf("user %d", owner.Uid), uid: int(owner.Uid), gid: int(owner.Gid)}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.Atoi(u.Uid)
		if err != nil {
			continue
		}
		gid, err := strconv.Atoi(u.Gid)
		if err != nil {
			continue
		}
		return &account{name: name, uid: uid, gid: gid}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no account postgres or nobody to run it as")
}

// take gives the folder to the account and checks that it can get there.
func (a *account) take(dir string) error {
	if err := os.Chown(dir, a.uid, a.gid); err != nil {
		return fmt.Errorf("give database folder to %s: %w", a.name, err)
	}
	for parent := filepath.Dir(dir); ; parent = filepath.Dir(parent) {
		info, err := os.Stat(parent)
		if err != nil {
			return fmt.Errorf("database folder: %w", err)
		}
		if !a.mayEnter(info) {
			return fmt.Errorf("%s, who runs PostgreSQL for root, cannot enter %s: allow it (chmod o+x) or choose another folder", a.name, parent)
		}
		if parent == filepath.Dir(parent) {
			return nil
		}
	}
}

// mayEnter applies the execute bit that counts for the account.
func (a *account) mayEnter(info os.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return true // no owner is known: let the system decide
	case int(owner.Uid) == a.uid:
		return info.Mode()&0o100 != 0
	case int(owner.Gid) == a.gid:
		return info.Mode()&0o010 != 0
	default:
		return info.Mode()&0o001 != 0
	}
}

// attributes returns how to start a program for the account. Its own process
// group keeps a terminal's Ctrl-C away: we end it when we are done with it.
func (a *account) attributes(onDeath syscall.Signal) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	setDeathSignal(attr, onDeath)
	if a != nil {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}

// serves reports whether pid is a PostgreSQL that serves dataDir, or one that
// died and still has its process id: a new server would take it for alive.
func serves(ctx context.Context, pid int, dataDir string) bool {
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return false
	}
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && strings.Contains(string(stat), "(postgres) Z") {
		return true
	}
	// A postmaster changes into its data directory and stays there.
	if cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err == nil {
		resolved, err := filepath.EvalSymlinks(dataDir)
		return err == nil && cwd == resolved
	}
	out, err := exec.CommandContext(ctx, "ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(out), "postgres") && strings.Contains(string(out), dataDir)
}
