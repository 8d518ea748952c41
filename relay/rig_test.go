package relay_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/directline"
	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/internal/steady"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/migrations"
	"github.com/liaison-skill/liaison/relay"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
	"github.com/liaison-skill/liaison/texts"
)

func TestMain(m *testing.M) {
	steady.HTTP()
	os.Exit(pgtest.Main(m))
}

// A rig is a database, a sandbox and a hub's chat, between which relays run.
type rig struct {
	tb      testing.TB
	pool    *pgxpool.Pool
	sandbox *sandbox.Sandbox
	chat    *chat
	canvas  livechat.Canvas // the chat, with what it can do
	hub     string          // the hub's name, "hub" if empty
	config  relay.Config
	client  directline.Client
	hours   func(string, time.Time) (bool, time.Time)
	overdue time.Duration
	lease   time.Duration

	mu      sync.Mutex
	streams map[string]int
	n       int // of the ids made so far
}

// lease is how long a dead replica's relays wait for another. A busy machine must not
// lose it.
const lease = 10 * time.Second

func newRig(tb testing.TB) *rig {
	tb.Helper()
	r := &rig{
		tb: tb, pool: pgtest.DB(tb, migrations.Schema()), sandbox: sandboxtest.Start(tb, sandbox.Config{}), chat: newChat(),
		config: relay.Config{Keep: env.Duration(time.Hour), Quiet: env.Duration(time.Minute)}, lease: lease, overdue: time.Hour, streams: map[string]int{},
	}
	r.canvas = r.chat
	r.client = directline.Client{
		Access: directline.Access{Endpoint: r.sandbox.Direct().TokenURL()}, Trusted: func(string) error { return nil },
		Pace: directline.Pace{Retry: time.Millisecond, MaxRetry: 4 * time.Millisecond, Tick: 20 * time.Millisecond},
	}
	return r
}

// A replica is one that runs.
type replica struct {
	*relay.Relay
	stop func()
}

// start runs a replica until the test ends, or it is stopped.
func (r *rig) start(name string) replica {
	r.tb.Helper()
	catalogue, err := texts.Load("", "")
	if err != nil {
		r.tb.Fatal(err)
	}
	client := r.client
	client.Pace.Quiet = time.Duration(r.config.Quiet)
	runs := relay.New(relay.Options{
		Pool: r.pool, Log: slog.New(slog.DiscardHandler), Replica: name, Canvases: map[string]livechat.Canvas{cmp.Or(r.hub, "hub"): r.canvas},
		Delivery: delivery.Config{
			Concurrency: 64, Lease: r.lease, Poll: 20 * time.Millisecond, Timeout: 5 * time.Second, Faults: 8, GiveUp: time.Hour,
			Backoff: 20 * time.Millisecond, BackoffMax: 100 * time.Millisecond, Ambiguous: delivery.RetryOnce, Poison: delivery.Skip, Drain: 5 * time.Second,
		},
		Copilot: &client, Texts: catalogue, Config: r.config, Hours: r.hours, Overdue: r.overdue,
		Streams: func(n int) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.streams[name] = n
		},
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.tb.Context()))
	done := make(chan error, 1)
	go func() { done <- runs.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.tb.Errorf("relay: %v", err)
		}
	})
	r.tb.Cleanup(stop)
	return replica{runs, stop}
}

// hears makes a replica hear one thing of the chat.
func (r *rig) hears(to replica, e livechat.CanvasEvent) {
	r.tb.Helper()
	r.mu.Lock()
	r.n++
	e.ID = cmp.Or(e.ID, fmt.Sprintf("event %d", r.n))
	r.mu.Unlock()
	if e.Conversation == "" {
		e.Conversation = only
	}
	var err error
	eventually(r.tb, string(e.Kind)+" is heard", func() bool { // a hub posts again what a busy service refused
		err = to.Hear(r.tb.Context(), "hub", e)
		return err == nil
	}, func() any { return err })
}

// only is the conversation of tests that need one.
const only livechat.ConversationID = "c1"

// refused is what the user says to a copilot without control: the hub is told to
// keep it.
func (r *rig) refused(to replica, text string) livechat.CanvasEvent {
	r.tb.Helper()
	e := livechat.CanvasEvent{Kind: livechat.CanvasAsked, ID: "refused " + text, Conversation: only, Text: text}
	r.refuses(to, e, relay.ErrNotNow)
	return e
}

// refuses makes a replica hear what it should refuse.
func (r *rig) refuses(to replica, e livechat.CanvasEvent, want error) {
	r.tb.Helper()
	var err error
	eventually(r.tb, string(e.Kind)+" is answered", func() bool { // a busy service has no answer in time
		err = to.Hear(r.tb.Context(), "hub", e)
		return err == nil || errors.Is(err, relay.ErrNotNow) || errors.Is(err, relay.ErrEnded)
	}, func() any { return err })
	if !errors.Is(err, want) {
		r.tb.Errorf("%q: %v, want %v", e.Text, err, want)
	}
}

func (r *rig) says(to replica, texts ...string) {
	r.tb.Helper()
	for _, text := range texts {
		r.hears(to, livechat.CanvasEvent{Kind: livechat.CanvasAsked, Text: text})
	}
}

// waitSaid waits until the user was shown so many things.
func (r *rig) waitSaid(want ...string) {
	r.tb.Helper()
	var got []string
	eventually(r.tb, fmt.Sprintf("the user is shown %q", want), func() bool {
		got = r.chat.said(only)
		return len(got) >= len(want)
	}, func() any { return got })
	if !slices.Equal(got, want) {
		r.tb.Fatalf("the user was shown %q, want %q", got, want)
	}
}

// state is that of the relay.
func (r *rig) state(id livechat.ConversationID) relay.State {
	r.tb.Helper()
	var s relay.State
	if err := r.pool.QueryRow(r.tb.Context(), `SELECT state FROM relay WHERE hub_conversation = $1`, id).Scan(&s); err != nil {
		r.tb.Fatal(err)
	}
	return s
}

func (r *rig) waitState(want relay.State) {
	r.tb.Helper()
	eventually(r.tb, "the relay is "+string(want), func() bool { return r.state(only) == want }, func() any { return r.state(only) })
}

// parked reports whether nobody listens any more.
func (r *rig) parked() bool {
	r.tb.Helper()
	var awake int
	if err := r.pool.QueryRow(r.tb.Context(), `SELECT count(*) FROM relay WHERE awake`).Scan(&awake); err != nil {
		r.tb.Fatal(err)
	}
	return awake == 0 && r.sandbox.Direct().Streams() == 0
}

// talk is the latest conversation at Direct Line.
func (r *rig) talk() activity.ConversationID {
	r.tb.Helper()
	all := r.sandbox.Direct().Conversations()
	if len(all) == 0 {
		r.tb.Fatal("no conversation at Direct Line")
	}
	return all[len(all)-1]
}

// heard is what the user said to the copilot, by type: words as they are, an event's
// name, or the type.
func (r *rig) heard(id activity.ConversationID) []string {
	var all []string
	for _, a := range r.sandbox.Direct().Log(id) {
		if a.From.Role != "user" {
			continue
		}
		switch a.Type {
		case activity.TypeMessage:
			all = append(all, a.Text)
		case activity.TypeEvent:
			all = append(all, a.Name)
		default:
			all = append(all, a.Type)
		}
	}
	return all
}

// eventually waits until ok, and fails after a minute.
func eventually(tb testing.TB, what string, ok func() bool, got ...func() any) {
	tb.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			for _, g := range got {
				tb.Logf("got %v", g())
			}
			tb.Fatalf("not in time: %s", what)
		}
	}
}
