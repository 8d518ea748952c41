package bench

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// A program is a process under test.
type program struct {
	cmd    *exec.Cmd
	addr   string
	log    string // its file
	exited chan struct{}
}

// launch starts a program that serves addr, and returns when it answers probe.
// environ is all of its environment.
func launch(ctx context.Context, dir, addr, probe string, environ []string, argv ...string) (*program, error) {
	log, err := os.CreateTemp(dir, filepath.Base(argv[0])+"-*.log")
	if err != nil {
		return nil, fmt.Errorf("make log: %w", err)
	}
	defer log.Close()
	p := &program{addr: addr, log: log.Name(), exited: make(chan struct{})}
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), argv[0], argv[1:]...) //nolint:gosec // ours
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = environ, log, log
	p.cmd.WaitDelay = time.Second
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	if err := p.ready(ctx, probe); err != nil {
		p.stop()
		return nil, fmt.Errorf("start %s: %w; it said:\n%s", argv[0], err, p.said())
	}
	return p, nil
}

// ready waits until the program answers.
func (p *program) ready(ctx context.Context, probe string) error {
	ctx, cancel := context.WithTimeout(ctx, stuck)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+probe, http.NoBody)
		if err != nil {
			return fmt.Errorf("build probe: %w", err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-poll.C:
		case <-p.exited:
			return fmt.Errorf("it ended: %s", p.cmd.ProcessState)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *program) pid() int { return p.cmd.Process.Pid }

// stop asks the program to end, and ends it when it does not.
func (p *program) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(stuck):
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}

// said is the end of what the program logged.
func (p *program) said() []byte {
	raw, _ := os.ReadFile(p.log)
	return bytes.TrimSpace(raw[max(0, len(raw)-4<<10):])
}

// A service is the real program on a database of its own.
type service struct {
	*program

	rig *rig
	db  *pgxpool.Pool
}

// serve starts argv, the program with its arguments, on a migrated database.
// The pool is the service's to close from now on.
func (r *rig) serve(ctx context.Context, database string, db *pgxpool.Pool, argv ...string) (*service, error) {
	addr, err := freeAddress(ctx)
	if err != nil {
		db.Close()
		return nil, err
	}
	environ := append(r.environ(addr, database), "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"))
	p, err := launch(ctx, r.dir, addr, "/readyz", environ, argv...)
	if err != nil {
		db.Close()
		return nil, err
	}
	return &service{program: p, rig: r, db: db}, nil
}

// freeAddress returns one for a program to open: no outgoing connection is given it
// meanwhile, as those of port 0 may be.
func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	for try := 1; ; try++ {
		ln, err := lc.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", 14000+rand.IntN(6000)))
		if err == nil {
			return ln.Addr().String(), ln.Close()
		}
		if try == 100 {
			return "", fmt.Errorf("find a free port: %w", err)
		}
	}
}

// blame adds the end of the service's log to an error.
func (s *service) blame(err error) error {
	if said := s.said(); len(said) > 0 {
		return fmt.Errorf("%w; the service said:\n%s", err, said)
	}
	return err
}

func (s *service) close() {
	s.stop()
	s.db.Close()
}

func (s *service) target() target {
	return target{
		addr: s.addr, token: s.rig.token, peers: s.rig.peers,
		usage: func() (usage, error) { return s.rig.usage(s.pid()) },
		idle:  idle(s.db),
	}
}
