//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package localpg

import (
	"path/filepath"
	"syscall"
	"testing"
)

// A program started at that moment holds copies of all descriptors until its
// exec.
func TestUnlockFile_frees_the_folder_whoever_else_has_the_descriptor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	first, err := lockFile(path)
	if err != nil {
		t.Fatal(err)
	}
	inherited, err := syscall.Dup(int(first.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(inherited) })
	unlockFile(first)
	second, err := lockFile(path)
	if err != nil {
		t.Fatalf("lock again: %v", err)
	}
	unlockFile(second)
}
