//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package localpg

import (
	"context"
	"errors"
	"os"
	"syscall"
)

// errSystem refuses systems where nobody has run this package.
var errSystem = errors.New("a private PostgreSQL is not supported on this system; set DATABASE_URL")

const (
	fastShutdown      = syscall.SIGINT
	immediateShutdown = syscall.SIGQUIT
)

type account struct {
	name     string
	uid, gid int
}

func lockFile(string) (*os.File, error)                         { return nil, errSystem }
func unlockFile(*os.File)                                       {}
func serverAccount(string) (*account, error)                    { return nil, errSystem }
func (*account) take(string) error                              { return errSystem }
func interrupt(int) error                                       { return errSystem }
func serves(context.Context, int, string) bool                  { return false }
func onParentDeath(bool) syscall.Signal                         { return 0 }
func (*account) attributes(syscall.Signal) *syscall.SysProcAttr { return nil }
