package e2e

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/sandbox"
)

// A process is the real program, serving a world.
type process struct {
	tb  testing.TB
	w   *world
	bin string
	cmd *exec.Cmd
}

// newProcessWorld makes a world whose service is the built program, which can be
// killed.
func newProcessWorld(tb testing.TB, cfg sandbox.Config, settings ...string) (*world, *process) {
	tb.Helper()
	w := build(tb, cfg, settings...)
	p := &process{tb: tb, w: w, bin: program(tb, "liaison")}
	tb.Cleanup(func() {
		p.kill()
		if tb.Failed() {
			tb.Logf("the service logged:\n%s", w.log)
		}
	})
	p.start()
	return w, p
}

// programs are the built ones, in a folder of this process's own.
var programs struct {
	once   sync.Once
	folder string
	err    error
	out    []byte
}

// program returns the path of a program of cmd. All are built once.
func program(tb testing.TB, name string) string {
	tb.Helper()
	programs.once.Do(func() {
		if programs.folder, programs.err = os.MkdirTemp("", "liaison-e2e-"); programs.err != nil {
			return
		}
		cmd := exec.CommandContext(context.WithoutCancel(tb.Context()), "go", "build", "-tags", "nomsgpack", "-o", programs.folder, "github.com/liaison-skill/liaison/cmd/...")
		programs.out, programs.err = cmd.CombinedOutput()
	})
	if programs.err != nil {
		tb.Fatalf("build the programs: %v\n%s", programs.err, programs.out)
	}
	return filepath.Join(programs.folder, name)
}

func (p *process) start() {
	p.tb.Helper()
	p.cmd = exec.CommandContext(context.WithoutCancel(p.tb.Context()), p.bin, "serve")
	p.cmd.Env = append(append(os.Environ(), p.w.environ...),
		"LIAISON_LISTEN="+p.w.service.addr, "LIAISON_METRICS_LISTEN=127.0.0.1:0")
	p.cmd.Stdout, p.cmd.Stderr = p.w.log, p.w.log
	p.cmd.WaitDelay = time.Second
	if err := p.cmd.Start(); err != nil {
		p.tb.Fatal(err)
	}
	p.ready()
}

// ready waits until the program can accept.
func (p *process) ready() {
	p.tb.Helper()
	eventually(p.tb, "the service is ready", func() bool {
		req, err := http.NewRequestWithContext(p.tb.Context(), http.MethodGet, p.w.service.url()+"/readyz", nil)
		if err != nil {
			p.tb.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

func (p *process) kill() { p.end(syscall.SIGKILL) }

func (p *process) end(sig os.Signal) {
	p.tb.Helper()
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(sig)
	_ = p.cmd.Wait()
	p.cmd = nil
}
