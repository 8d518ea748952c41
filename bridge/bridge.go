package bridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/files"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/texts"
)

// Errors that doors turn into answers.
var (
	// ErrNotEscalated means that the user's conversation is not with a hub.
	ErrNotEscalated = errors.New("conversation not escalated")

	// ErrUnknown means that no mapping has the hub's conversation.
	ErrUnknown = errors.New("unknown hub conversation")

	// ErrOpening means that no mapping has the hub's conversation yet, but one
	// that is being opened may be it.
	ErrOpening = errors.New("hub conversation is being opened")

	// ErrNoHub means that the conversation is with a hub that is no longer
	// configured.
	ErrNoHub = errors.New("hub is not configured")

	// ErrEnded means that the hub's conversation is over.
	ErrEnded = errors.New("hub conversation has ended")
)

// Options is what a Bridge is made of.
type Options struct {
	Pool         *pgxpool.Pool
	Log          *slog.Logger
	Delivery     delivery.Config
	Replica      string                  // see delivery.New
	Hubs         map[string]livechat.Hub // by configured name
	Hub          string                  // the one that gets new conversations
	Client       *proactive.Client
	ConnectorURL string          // where users are reached whose connector was never seen
	Teams        delivery.Limits // per conversation, and over all of a tenant
	Retention    time.Duration   // how long what is over is kept; zero for ever
	Openings     int             // of one hub at a time; further starts fail at once. Zero derives it
	Patience     Patience
	Texts        *texts.Catalogue
	AgentLocale  string        // the language agents are spoken to in
	Reconcile    time.Duration // how often both sides are compared; zero is 20 seconds
	Overdue      time.Duration // after which a user is told that their words have not arrived; zero is 30 seconds
	Accept       time.Duration // the longest commit that a door waits for; zero is 2 seconds
	Files        *files.Store
	PublicURL    string // where Files' handler is reached
	Surveys      Surveys
	Arrivals     Arrivals

	// Hours tells whether a hub's agents are there by their business hours, and if
	// not, when they will be: zero, not known. Nil: always.
	Hours func(hub string, at time.Time) (open bool, opens time.Time)
}

// openingTakes is what a hub is expected to need for an opening, at most: with
// every sender at work, so many are opened before their time is up.
const openingTakes = time.Second

// A Bridge carries words between copilots and hubs.
type Bridge struct {
	opt    Options
	outbox *delivery.Outbox

	toHub     map[string]*delivery.Destination[hubOrder]
	toTeams   *delivery.Destination[teamsOrder]
	toCopilot *delivery.Destination[copilotOrder]
	toFiles   *delivery.Destination[fileOrder]

	userLines  *committer[Turn]
	agentLines map[string]*committer[heard]

	complained atomic.Int64 // when a credential was last complained about, in nanoseconds
}

// New wires a Bridge. Nothing runs before [Bridge.Run].
func New(opt Options) *Bridge {
	opt.Reconcile, opt.Overdue = cmp.Or(opt.Reconcile, reconcileEvery), cmp.Or(opt.Overdue, overdueAfter)
	opt.Accept = cmp.Or(opt.Accept, commitTimeout)
	b := &Bridge{
		opt:        opt,
		toHub:      map[string]*delivery.Destination[hubOrder]{},
		agentLines: map[string]*committer[heard]{},
	}
	if b.opt.Openings == 0 {
		b.opt.Openings = opt.Delivery.Concurrency * int(openWithin/openingTakes)
	}
	b.toTeams = &delivery.Destination[teamsOrder]{
		Name: toTeams, Send: b.sendTeams, Settled: b.teamsSettled, Parked: b.teamsParked,
		Limits: opt.Teams, Budget: func(o teamsOrder) string { return "teams|" + o.Post.To.Bot.ID + "|" + o.Tenant },
	}
	b.toCopilot = &delivery.Destination[copilotOrder]{Name: toCopilot, Send: b.sendCopilot, Settled: b.copilotSettled}
	b.toFiles = &delivery.Destination[fileOrder]{Name: toFiles, Send: b.fetchFile, Settled: b.fileSettled, Repeatable: true}
	b.userLines = newCommitter(opt.Accept, b.acceptUser)
	peers := []delivery.Peer{b.toTeams, b.toCopilot, b.toFiles}
	for name, hub := range opt.Hubs {
		d := &delivery.Destination[hubOrder]{
			Name: hubDestination(name), Breaks: true,
			Repeatable: true, // by the port's contract: everything carries a key
			Local:      func(o hubOrder) bool { return o.Answer != nil || o.Tell },
			Send:       func(ctx context.Context, o hubOrder) error { return b.sendHub(ctx, hub, o) },
			Settled: func(ctx context.Context, tx *delivery.Tx, o hubOrder, s delivery.Settlement) error {
				return b.hubSettled(ctx, tx, name, o, s)
			},
		}
		b.toHub[name] = d
		b.agentLines[name] = newCommitter(opt.Accept, func(ctx context.Context, events []heard) ([]error, error) {
			return b.acceptAgent(ctx, name, events)
		})
		peers = append(peers, d)
	}
	b.outbox = delivery.New(opt.Pool, opt.Log, opt.Delivery, opt.Replica, peers...)
	return b
}

// Run carries until ctx ends, then finishes what is in flight. Stop the doors
// first.
func (b *Bridge) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.outbox.Run(ctx) })
	g.Go(func() error { return b.userLines.run(ctx) })
	g.Go(func() error { return b.retain(ctx) })
	g.Go(func() error { return b.watch(ctx) })
	g.Go(func() error { return b.overdue(ctx) })
	g.Go(func() error { return b.reconcile(ctx) })
	for _, c := range b.agentLines {
		g.Go(func() error { return c.run(ctx) })
	}
	return g.Wait()
}

// commit runs f in a transaction of bounded time, which is that of the context f is
// given: a door that the database keeps waiting refuses instead.
func (b *Bridge) commit(ctx context.Context, f func(ctx context.Context, tx *delivery.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, b.opt.Accept)
	defer cancel()
	return b.outbox.Transact(ctx, func(tx *delivery.Tx) error { return f(ctx, tx) })
}

// inScope is where activity ids are unique: a channel's conversation. It outlives
// lanes and mappings.
func inScope(k mapping.Key) string {
	return "turn|" + k.BotAppID + "|" + string(k.Conversation)
}

// hubScope is where a hub's event ids are unique: some hubs count them in each
// conversation.
func hubScope(hub string, c livechat.ConversationID) string {
	return "hub/" + hub + "|" + string(c)
}

// Destinations.
const (
	toTeams   = "teams"
	toCopilot = "copilot"
)

func hubDestination(name string) string { return "hub/" + name }

// Lanes.
func hubLane(id mapping.ID) string { return fmt.Sprintf("mapping %d", id) }

// mappingOf is the mapping whose hub lane it is.
func mappingOf(hubLane string) (id mapping.ID, ok bool) {
	_, err := fmt.Sscanf(hubLane, "mapping %d", &id)
	return id, err == nil
}

func returnLane(id mapping.ID) string { return fmt.Sprintf("return %d", id) }

func teamsLane(k mapping.Key) string { return k.BotAppID + "|" + string(k.Conversation) }

func hostLane(host proactive.Target) string {
	return host.Audience + "|" + string(host.Conversation.ID)
}
