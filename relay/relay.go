package relay

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/directline"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/texts"
)

// Errors that doors turn into answers.
var (
	// ErrEnded means that the hub's conversation is over.
	ErrEnded = errors.New("conversation has ended")

	// ErrNotNow means that people have control, or are about to get it: the hub keeps
	// what the user said for them, or says it again once the copilot has control.
	ErrNotNow = errors.New("the copilot does not have control")
)

// commitTimeout bounds what a door waits for the database: then it refuses.
const commitTimeout = 2 * time.Second

// Options is what a Relay is made of.
type Options struct {
	Pool      *pgxpool.Pool
	Log       *slog.Logger
	Delivery  delivery.Config
	Replica   string                     // see [delivery.New]; no other outbox of this database may have it
	Canvases  map[string]livechat.Canvas // by configured name
	Copilot   *directline.Client
	Texts     *texts.Catalogue
	Config    Config
	Retention time.Duration // how long what is over is kept; zero for ever
	Overdue   time.Duration // after which a user is told that their words have not arrived; zero is 30 seconds

	// Hours tells whether a hub's people are there by their business hours, and if
	// not, when they will be: zero, not known. Nil: always.
	Hours func(hub string, at time.Time) (open bool, opens time.Time)

	// Streams, if not nil, is told how many conversations this replica listens to.
	Streams func(n int)
}

// A Relay carries words between hubs' own chats and a copilot.
type Relay struct {
	opt    Options
	me     string // this replica, and which run of it
	outbox *delivery.Outbox

	toCopilot *delivery.Destination[copilotOrder]
	toCanvas  map[string]*delivery.Destination[canvasOrder]

	wake chan struct{} // capacity 1: somebody talks

	mu       sync.Mutex
	attended map[ID]*attendance // whom this replica listens to
}

// New wires a Relay. Nothing runs before [Relay.Run].
func New(opt Options) *Relay {
	opt.Config = opt.Config.withDefaults()
	opt.Overdue = cmp.Or(opt.Overdue, overdueAfter)
	if opt.Streams == nil {
		opt.Streams = func(int) {}
	}
	r := &Relay{
		opt: opt, me: opt.Replica + "/" + rand.Text(), toCanvas: map[string]*delivery.Destination[canvasOrder]{},
		wake: make(chan struct{}, 1), attended: map[ID]*attendance{},
	}
	r.toCopilot = &delivery.Destination[copilotOrder]{
		Name: toCopilot, Send: r.sendCopilot, Settled: r.copilotSettled,
		Repeatable: true, // what is in doubt is looked for first
		Breaks:     true,
	}
	peers := []delivery.Peer{r.toCopilot}
	for name, canvas := range opt.Canvases {
		d := &delivery.Destination[canvasOrder]{
			Name: canvasDestination(name), Settled: r.canvasSettled,
			Repeatable: true, // by the port's contract: everything carries a key
			Breaks:     true,
			Send:       func(ctx context.Context, o canvasOrder) error { return r.sendCanvas(ctx, canvas, o) },
		}
		r.toCanvas[name] = d
		peers = append(peers, d)
	}
	r.outbox = delivery.New(opt.Pool, opt.Log, opt.Delivery, opt.Replica, peers...)
	return r
}

// Run carries until ctx ends, then finishes what is in flight. Stop the doors
// first. Without canvases there is nothing to carry.
func (r *Relay) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.retain(ctx) })
	if len(r.toCanvas) == 0 {
		return g.Wait() // what is left of others is pruned all the same
	}
	g.Go(func() error { return r.outbox.Run(ctx) })
	g.Go(func() error { return r.listen(ctx) })
	g.Go(func() error { return r.renew(ctx) })
	g.Go(func() error { return r.keep(ctx) })
	g.Go(func() error { return r.overdue(ctx) })
	return g.Wait()
}

// commit runs f in a transaction of bounded time, which is that of the context f is
// given.
func (r *Relay) commit(ctx context.Context, f func(ctx context.Context, tx *delivery.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	return r.outbox.Transact(ctx, func(tx *delivery.Tx) error { return f(ctx, tx) })
}

// Destinations.
const toCopilot = "directline"

func canvasDestination(name string) string { return "canvas/" + name }

// lane is a relay's at either destination.
func lane(id ID) string { return fmt.Sprintf("relay %d", id) }

// relayOf is the relay whose lane it is.
func relayOf(lane string) (id ID, ok bool) {
	_, err := fmt.Sscanf(lane, "relay %d", &id)
	return id, err == nil
}

func enqueue[M any](ctx context.Context, tx *delivery.Tx, d *delivery.Destination[M], h delivery.Header, m M) (bool, error) {
	item, err := d.Item(h, m)
	if err != nil {
		return false, err
	}
	fresh, err := tx.Enqueue(ctx, item)
	if err != nil {
		return false, fmt.Errorf("%s: %w", d.Name, err)
	}
	return fresh[0], nil
}
