package localpg

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// maxLog is the size at which a start begins the server's log anew, in bytes.
const maxLog = 4 << 20

// A process is a running postmaster.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended
}

// settings are the server's options that matter here. Statements and rows stay
// out of its log: they hold people's words.
func settings(socket string, durable bool) []string {
	options := []string{
		"listen_addresses=", "unix_socket_directories=" + socket, "unix_socket_permissions=0700",
		"max_connections=200", "timezone=UTC", "log_timezone=UTC", "jit=off",
		"log_min_error_statement=panic", "log_error_verbosity=terse", "log_checkpoints=off",
	}
	if durable {
		return options
	}
	return append(options, "fsync=off", "synchronous_commit=off", "full_page_writes=off",
		"wal_level=minimal", "max_wal_senders=0", "shared_buffers=64MB", "autovacuum=off", "checkpoint_timeout=1h")
}

// launch starts the postmaster. It lives until it is stopped, not until ctx
// ends.
func (h *home) launch(ctx context.Context, bin binaries, socket string, durable bool) (*process, error) {
	log, err := h.openLog()
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args := []string{"-D", h.dataDir()}
	for _, option := range settings(socket, durable) {
		args = append(args, "-c", option)
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), bin.path("postgres"), args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = h.dir, environment(), log, log
	cmd.SysProcAttr = h.as.attributes(onParentDeath(durable))

	p := &process{cmd: cmd, exited: make(chan struct{})}
	started := make(chan error, 1)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return p, nil
}

// run starts the command and waits for its end, all on one thread: Linux sends
// the parent-death signal when the thread that forked ends (prctl(2),
// PR_SET_PDEATHSIG), and the runtime ends threads as it likes.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer close(p.exited)
	err := p.cmd.Start()
	started <- err
	if err == nil {
		_ = p.cmd.Wait() // its log says why it ended
	}
}

// stop ends the postmaster and waits for it, with more force the longer it
// takes.
func (p *process) stop() {
	steps := []struct {
		signal os.Signal
		wait   time.Duration
	}{{fastShutdown, stopTimeout}, {immediateShutdown, quitTimeout}}
	for _, step := range steps {
		_ = p.cmd.Process.Signal(step.signal) // has ended already if this fails
		select {
		case <-p.exited:
			return
		case <-time.After(step.wait):
		}
	}
	_ = p.cmd.Process.Kill()
	<-p.exited
}

func (h *home) openLog() (*os.File, error) {
	flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if info, err := os.Stat(h.logFile()); err == nil && info.Size() > maxLog {
		flags |= os.O_TRUNC
	}
	log, err := os.OpenFile(h.logFile(), flags, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the server's log: %w", err)
	}
	return log, nil
}
