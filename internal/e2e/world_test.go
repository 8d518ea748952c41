package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/app"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	code := pgtest.Main(m)
	if err := os.RemoveAll(programs.folder); err != nil && code == 0 {
		code = 1
	}
	os.Exit(code)
}

// Ids of the world's applications.
const (
	tenantID  = "11111111-1111-1111-1111-111111111111" // the recorded bodies'
	copilotID = "aaaaaaaa-0000-4000-8000-000000000001"
	skillID   = "bbbbbbbb-0000-4000-8000-000000000002"
	secret    = "whsec_d29ybGQtd2ViaG9vay1zZWNyZXQ="
	apiKey    = "world-api-key"
)

// A world is a service between a hub and a sandbox.
type world struct {
	sandbox *sandbox.Sandbox
	hub     *part
	service *part
	db      *pgxpool.Pool // the service's
	hubDB   *pgxpool.Pool
	environ []string
	log     *safeBuffer                     // of the service
	hubLog  *safeBuffer                     // at the level the hub's own program logs at
	tap     func(net.Listener) net.Listener // hears what the service answers; nil: nobody does
	tune    func(*app.Config)               // what no variable sets; nil: nothing
	app     atomic.Pointer[app.App]         // the one that started last in this process

	signedIn sync.Once
	agent    *http.Client // with the desk's session
}

// A part is a program that can be stopped and started again on its address.
type part struct {
	tb    testing.TB
	addr  string
	serve func(ctx context.Context, ln net.Listener) error

	cancel context.CancelFunc
	done   chan error
}

func (p *part) url() string { return "http://" + p.addr }

// start serves, at first on any port and then on the same one.
func (p *part) start() {
	p.tb.Helper()
	ln := listen(p.tb, p.addr)
	if p.addr == "" {
		p.addr = ln.Addr().String()
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.tb.Context()))
	p.cancel, p.done = cancel, make(chan error, 1)
	go func() { p.done <- p.serve(ctx, ln) }()
}

func (p *part) stop() {
	p.tb.Helper()
	if p.cancel == nil {
		return
	}
	p.cancel()
	p.cancel = nil
	if err := <-p.done; err != nil {
		p.tb.Errorf("stopping %s: %v", p.addr, err)
	}
}

// ports are those that parts were given, which keep them while they are stopped.
var ports sync.Map

// listen opens an address, or a port of its own choice when it is empty: one that
// no outgoing connection can be given while the part is stopped, and no other part
// of this process; package chaos takes ports above these.
func listen(tb testing.TB, addr string) net.Listener {
	tb.Helper()
	var lc net.ListenConfig
	var ln net.Listener
	eventually(tb, "the port is free", func() bool {
		at := addr
		if at == "" {
			at = fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(6000))
			if _, taken := ports.LoadOrStore(at, true); taken {
				return false
			}
		}
		var err error
		ln, err = lc.Listen(tb.Context(), "tcp", at)
		return err == nil
	})
	return ln
}

// build makes the world up to the service, which is not started. Settings are of
// either program, by their names.
func build(tb testing.TB, cfg sandbox.Config, settings ...string) *world {
	tb.Helper()
	w := &world{
		db: pgtest.DB(tb, migrations.Schema()), hubDB: pgtest.DB(tb, contoso.Schema()),
		log: &safeBuffer{}, hubLog: &safeBuffer{},
	}
	cfg.TenantID, cfg.CopilotAppID, cfg.SkillAppID = tenantID, copilotID, skillID
	w.sandbox = sandboxtest.Start(tb, cfg)
	w.service = &part{tb: tb, serve: func(ctx context.Context, ln net.Listener) error { return w.serve(ctx, ln, w.environ) }}
	ln := listen(tb, "")
	w.service.addr = ln.Addr().String()
	_ = ln.Close()

	w.hub = w.hubPart(tb, settings...)
	w.hub.start()
	tb.Cleanup(w.hub.stop)
	w.sandbox.SetDeskURL(w.hub.url())
	w.sandbox.SetSkillURL(w.service.url() + "/api/messages")
	w.environ = append(w.environment(), settings...)
	return w
}

// hubPart is a hub on the world's database.
func (w *world) hubPart(tb testing.TB, settings ...string) *part {
	tb.Helper()
	config := w.hubConfig(tb, settings...)
	return &part{tb: tb, serve: func(ctx context.Context, ln net.Listener) error {
		return (&contoso.App{DB: w.hubDB, Log: slog.New(slog.NewTextHandler(w.hubLog, nil)), Config: config}).Run(ctx, ln)
	}}
}

// newWorld makes a world with the service in this process.
func newWorld(tb testing.TB, cfg sandbox.Config, settings ...string) *world {
	tb.Helper()
	w := build(tb, cfg, settings...)
	w.service.start()
	tb.Cleanup(w.service.stop)
	return w
}

func (w *world) environment() []string {
	settings := maps.Clone(w.sandbox.Env())
	settings["LIAISON_HUB_CONTOSO_URL"] = w.hub.url()
	settings["LIAISON_HUB_CONTOSO_WEBHOOK_SECRET"] = secret
	settings["LIAISON_HUB_CONTOSO_API_KEY"] = apiKey
	settings["LIAISON_PUBLIC_URL"] = w.service.url()
	settings["LIAISON_LOG_LEVEL"] = "debug"
	settings["LIAISON_LOG_FORMAT"] = "json"
	settings["LIAISON_DELIVERY_BACKOFF"] = "50ms"
	settings["LIAISON_DELIVERY_BACKOFF_MAX"] = "500ms"
	settings["DATABASE_URL"] = pgtest.URL(w.db)
	var environ []string
	for name, value := range settings {
		environ = append(environ, name+"="+value)
	}
	return environ
}

func (w *world) serve(ctx context.Context, ln net.Listener, environ []string) error {
	cfg, err := app.Load(ctx, environ)
	if err != nil {
		return err
	}
	cfg.Accept = patientDoor
	if w.tune != nil {
		w.tune(&cfg)
	}
	if w.tap != nil {
		ln = w.tap(ln)
	}
	pool, err := pgxpool.New(ctx, cfg.DatabaseURL.Reveal())
	if err != nil {
		return err
	}
	defer pool.Close()
	a, err := app.New(cfg, "test", pool, app.NewLogger(cfg, w.log), ln.Addr())
	if err != nil {
		return err
	}
	w.app.Store(a)
	return a.Run(ctx, ln)
}

// post posts a body to the service and returns status and answer.
func (w *world) post(tb testing.TB, path, token string, body any, header ...string) (int, string) {
	tb.Helper()
	raw, ok := body.([]byte)
	if !ok {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			tb.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, w.service.url()+path, bytes.NewReader(raw))
	if err != nil {
		tb.Fatal(err)
	}
	replayable(req)
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// mapping counts the service's mappings in any of states.
func (w *world) mappings(tb testing.TB, states ...string) int {
	tb.Helper()
	var n int
	err := w.db.QueryRow(tb.Context(), `SELECT count(*) FROM mapping WHERE state = ANY($1)`, states).Scan(&n)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// eventually waits until ok, and fails after a minute.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			tb.Fatalf("not in time: %s", what)
		}
	}
}

// safeBuffer is a log that may be read while it is written.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func byAuthor(u sandbox.User, author sandbox.Author) []string {
	var texts []string
	for _, l := range u.Lines() {
		if l.Author == author {
			texts = append(texts, l.Text)
		}
	}
	return slices.Clip(texts)
}
