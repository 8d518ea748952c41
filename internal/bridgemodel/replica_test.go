package bridgemodel

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/proactive"
)

// How long the model's conversations may be silent, and last.
const (
	waitFor  = 10 * time.Minute
	silence  = time.Hour
	longest  = 10 * time.Hour
	stopTime = time.Minute
)

func config() delivery.Config {
	return delivery.Config{
		Concurrency: 64, Lease: 3 * time.Second, Poll: 20 * time.Millisecond, Timeout: 150 * time.Millisecond,
		Faults: 4, GiveUp: time.Hour, Backoff: time.Millisecond, BackoffMax: 20 * time.Millisecond,
		Ambiguous: delivery.RetryOnce, Poison: delivery.Skip, Drain: 200 * time.Millisecond,
	}
}

// A replica is a process, one life after the other.
type replica struct {
	*world

	name string
	busy sync.Mutex // held by who ends a life and begins the next
	now  atomic.Pointer[life]
}

// A life is a bridge from its start to its death. When it is cut, nothing it says
// reaches the database or a peer any more.
type life struct {
	bridge *bridge.Bridge
	pool   *pgxpool.Pool
	ctx    context.Context // of calls to the bridge
	stop   context.CancelFunc
	end    context.CancelFunc // of the bridge's Run
	done   chan error
	cut    atomic.Bool
	doors  sync.RWMutex // held by those inside

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func (l *life) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut.Load() {
		_ = c.Close()
		return nil, errCut
	}
	l.conns[c] = true
	return c, nil
}

// begin starts a life.
func (r *replica) begin(tb testing.TB) {
	tb.Helper()
	l := &life{conns: map[net.Conn]bool{}, done: make(chan error, 1)}
	c := r.db.Config()
	c.ConnConfig.DialFunc, c.MaxConns = l.dial, 8
	ctx := context.WithoutCancel(tb.Context())
	var err error
	if l.pool, err = pgxpool.NewWithConfig(ctx, c); err != nil {
		tb.Fatal(err)
	}
	wire := line{r.world, l}
	credentials, err := auth.NewCredentials(r.auth, r.identity, wire)
	if err != nil {
		tb.Fatal(err)
	}
	l.bridge = bridge.New(bridge.Options{
		Pool: l.pool, Log: slog.New(slog.DiscardHandler), Delivery: config(), Replica: r.name,
		Hubs: map[string]livechat.Hub{"hub": hub{r.world, l}}, Hub: "hub", Openings: 1000,
		Client:   &proactive.Client{Credentials: credentials, Base: http.RoundTripper(wire), Timeout: time.Minute},
		Patience: bridge.Patience{Wait: waitFor, Idle: silence, Cap: longest}, Texts: r.texts,
	})
	l.ctx, l.stop = context.WithCancel(ctx)
	run, end := context.WithCancel(ctx)
	l.end = end
	go func() { l.done <- l.bridge.Run(run) }()
	r.now.Store(l)
}

// hears lets the replica's present life take a call, and reports whether the
// caller hears the outcome.
func (r *replica) hears(f call) (answers []activity.Activity, heard bool, err error) {
	l := r.now.Load()
	if !l.doors.TryRLock() {
		return nil, false, errCut
	}
	defer l.doors.RUnlock()
	ctx, cancel := context.WithTimeout(l.ctx, 3*time.Second)
	defer cancel()
	answers, err = f(ctx, l.bridge)
	return answers, !l.cut.Load() && ctx.Err() == nil, err
}

// finish ends a life in peace: first who is inside its doors.
func (l *life) finish(tb testing.TB) {
	tb.Helper()
	l.doors.Lock()
	if err := l.over(); err != nil {
		tb.Error(err)
	}
}

// over ends the bridge.
func (l *life) over() (err error) {
	l.end()
	select {
	case err = <-l.done:
	case <-time.After(stopTime):
		return errors.New("a bridge does not end")
	}
	l.stop()
	l.pool.Close()
	return err
}

// kill ends a life at once: its connections break, and its calls to peers with
// them.
func (l *life) kill(tb testing.TB) {
	tb.Helper()
	l.mu.Lock()
	l.cut.Store(true)
	for c := range l.conns {
		_ = c.Close()
	}
	l.mu.Unlock()
	l.stop()
	if err := l.over(); err != nil {
		tb.Log(err)
	}
}

// restart ends the replica's life in one way or the other, and begins the next.
func (r *replica) restart(tb testing.TB, end func(*life, testing.TB)) {
	tb.Helper()
	r.busy.Lock()
	defer r.busy.Unlock()
	end(r.now.Load(), tb)
	r.begin(tb)
}
