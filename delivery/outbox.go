package delivery

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	oteltrace "go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

// Config tunes an Outbox.
type Config struct {
	Concurrency int              `env:"CONCURRENCY, default=256" help:"sends in flight to one destination"`
	Lease       time.Duration    `env:"LEASE, default=10s" help:"how long a silent owner keeps a lane"`
	Poll        time.Duration    `env:"POLL, default=250ms" help:"how often lanes without an owner are looked for"`
	Timeout     time.Duration    `env:"TIMEOUT, default=15s" help:"longest attempt"`
	Faults      int              `env:"FAULTS, default=8" help:"tries of a delivery over which the peer breaks"`
	GiveUp      time.Duration    `env:"GIVE_UP, default=24h" help:"how long an unavailable peer is waited for"`
	Backoff     time.Duration    `env:"BACKOFF, default=500ms" help:"wait before the second try; doubles"`
	BackoffMax  time.Duration    `env:"BACKOFF_MAX, default=30s" help:"longest wait between tries"`
	Ambiguous   Policy           `env:"AMBIGUOUS, default=retry-once" help:"a send that may have arrived: retry-once, or hold for somebody to decide"`
	Poison      Poison           `env:"POISON, default=skip" help:"a conversation with a dead letter: skip it, or halt until it is redriven or dropped"`
	Drain       time.Duration    // how long attempts in flight may finish at shutdown
	Meter       Meter            // nil for none
	Tracer      oteltrace.Tracer // nil for none
}

// An Outbox moves deliveries to their destinations. Any number of replicas may
// run on one database.
type Outbox struct {
	pool         *pgxpool.Pool
	log          *slog.Logger
	config       Config
	replica      string // survives a restart
	owner        string // does not
	destinations map[string]*destination
	acks         chan ack
	stopping     chan struct{} // closed: begin nothing new
	over         chan struct{} // closed: nobody acknowledges any more

	mu   sync.Mutex
	held map[*lane]struct{} // lanes this replica owns and drives
}

// destination is a peer with its slots to send.
type destination struct {
	peer
	slots   *semaphore.Weighted // one per send in flight; also how Run waits for them
	wake    chan struct{}       // capacity 1: look for lanes now
	backlog atomic.Bool         // lanes without an owner may be waiting for a slot
	breaker breaker
	pace    pace
}

// missed says that a lane has no owner, for want of a slot or because it was
// given up.
func (d *destination) missed() {
	d.backlog.Store(true)
	d.nudge()
}

func (d *destination) nudge() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *destination) release() {
	d.slots.Release(1)
	if d.backlog.Load() {
		d.nudge()
	}
}

// New returns an Outbox for the given destinations. replica names this process
// so that it survives a restart and no other living process shares it: at start,
// Run takes back what the last process of that name left. Nothing is sent, and
// no lane is owned, before Run.
func New(pool *pgxpool.Pool, log *slog.Logger, c Config, replica string, peers ...Peer) *Outbox {
	if c.Meter == nil {
		c.Meter = unmetered{}
	}
	o := &Outbox{
		pool: pool, log: log, config: c,
		replica: replica, owner: replica + "/" + rand.Text(),
		destinations: map[string]*destination{},
		acks:         make(chan ack, maxAcks),
		stopping:     make(chan struct{}),
		over:         make(chan struct{}),
		held:         map[*lane]struct{}{},
	}
	for _, p := range peers {
		d := &destination{peer: p.erase(), wake: make(chan struct{}, 1)}
		d.breaker = breaker{config: c, off: !d.breaks}
		d.pace = newPace(d.limits, pool)
		if d.concurrency == 0 {
			d.concurrency = c.Concurrency
		}
		d.slots = semaphore.NewWeighted(int64(d.concurrency))
		d.slots.TryAcquire(int64(d.concurrency)) // Run gives them out
		o.destinations[d.name] = d
	}
	return o
}

// Run sends until ctx ends, then lets attempts in flight finish, at most
// Config.Drain, and releases what it owns. It may be called once.
func (o *Outbox) Run(ctx context.Context) error {
	o.takeBack(ctx)
	// Acknowledgements and leases outlive the signal: attempts in flight still
	// need them.
	tail, stopTail := context.WithCancel(context.WithoutCancel(ctx))
	defer stopTail()
	var tails errgroup.Group
	tails.Go(func() error { return o.acknowledge(tail) })
	tails.Go(func() error { return o.renew(tail) })

	var claims errgroup.Group
	for _, d := range o.destinations {
		d.slots.Release(int64(d.concurrency))
		claims.Go(func() error { return o.claim(ctx, d) })
		claims.Go(func() error { return o.expire(ctx, d) })
	}
	<-ctx.Done()
	close(o.stopping)
	err := claims.Wait()

	drain, cancel := context.WithTimeout(tail, o.config.Drain)
	defer cancel()
	for _, d := range o.destinations {
		if d.slots.Acquire(drain, int64(d.concurrency)) != nil {
			o.log.WarnContext(ctx, "attempts did not finish in time", "destination", d.name)
		}
	}
	stopTail()
	close(o.over)
	return errors.Join(err, tails.Wait())
}

const takeBackSQL = `
	UPDATE lane
	SET ready_at = now()
	WHERE ready_at IS NOT NULL
	  AND regexp_replace(owner, '/[^/]*$', '') = @replica`

// takeBack ends the leases of this replica's last incarnation, which is dead: its
// successor need not wait for them to run out. If the database does not take it,
// they do. The owner stays: it may have sent what it did not acknowledge.
func (o *Outbox) takeBack(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, o.config.Lease)
	defer cancel()
	tag, err := o.pool.Exec(ctx, takeBackSQL, pgx.NamedArgs{"replica": o.replica})
	if err != nil {
		if ctx.Err() == nil {
			o.log.WarnContext(ctx, "take back lanes of the last run", "err", err)
		}
		return
	}
	if n := tag.RowsAffected(); n > 0 {
		o.log.InfoContext(ctx, "took back lanes of the last run", "lanes", n)
	}
}

func (o *Outbox) hold(l *lane) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held[l] = struct{}{}
}

func (o *Outbox) letGo(l *lane) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.held, l)
}

func (o *Outbox) stopped() bool {
	select {
	case <-o.stopping:
		return true
	default:
		return false
	}
}
