package relay_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
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

// A refusal is what a hub says no with.
type refusal struct{ status int }

func (r refusal) Error() string     { return http.StatusText(r.status) }
func (r refusal) StatusCode() int   { return r.status }
func (r refusal) Permanent() bool   { return r.status/100 == 4 }
func (r refusal) Unavailable() bool { return r.status/100 == 5 }
func (r refusal) Ambiguous() bool {
	return r.status/100 == 5 && r.status != http.StatusServiceUnavailable
}

// A chat is a hub that owns its chat, as the tests have it in hand. The same key is
// one thing.
type chat struct {
	mu      sync.Mutex
	shown   map[livechat.ConversationID][]livechat.BotMessage
	passes  map[livechat.ConversationID]livechat.Passing
	over    map[livechat.ConversationID]bool
	typing  int
	repeats int
	refuse  func(what string) error // nil: nothing; "show", "pass", "finish"
	keys    map[string]bool
}

func newChat() *chat {
	return &chat{
		shown:  map[livechat.ConversationID][]livechat.BotMessage{},
		passes: map[livechat.ConversationID]livechat.Passing{},
		over:   map[livechat.ConversationID]bool{}, keys: map[string]bool{},
	}
}

// once reports whether a key is new, after a chance to fail.
func (c *chat) once(what string, id livechat.ConversationID, key string) (bool, error) {
	var err error
	if c.refuse != nil {
		err = c.refuse(what)
	}
	if r, ok := err.(refusal); ok && !r.Ambiguous() { //nolint:errorlint // the rig's own
		return false, err
	}
	k := string(id) + "|" + what + "|" + key
	if c.keys[k] {
		c.repeats++
		return false, err
	}
	c.keys[k] = true
	return true, err
}

// Show implements [livechat.Canvas].
func (c *chat) Show(_ context.Context, m livechat.BotMessage) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, passed := c.passes[m.Conversation]
	if passed || c.over[m.Conversation] {
		return refusal{http.StatusConflict}
	}
	fresh, err := c.once("show", m.Conversation, m.Key)
	if fresh {
		c.shown[m.Conversation] = append(c.shown[m.Conversation], m)
	}
	return err
}

// Pass implements [livechat.Canvas].
func (c *chat) Pass(_ context.Context, p livechat.Passing) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh, err := c.once("pass", p.Conversation, p.Key)
	if fresh {
		c.passes[p.Conversation] = p
	}
	return err
}

// Finish implements [livechat.Canvas].
func (c *chat) Finish(_ context.Context, id livechat.ConversationID, key string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh, err := c.once("finish", id, key)
	if fresh {
		c.over[id] = true
	}
	return err
}

// ShowTyping implements [livechat.BotTyping].
func (c *chat) ShowTyping(context.Context, livechat.ConversationID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.typing++
	return nil
}

// said is what a user was shown.
func (c *chat) said(id livechat.ConversationID) []string {
	var all []string
	for _, m := range c.messages(id) {
		all = append(all, m.Text)
	}
	return all
}

func (c *chat) messages(id livechat.ConversationID) []livechat.BotMessage {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.shown[id])
}

func (c *chat) passed(id livechat.ConversationID) (livechat.Passing, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.passes[id]
	return p, ok
}

func (c *chat) finished(id livechat.ConversationID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.over[id]
}

// do changes the chat.
func (c *chat) do(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// takesBack is the hub's side of a return.
func (c *chat) takesBack(id livechat.ConversationID) {
	c.do(func() { delete(c.passes, id) })
}

// A rig is a database, a sandbox and a hub's chat, between which relays run.
type rig struct {
	tb      testing.TB
	pool    *pgxpool.Pool
	sandbox *sandbox.Sandbox
	chat    *chat
	canvas  livechat.Canvas // the chat, with what it can do
	config  relay.Config
	client  directline.Client
	hours   func(string, time.Time) (bool, time.Time)
	overdue time.Duration

	mu      sync.Mutex
	streams map[string]int
	n       int // of the ids made so far
}

// lease is how long a dead replica's relays wait for another.
const lease = time.Second

func newRig(tb testing.TB) *rig {
	tb.Helper()
	r := &rig{
		tb: tb, pool: pgtest.DB(tb, migrations.Schema()), sandbox: sandboxtest.Start(tb, sandbox.Config{}), chat: newChat(),
		config: relay.Config{Keep: env.Duration(time.Hour), Quiet: env.Duration(time.Minute)}, streams: map[string]int{},
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
		Pool: r.pool, Log: slog.New(slog.DiscardHandler), Replica: name, Canvases: map[string]livechat.Canvas{"hub": r.canvas},
		Delivery: delivery.Config{
			Concurrency: 64, Lease: lease, Poll: 20 * time.Millisecond, Timeout: 5 * time.Second, Faults: 8, GiveUp: time.Hour,
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
