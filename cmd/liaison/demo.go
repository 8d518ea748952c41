package main

import (
	"context"
	_ "embed" // the catalogue
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sethvargo/go-envconfig"
	"golang.org/x/sync/errgroup"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/app"
	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/internal/localpg"
	"github.com/liaison-skill/liaison/internal/schema"
	"github.com/liaison-skill/liaison/migrations"
	"github.com/liaison-skill/liaison/sandbox"
)

// The demo's applications are nobody's.
const (
	demoTenant  = "11111111-1111-4111-8111-111111111111"
	demoCopilot = "22222222-2222-4222-8222-222222222222"
	demoSkill   = "33333333-3333-4333-8333-333333333333"
	demoBot     = "44444444-4444-4444-8444-444444444444"
	demoKey     = "demo-only-not-a-secret"
	demoSecret  = "whsec_ZGVtbyBvbmx5OiBub3QgYSBzZWNyZXQ=" // both ends are this process
)

type demoCmd struct {
	Service string `default:"127.0.0.1:5001" help:"Address of the service."`
	Hub     string `default:"127.0.0.1:5000" help:"Address of Contoso Live Chat, the hub."`
	Teams   string `default:"127.0.0.1:5002" help:"Address of the sandbox: Teams, Copilot Studio and Entra ID."`
	DataDir string `env:"LIAISON_DATA_DIR" help:"Folder that keeps the conversations. ./data, or /var/lib/liaison as root."`
}

// northwind is what the demo's message extension searches.
//
//go:embed northwind.csv
var northwind []byte

const catalogueMode = 0o644

// demo is the three programs, wired to each other.
type demo struct {
	database embeddedServer
	service  *part
	hub      *part
	sandbox  *sandbox.Sandbox
	ports    [3]net.Listener // service, hub, sandbox
}

func (r *demo) close() {
	if r.database.Server != nil {
		r.database.Stop()
	}
}

// Run implements the command.
func (d demoCmd) Run(ctx context.Context, c console) error {
	began := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(c.err, "%5.1fs  "+format+"\n", append([]any{time.Since(began).Seconds()}, args...)...)
	}
	var run demo
	defer run.close()
	if err := d.prepare(ctx, c, say, &run); err != nil {
		if ctx.Err() != nil {
			return nil // interrupted while starting is no failure
		}
		return err
	}
	say("ready")
	fmt.Fprintf(c.out, demoText, d.Teams, d.Hub, d.Service)
	err := run.run(ctx)
	say("stopped; the conversations are kept in %s", app.DataDir(d.DataDir))
	return err
}

const demoText = `
  Teams    http://%[1]s   write here as the user: say hello, then "talk to a person"
  Copilot  http://%[1]s/copilot/   ask which teas there are; a card's button leads to a person, and what you asked comes along
  Chat     http://%[2]s/chat/   write here as the user of a hub that owns the chat: the copilot answers first
  Desk     http://%[2]s   sign in as Adele, Diego or Isaiah, and answer as the agent
  Service  http://%[3]s   liaison itself: /skill-manifest.json, /healthz, /readyz

  Authentication is on: the sandbox issues real tokens. Ctrl-C ends it all.

`

func (d demoCmd) prepare(ctx context.Context, c console, say func(string, ...any), run *demo) error {
	for i, address := range []string{d.Service, d.Hub, d.Teams} {
		ln, err := listen(ctx, []string{"--service", "--hub", "--teams"}[i], address)
		if err != nil {
			return fmt.Errorf("%w\nAnother demo may be running; end it, or choose another address", err)
		}
		run.ports[i] = ln
	}
	if _, err := localpg.Installed(ctx); errors.Is(err, localpg.ErrNotInstalled) {
		if err := localpg.Install(ctx, c.err); err != nil {
			return err
		}
	}
	say("starting PostgreSQL in %s", filepath.Join(app.DataDir(d.DataDir), "postgres"))
	var err error
	if run.database, err = embedded(ctx, app.DataDir(d.DataDir)); err != nil {
		return err
	}
	say("PostgreSQL %s runs; starting the hub, the sandbox and the service", run.database.Version())
	return d.wire(ctx, c, run)
}

// wire makes the three programs, each with its own database or file.
func (d demoCmd) wire(ctx context.Context, c console, run *demo) error {
	base := func(i int) string { return baseURL(run.ports[i].Addr()) }
	log := app.NewLogger(app.Config{LogLevel: "warn"}, c.err)

	var err error
	run.sandbox, err = sandbox.New(sandbox.Config{
		BaseURL: base(2), SkillURL: base(0) + "/api/messages",
		TenantID: demoTenant, CopilotAppID: demoCopilot, SkillAppID: demoSkill, BotAppID: demoBot,
		StateFile: filepath.Join(app.DataDir(d.DataDir), "sandbox.jsonl"), Log: log,
	})
	if err != nil {
		return err
	}
	run.sandbox.SetDeskURL(base(1))
	hub, err := run.newHub(ctx, base(0), base(1), log)
	if err != nil {
		return err
	}
	environ := d.environ(run.sandbox.Env(), base(0), base(1))
	catalogue := filepath.Join(app.DataDir(d.DataDir), "northwind.csv")
	if err := os.WriteFile(catalogue, northwind, catalogueMode); err != nil {
		return fmt.Errorf("write catalogue: %w", err)
	}
	cfg, err := app.Load(ctx, append(environ, "LIAISON_HANDOFF_CATALOGUE="+catalogue))
	if err != nil {
		return err
	}
	if err := installApp(run.sandbox, cfg); err != nil {
		return err
	}
	if err := run.migrate(ctx, demoDatabase, migrations.Schema()); err != nil {
		return err
	}
	run.offer(hub, run.newService(cfg, log))
	return nil
}

// newService makes the service.
func (r *demo) newService(cfg app.Config, log *slog.Logger) runner {
	return func(ctx context.Context, ln net.Listener, p *plug) error {
		db, err := connectBy(ctx, r.database.URL(demoDatabase), p.dial)
		if err != nil {
			return err
		}
		defer db.Close()
		a, err := app.New(cfg, version, db, log, ln.Addr())
		if err != nil {
			return err
		}
		metrics := listenMetrics(ctx, log, cfg.MetricsListen)
		if metrics == nil {
			return a.Run(ctx, ln)
		}
		return runBoth(ctx, a, ln, p.listener(metrics))
	}
}

// restAfterKill is how long the service is away after it was killed.
const restAfterKill = 3 * time.Second

// offer lets the sandbox's page break the programs beside it.
func (r *demo) offer(hub, service runner) {
	say := func(id string) func(string) {
		return func(what string) { r.sandbox.Happened(id, what) }
	}
	r.hub = newPart(r.ports[1], 0, say("hub"), hub)
	r.service = newPart(r.ports[0], restAfterKill, say("service"), service)
	r.sandbox.SetParts(
		sandbox.Part{
			ID: "service", Title: "Kill the service", Text: "All its connections are cut at once and nothing is drained, as by kill -9. It starts anew after three seconds.",
			Break: func() { say("service")("Gone, in the midst of what it did."); r.service.breakIt() },
		},
		sandbox.Part{
			ID: "hub", Title: "The hub is down", Text: "Contoso Live Chat takes no connections until all is mended.",
			Break: func() { say("hub")("Gone. What is said waits for it."); r.hub.breakIt() }, Mend: r.hub.mend,
		},
	)
}

// installApp gives the sandbox's users our own app, as it describes itself.
func installApp(s *sandbox.Sandbox, cfg app.Config) error {
	manifest, err := app.TeamsApp(cfg, "1.0.0")
	if err != nil {
		return err
	}
	encoded, err := json.Marshal(manifest)
	if err != nil {
		return fmt.Errorf("encode manifest: %w", err)
	}
	return s.InstallApp(encoded)
}

// baseURL is where the demo's parts and its browser reach a port of this machine.
func baseURL(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("http://localhost:%d", tcp.Port) // as in a container
	}
	return "http://" + addr.String()
}

// newHub makes the hub, whose agents sign in at the sandbox.
func (r *demo) newHub(ctx context.Context, service, hub string, log *slog.Logger) (runner, error) {
	settings := r.sandbox.DeskEnv()
	settings["CONTOSO_WEBHOOK_URL"] = service + "/api/livechat/messages"
	settings["CONTOSO_WEBHOOK_SECRET"] = demoSecret
	settings["CONTOSO_CANVAS_WEBHOOK_URL"] = service + "/api/hubs/contoso/canvas"
	settings["CONTOSO_API_KEY"] = demoKey
	settings["CONTOSO_PUBLIC_URL"] = hub // whose links to files the service fetches
	settings["CONTOSO_OIDC_SUPERVISORS"] = "@contoso.com"
	var cfg contoso.Config
	if err := env.Process(ctx, envconfig.MapLookuper(settings), "", &cfg); err != nil {
		return nil, err
	}
	if err := r.migrate(ctx, hubDatabase, contoso.Schema()); err != nil {
		return nil, err
	}
	return func(ctx context.Context, ln net.Listener, p *plug) error {
		db, err := connectBy(ctx, r.database.URL(hubDatabase), p.dial)
		if err != nil {
			return err
		}
		defer db.Close()
		a := contoso.App{DB: db, Log: log, Config: cfg}
		return a.Run(ctx, ln)
	}, nil
}

// migrate brings the schema of one of the demo's databases up to date.
func (r *demo) migrate(ctx context.Context, name string, set schema.Set) error {
	db, err := r.database.open(ctx, name)
	if err != nil {
		return err
	}
	defer db.Close()
	return schema.Up(ctx, db, set)
}

// environ is the service's environment: what the operator set, then what makes
// the demo.
func (d demoCmd) environ(sandboxEnv map[string]string, service, hub string) []string {
	var environ []string
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); !strings.HasPrefix(name, "LIAISON_") || strings.HasPrefix(name, "LIAISON_DELIVERY_") ||
			name == "LIAISON_METRICS_LISTEN" {
			environ = append(environ, pair)
		}
	}
	for name, value := range sandboxEnv {
		environ = append(environ, name+"="+value)
	}
	return append(environ,
		"LIAISON_PUBLIC_URL="+service, "LIAISON_HUB_CONTOSO_URL="+hub, "LIAISON_HUB_CONTOSO_WEBHOOK_SECRET="+demoSecret,
		"LIAISON_HUB_CONTOSO_API_KEY="+demoKey, "LIAISON_HUB_CONTOSO_CANVAS=on")
}

// run serves all three until ctx ends.
func (r *demo) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.service.serve(ctx, r.ports[0]) })
	g.Go(func() error { return r.hub.serve(ctx, r.ports[1]) })
	g.Go(func() error { return r.sandbox.Run(ctx, r.ports[2]) })
	return g.Wait()
}
