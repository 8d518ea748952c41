package directline_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/directline"
	"github.com/liaison-skill/liaison/internal/steady"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	os.Exit(steady.Main(m, steady.Idle()...))
}

// brisk is a pace for tests.
var brisk = directline.Pace{Quiet: time.Hour, Retry: time.Millisecond, MaxRetry: 4 * time.Millisecond, Tick: 20 * time.Millisecond}

func anywhere(string) error { return nil }

// open starts a conversation with the copilot of a sandbox.
func open(tb testing.TB, c *directline.Client) *directline.Conversation {
	tb.Helper()
	conv, err := c.Start(patient(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return conv
}

// rig is a sandbox and a client that gets its tokens as Copilot Studio gives them.
func rig(tb testing.TB) (*sandbox.Sandbox, *directline.Client) {
	tb.Helper()
	s := sandboxtest.Start(tb, sandbox.Config{})
	return s, &directline.Client{Access: directline.Access{Endpoint: s.Direct().TokenURL()}, Trusted: anywhere, Pace: brisk}
}

// withSecret is c with the secret of the channel.
func withSecret(s *sandbox.Sandbox, c *directline.Client) *directline.Client {
	with := *c
	with.Access = directline.Access{Secret: s.Direct().Secret(), Base: s.Direct().BaseURL()}
	return &with
}

func patient(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	tb.Cleanup(cancel)
	return ctx
}

// An ear keeps what it hears, and the state that is true then.
type ear struct {
	mu    sync.Mutex
	heard []directline.Activity
	state directline.State
	news  chan struct{}
	fail  error // instead of hearing
}

func newEar() *ear { return &ear{news: make(chan struct{}, 1)} }

func (e *ear) hear(_ context.Context, b directline.Batch) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.fail; err != nil {
		e.fail = nil
		return err
	}
	e.heard = append(e.heard, b.Activities...)
	e.state = b.State
	select {
	case e.news <- struct{}{}:
	default:
	}
	return nil
}

// said is what was heard, without who was typing.
func (e *ear) said() []directline.Activity {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(e.heard), func(a directline.Activity) bool { return a.Type == activity.TypeTyping })
}

func (e *ear) texts() []string {
	var all []string
	for _, a := range e.said() {
		all = append(all, a.Text+a.Name)
	}
	return all
}

// wait blocks until n things were heard.
func (e *ear) wait(tb testing.TB, n int) []string {
	tb.Helper()
	ctx := patient(tb)
	for {
		if all := e.texts(); len(all) >= n {
			return all
		}
		select {
		case <-e.news:
		case <-ctx.Done():
			tb.Fatalf("heard %q, want %d", e.texts(), n)
		}
	}
}

// listenable is what may be listened to.
type listenable interface {
	Listen(ctx context.Context, hear func(context.Context, directline.Batch) error) error
}

// listen runs a listener and returns what ends it and gives its error.
func listen(tb testing.TB, conv listenable, e *ear) (stop func() error) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan error, 1)
	go func() { done <- conv.Listen(ctx, e.hear) }()
	stop = sync.OnceValue(func() error {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	})
	tb.Cleanup(func() { _ = stop() })
	return stop
}

// say posts a text and fails the test when it cannot.
func say(tb testing.TB, conv *directline.Conversation, key, text string) {
	tb.Helper()
	if err := conv.Post(patient(tb), words(key, text)); err != nil {
		tb.Fatal(err)
	}
}

func words(key, text string) directline.Post {
	return directline.Post{Key: key, Activity: activity.Activity{Type: activity.TypeMessage, Text: text}}
}

// echoes makes the copilot answer every message with "you said …".
func echoes(s *sandbox.Sandbox) {
	s.Direct().SetAnswer(func(a activity.Activity) []activity.Activity {
		if a.Type != activity.TypeMessage {
			return nil
		}
		return []activity.Activity{{Type: activity.TypeTyping}, {Type: activity.TypeMessage, Text: "you said " + a.Text}}
	})
}

// userSaid is what the copilot got.
func userSaid(s *sandbox.Sandbox, id activity.ConversationID) []string {
	var all []string
	for _, a := range s.Direct().Log(id) {
		if a.From.Role == "user" {
			all = append(all, a.Text+a.Name)
		}
	}
	return slices.Clip(all)
}
