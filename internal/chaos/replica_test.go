package chaos

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A replica is the real program as a process, started again and again under one
// name and on one address.
type replica struct {
	name    string
	addr    string
	bin     string
	environ []string
	net     *network
	probe   *http.Client
	logPath string
	took    atomic.Int64 // posts this life answered with 2xx

	mu     sync.Mutex
	life   int
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process has
	meant  bool          // its end is our doing
	frozen bool
	ready  bool
	odd    []string // ends that were not our doing
}

func newReplica(tb testing.TB, n *network, dir, name string, environ []string) *replica {
	tb.Helper()
	r := &replica{
		name: name, addr: freeAddress(tb), bin: program(tb), environ: environ,
		net: n, probe: client(tb, 2*time.Second), logPath: filepath.Join(dir, name+".log"),
	}
	tb.Cleanup(func() { r.end(syscall.SIGKILL) })
	return r
}

func (r *replica) url() string { return "http://" + r.addr }

// start begins a new life. Call await before counting on it.
func (r *replica) start(ctx context.Context) error {
	log, err := os.OpenFile(r.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.life++
	r.cmd = exec.CommandContext(context.WithoutCancel(ctx), r.bin, "serve")
	r.cmd.Env = append(append(os.Environ(), r.environ...), "LIAISON_LISTEN="+r.addr, "LIAISON_METRICS_LISTEN=127.0.0.1:0", "LIAISON_REPLICA="+r.name)
	r.cmd.Env = append(r.cmd.Env, r.net.environment(incarnation{r.name, r.life})...)
	r.cmd.Stdout, r.cmd.Stderr = log, log
	if err := r.cmd.Start(); err != nil {
		return err
	}
	r.took.Store(0)
	r.meant, r.frozen, r.ready = false, false, false
	r.ended = make(chan struct{})
	go r.watch(r.cmd, r.life, r.ended)
	return nil
}

// watch waits for the end of a life.
func (r *replica) watch(cmd *exec.Cmd, life int, ended chan struct{}) {
	err := cmd.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.meant {
		r.odd = append(r.odd, fmt.Sprintf("%s.%d ended by itself: %v", r.name, life, err))
	}
	r.ready = false
	close(ended)
}

// await waits until the replica can accept. It reports false when it ended or
// does not become ready in time.
func (r *replica) await(ctx context.Context, most time.Duration) bool {
	ready := within(ctx, most, func() bool {
		select {
		case <-r.ended:
			return true
		default:
			return r.answers(ctx)
		}
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.ended:
		return false
	default:
		r.ready = ready
		return ready
	}
}

func (r *replica) answers(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url()+"/readyz", http.NoBody)
	if err != nil {
		return false
	}
	resp, err := r.probe.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// now returns the present life.
func (r *replica) now() incarnation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return incarnation{r.name, r.life}
}

// serves reports whether a load balancer would send anything here.
func (r *replica) serves() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ready && !r.meant
}

// strike sends a signal that ends the given life, unless that is over.
func (r *replica) strike(i incarnation, sig syscall.Signal) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.life != i.life || r.meant || r.cmd == nil {
		return false
	}
	select {
	case <-r.ended:
		return false
	default:
	}
	r.meant = true
	return r.cmd.Process.Signal(sig) == nil
}

// freeze stops the process where it stands; thaw lets it go on.
func (r *replica) freeze() { r.signal(syscall.SIGSTOP, true) }
func (r *replica) thaw()   { r.signal(syscall.SIGCONT, false) }

func (r *replica) signal(sig syscall.Signal, frozen bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.ended:
	default:
		_ = r.cmd.Process.Signal(sig)
		r.frozen = frozen
	}
}

// end ends the present life, if there is one, and waits for it.
func (r *replica) end(sig syscall.Signal) {
	if r.now().life == 0 {
		return
	}
	r.strike(r.now(), sig)
	<-r.ended
}
