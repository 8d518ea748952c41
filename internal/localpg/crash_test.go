//go:build unix

package localpg_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/localpg"
)

func hold(dir string) {
	_, err := localpg.Start(context.Background(), localpg.Config{Dir: dir, Durable: true})
	if err != nil {
		_, _ = fmt.Fprintln(os.Stdout, err)
		os.Exit(1)
	}
	_, _ = fmt.Fprintln(os.Stdout, "ready")
	select {}
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
