package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
	"github.com/liaison-skill/liaison/sandbox"
)

// Ids of the world's applications.
const (
	tenantID  = "11111111-1111-1111-1111-111111111111"
	copilotID = "aaaaaaaa-0000-4000-8000-000000000001"
	skillID   = "bbbbbbbb-0000-4000-8000-000000000002"
	secret    = "whsec_Y2hhb3Mtd2ViaG9vay1zZWNyZXQ="
)

// A plan is what a run is to be.
type plan struct {
	seed          uint64
	span          time.Duration // of load and faults
	replicas      int
	conversations int
	userEvery     time.Duration // a user's words, on average
	agentEvery    time.Duration // an agent's
	visitEvery    time.Duration // somebody comes and goes
	lease         time.Duration // zero: the service's default
	timeout       time.Duration // of the service's attempts
	drizzle       float64       // odds of a fault of any kind at any time
	definite      bool          // only faults with clear outcomes
	durable       bool          // a PostgreSQL of its own that can be struck
}

// A world is some replicas of the service between a sandbox and a hub.
type world struct {
	plan     plan
	dir      string // logs
	db       *pgxpool.Pool
	postgres *postgres // nil unless durable
	sandbox  *sandbox.Sandbox
	hub      *strictHub
	net      *network
	weather  *weather
	history  *history
	replicas []*replica
}

// newWorld makes a world whose replicas serve, and whose conversations are open.
func newWorld(tb testing.TB, p plan) *world {
	tb.Helper()
	if testing.Short() {
		tb.Skip("needs a database")
	}
	dir, err := os.MkdirTemp("", "liaison-chaos-")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	w := &world{plan: p, dir: dir, hub: newStrictHub(), history: newHistory()}
	url := w.openDatabase(tb)
	w.weather = &weather{rng: stream(p.seed, "weather"), definite: p.definite}
	w.net = newNetwork(tb, w.weather, w.history, p.timeout)
	w.sandbox, err = sandbox.New(sandbox.Config{
		BaseURL: w.net.url, TenantID: tenantID, CopilotAppID: copilotID, SkillAppID: skillID,
	})
	if err != nil {
		tb.Fatal(err)
	}
	w.net.connect(w.hub, w.sandbox.Handler())
	for i := range p.replicas {
		r := newReplica(tb, w.net, dir, fmt.Sprintf("r%d", i+1), w.environment(url))
		w.replicas = append(w.replicas, r)
		if err := r.start(tb.Context()); err != nil {
			tb.Fatal(err)
		}
	}
	for _, r := range w.replicas {
		if !r.await(tb.Context(), time.Minute) {
			tb.Fatalf("%s is not ready; it logged:\n%s", r.name, r.tail())
		}
	}
	return w
}

func (w *world) openDatabase(tb testing.TB) (url string) {
	tb.Helper()
	if !w.plan.durable {
		w.db = pgtest.DB(tb, migrations.Schema())
		return pgtest.URL(w.db)
	}
	// For root the server runs as somebody else, who must get there.
	if err := os.Chmod(w.dir, 0o711); err != nil { //nolint:gosec // nothing secret is in it
		tb.Fatal(err)
	}
	w.postgres = newPostgres(tb, w.dir)
	w.db = open(tb, w.postgres.url())
	return w.postgres.url()
}

func (w *world) environment(databaseURL string) []string {
	settings := w.sandbox.Env()
	settings["DATABASE_URL"] = databaseURL
	settings["LIAISON_TRUSTED_SERVICE_URLS"] += "," + strings.ToLower(w.net.proxied()) + "/*"
	settings["LIAISON_CONNECTIONS_MAP"] += "," + strings.ToLower(w.net.proxied()) + "/teams*=copilot"
	settings["LIAISON_HUB_CONTOSO_URL"] = w.net.proxied()
	settings["LIAISON_HUB_CONTOSO_WEBHOOK_SECRET"] = secret
	settings["LIAISON_HUB_CONTOSO_API_KEY"] = hubKey
	settings["LIAISON_LOG_LEVEL"] = "warn"
	settings["LIAISON_LOG_FORMAT"] = "json"
	settings["LIAISON_DRAIN"] = "6s"
	settings["LIAISON_DELIVERY_BACKOFF"] = "50ms"
	settings["LIAISON_DELIVERY_BACKOFF_MAX"] = "1s"
	settings["LIAISON_DELIVERY_TIMEOUT"] = w.plan.timeout.String()
	// More is said here in a minute than Teams takes in five.
	settings["LIAISON_TEAMS_RATES"], settings["LIAISON_TEAMS_TENANT_RATE"] = "off", "off"
	if w.plan.lease > 0 {
		settings["LIAISON_DELIVERY_LEASE"] = w.plan.lease.String()
	}
	var environ []string
	for name, value := range settings {
		environ = append(environ, name+"="+value)
	}
	return environ
}

// addresses are those that replicas were given, which keep them while they are down.
var addresses sync.Map

// freeAddress returns an address that no outgoing connection is given while its
// owner is down, nor a part of package e2e, which takes ports below these.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	var lc net.ListenConfig
	var addr string
	found := within(tb.Context(), 10*time.Second, func() bool {
		addr = fmt.Sprintf("127.0.0.1:%d", 26000+rand.IntN(6000))
		if _, taken := addresses.LoadOrStore(addr, true); taken {
			return false
		}
		ln, err := lc.Listen(tb.Context(), "tcp", addr)
		if err == nil {
			_ = ln.Close()
		}
		return err == nil
	})
	if !found {
		tb.Fatal("no free port")
	}
	return addr
}

// tail returns the end of the replica's log.
func (r *replica) tail() string {
	text, err := os.ReadFile(r.logPath)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4<<10):])
}

// revive ends all faults and brings every replica back.
func (w *world) revive(ctx context.Context) error {
	w.weather.clear()
	for _, r := range w.replicas {
		w.net.unset(r.now())
		r.thaw()
		if r.serves() {
			continue
		}
		r.end(9)
		if err := r.start(ctx); err != nil {
			return err
		}
		if !r.await(ctx, time.Minute) {
			return fmt.Errorf("%s does not become ready again", r.name)
		}
	}
	return nil
}
