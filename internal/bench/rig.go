package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/liaison-skill/liaison/internal/localpg"
	"github.com/liaison-skill/liaison/internal/schema"
	"github.com/liaison-skill/liaison/migrations"
	"github.com/liaison-skill/liaison/sandbox"
)

// A rig is what the programs under test stand on: a durable PostgreSQL, an issuer
// of tokens, and peers.
type rig struct {
	dir        string
	database   *localpg.Server
	postmaster int // its process
	sandbox    *sandbox.Sandbox
	token      string // of the copilot
	peers      *peers
}

// withRig runs f on a rig of its own in dir. People is how many there may be.
func withRig(ctx context.Context, dir string, people int, f func(ctx context.Context, r *rig) error) error {
	database, err := localpg.Start(ctx, localpg.Config{Dir: filepath.Join(dir, "postgres"), Durable: true})
	if err != nil {
		return fmt.Errorf("start the database: %w", err)
	}
	defer database.Stop()
	r := &rig{dir: dir, database: database}
	if r.postmaster, err = postmaster(filepath.Join(dir, "postgres", "data")); err != nil {
		return err
	}
	if r.peers, err = listenPeers(ctx, people); err != nil {
		return err
	}
	ln, err := listen(ctx)
	if err != nil {
		return err
	}
	if err := r.issuer(ln); err != nil { //nolint:contextcheck // gin's handlers get their context with the request
		return errors.Join(err, ln.Close())
	}
	ctx, stop := context.WithCancel(ctx)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.sandbox.Run(ctx, ln) })
	g.Go(func() error { return r.peers.run(ctx) })
	g.Go(func() error {
		defer stop()
		return f(ctx, r)
	})
	return g.Wait()
}

func (r *rig) issuer(ln net.Listener) error {
	var err error
	r.sandbox, err = sandbox.New(sandbox.Config{
		BaseURL: "http://" + ln.Addr().String(), TenantID: tenantID, CopilotAppID: copilotID, SkillAppID: skillID,
	})
	if err != nil {
		return fmt.Errorf("make the issuer: %w", err)
	}
	if r.token, err = r.sandbox.Mint(sandbox.Token{}); err != nil {
		return fmt.Errorf("mint the copilot's token: %w", err)
	}
	return nil
}

// postmaster returns the process of the server whose data is in dir.
func postmaster(dir string) (int, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	if err != nil {
		return 0, fmt.Errorf("find the database's process: %w", err)
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return 0, fmt.Errorf("find the database's process: %w", err)
	}
	return pid, nil
}

// open makes a database and connects to it.
func (r *rig) open(ctx context.Context, name string, conns int) (*pgxpool.Pool, error) {
	if err := r.database.CreateDatabase(ctx, name); err != nil {
		return nil, err
	}
	cfg, err := pgxpool.ParseConfig(r.database.URL(name))
	if err != nil {
		return nil, fmt.Errorf("read the database's URL: %w", err)
	}
	cfg.MaxConns = int32(conns) //nolint:gosec // a few
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return pool, nil
}

// migrated is open with the service's tables.
func (r *rig) migrated(ctx context.Context, name string) (*pgxpool.Pool, error) {
	pool, err := r.open(ctx, name, 4)
	if err != nil {
		return nil, err
	}
	if err := schema.Up(ctx, pool, migrations.Schema()); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// environ is the service's configuration: its defaults, but for the limits on how
// often one caller may come.
func (r *rig) environ(addr, database string) []string {
	settings := r.sandbox.Env()
	maps.Copy(settings, map[string]string{
		"DATABASE_URL":                       r.database.URL(database),
		"LIAISON_LISTEN":                     addr,
		"LIAISON_METRICS_LISTEN":             "127.0.0.1:0",
		"LIAISON_PUBLIC_URL":                 "http://" + addr,
		"LIAISON_REPLICA":                    "bench-" + database,
		"LIAISON_RATE_PER_CALLER":            "0",
		"LIAISON_CONNECTIONS_MAP":            r.peers.url() + "/teams*=copilot," + r.peers.url() + "/pvaruntime*=skill",
		"LIAISON_TRUSTED_SERVICE_URLS":       r.peers.url() + "/*",
		"LIAISON_CONNECTOR_URL":              r.peers.url() + "/teams/",
		"LIAISON_HUB_CONTOSO_URL":            r.peers.url(),
		"LIAISON_HUB_CONTOSO_API_KEY":        apiKey,
		"LIAISON_HUB_CONTOSO_WEBHOOK_SECRET": webhookSecret,
	})
	// The peers here are not Teams, which asks bots for a slow pace.
	settings["LIAISON_TEAMS_RATES"], settings["LIAISON_TEAMS_TENANT_RATE"] = "off", "off"
	var environ []string
	for name, value := range settings {
		environ = append(environ, name+"="+value)
	}
	return environ
}

// usage reads what everybody used so far; pid is the program under test, 0 for
// none.
func (r *rig) usage(pid int) (usage, error) {
	var u usage
	var err error
	if pid != 0 {
		if u.service, err = cpuOf(pid); err != nil {
			return u, err
		}
	}
	if u.database, err = cpuOfTree(r.postmaster); err != nil {
		return u, err
	}
	if u.bench, err = cpuOf(os.Getpid()); err != nil {
		return u, err
	}
	u.machine, err = cpuOfAll()
	return u, err
}

const busySQL = `
	SELECT count(*)
	FROM lane
	WHERE ready_at <= now() + interval '1 minute'`

// idle returns a function that blocks until every lane of the database is idle.
func idle(pool *pgxpool.Pool) func(context.Context) error {
	return func(ctx context.Context) error {
		poll := time.NewTicker(5 * time.Millisecond)
		defer poll.Stop()
		deadline := time.After(stuck)
		for {
			var busy int
			if err := pool.QueryRow(ctx, busySQL).Scan(&busy); err != nil {
				return fmt.Errorf("look for busy lanes: %w", err)
			}
			if busy == 0 {
				return nil
			}
			select {
			case <-poll.C:
			case <-ctx.Done():
				return ctx.Err()
			case <-deadline:
				return fmt.Errorf("%d lanes are still busy after %s", busy, stuck)
			}
		}
	}
}
