package bench

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/liaison-skill/liaison/internal/app"
)

// beginProfile tells a profiled service that what counts begins.
const beginProfile = syscall.SIGUSR1

// servePool is the size of the service's own pool of connections.
const servePool = 16

// ServeProfiled is `liaison serve` with a profiler: it serves until ctx ends and
// leaves cpu.pprof and allocs.pprof in dir. The product itself has no door for
// profiles.
func ServeProfiled(ctx context.Context, dir string) error {
	app.SpendMemory()
	cfg, err := app.Load(ctx, os.Environ())
	if err != nil {
		return err
	}
	pool, err := pooled(ctx, cfg.DatabaseURL.Reveal())
	if err != nil {
		return err
	}
	defer pool.Close()
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	a, err := app.New(cfg, "bench", pool, app.NewLogger(cfg, os.Stderr), ln.Addr())
	if err != nil {
		return err
	}
	begin := make(chan os.Signal, 1)
	signal.Notify(begin, beginProfile)
	defer signal.Stop(begin)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.Run(ctx, ln) })
	g.Go(func() error { return profile(ctx, dir, begin) })
	return g.Wait()
}

// profile records from the signal until ctx ends.
func profile(ctx context.Context, dir string, begin <-chan os.Signal) error {
	select {
	case <-begin:
	case <-ctx.Done():
		return nil
	}
	f, err := os.Create(filepath.Join(dir, "cpu.pprof"))
	if err != nil {
		return fmt.Errorf("make profile: %w", err)
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return fmt.Errorf("begin profile: %w", err)
	}
	<-ctx.Done()
	pprof.StopCPUProfile()
	return writeAllocs(dir)
}

func writeAllocs(dir string) error {
	f, err := os.Create(filepath.Join(dir, "allocs.pprof"))
	if err != nil {
		return fmt.Errorf("make profile: %w", err)
	}
	defer f.Close()
	runtime.GC()
	if err := pprof.Lookup("allocs").WriteTo(f, 0); err != nil {
		return fmt.Errorf("write profile: %w", err)
	}
	return nil
}

func pooled(ctx context.Context, url string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database's URL: %w", err)
	}
	cfg.MaxConns = servePool
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return pool, nil
}

// Profile puts the heaviest load of a kind on a profiled service and leaves its
// profiles in dir. The profiler begins when everything is open.
func Profile(ctx context.Context, o Options, dir, way string, last time.Duration) error {
	c := newCampaign(o, o.scale())
	const people = 1000
	return withFolder(o.Dir, func(folder string) error {
		return withRig(ctx, folder, people, func(ctx context.Context, r *rig) error {
			db, err := r.migrated(ctx, "liaison")
			if err != nil {
				return err
			}
			s, err := r.serve(ctx, "liaison", db, o.Self, "serve", dir)
			if err != nil {
				return err
			}
			defer s.close()
			l := load{kind: userStarts, workers: c.scale.mostWorkers(), people: people}
			if way != cycle.String() {
				if _, err := s.target().put(ctx, l); err != nil {
					return s.blame(err)
				}
				if err := c.greet(ctx, s, l); err != nil {
					return s.blame(err)
				}
			}
			l.kind, l.last = kindOf(way), last
			if err := s.cmd.Process.Signal(beginProfile); err != nil {
				return fmt.Errorf("begin profile: %w", err)
			}
			result, err := s.target().put(ctx, l)
			if err != nil {
				return s.blame(err)
			}
			c.say("%s: %s", l.kind, result)
			return nil
		})
	})
}

func kindOf(way string) kind {
	for k := userSays; k <= cycle; k++ {
		if k.String() == way {
			return k
		}
	}
	return userSays
}
