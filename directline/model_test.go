package directline_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/directline"
	"github.com/liaison-skill/liaison/sandbox"
)

// TestModel says things both ways while everything goes wrong, and restarts from
// the state that was kept last: nothing is lost, nothing doubled, order holds.
func TestModel(t *testing.T) {
	t.Parallel()
	s, c := rig(t)
	echoes(s)
	c = withSecret(s, c) // so that tokens may run out
	rapid.Check(t, func(rt *rapid.T) {
		w := newModel(t, s, c)
		defer func() { _ = w.stop() }()
		steps := map[string]func(*rapid.T){"": func(*rapid.T) {}}
		for name, step := range w.steps() {
			steps[name] = func(*rapid.T) { step() }
		}
		rt.Repeat(steps)
		w.say() // whatever is late is behind it, or never comes
		ctx := patient(t)
		for len(w.ear.texts()) < len(w.answers) && ctx.Err() == nil {
			select {
			case <-w.ear.news:
			case <-ctx.Done():
			}
		}
		if diff := gocmp.Diff(w.answers, w.ear.texts()); diff != "" {
			rt.Fatalf("heard (-want +got; the listener: %v):\n%s", w.stop(), diff)
		}
		if diff := gocmp.Diff(w.said, userSaid(s, w.id)); diff != "" {
			rt.Fatalf("the copilot heard (-want +got):\n%s", diff)
		}
	})
}

// A model is what must be true of a conversation.
type model struct {
	tb     testing.TB
	s      *sandbox.Sandbox
	client *directline.Client
	id     activity.ConversationID
	conv   *directline.Conversation
	first  directline.State
	ear    *ear
	stop   func() error

	said, answers []string
}

func newModel(tb testing.TB, s *sandbox.Sandbox, c *directline.Client) *model {
	tb.Helper()
	w := &model{tb: tb, s: s, client: c, conv: open(tb, c), ear: newEar()}
	w.first = w.conv.State()
	w.id = w.first.Conversation
	w.stop = listen(tb, lasting{w.conv}, w.ear)
	return w
}

func (w *model) steps() map[string]func() {
	fault := func(leg sandbox.Leg, f sandbox.Fault) func() {
		f.Times, f.Conversation = 1, string(w.id)
		return func() { w.s.Fault(leg, f) }
	}
	direct := w.s.Direct()
	return map[string]func(){
		"say":              w.say,
		"say more":         w.say,
		"copilot speaks":   w.speak,
		"restart":          w.restart,
		"drop the stream":  func() { direct.DropStream(w.id) },
		"keep alive":       func() { direct.KeepAlive(w.id) },
		"late copies":      func() { direct.Repeat(w.id, 5) },
		"tokens run out":   func() { direct.ExpireTokens(w.id) },
		"refused":          fault(sandbox.DirectLine, sandbox.Fault{Status: 502}),
		"taken, refused":   fault(sandbox.DirectLine, sandbox.Fault{Status: 502, Accept: true}),
		"taken, no answer": fault(sandbox.DirectLine, sandbox.Fault{Reset: true, Accept: true}),
		"too many":         fault(sandbox.DirectLine, sandbox.Fault{Status: 429}),
		"no stream":        fault(sandbox.DirectLineStream, sandbox.Fault{Status: 503}),
		"stream breaks":    fault(sandbox.DirectLineStream, sandbox.Fault{Reset: true}),
	}
}

// lasting is a conversation of which tokens run out faster than anywhere: a call finds
// several refused, one after the other, and is given up.
type lasting struct{ *directline.Conversation }

// Listen listens until something else ends it.
func (l lasting) Listen(ctx context.Context, hear func(context.Context, directline.Batch) error) error {
	for {
		err := l.Conversation.Listen(ctx, hear)
		if gone, ok := errors.AsType[*directline.LostError](err); !ok || !gone.Expired {
			return err
		}
	}
}

func (w *model) say() {
	text := fmt.Sprint("word ", len(w.said))
	insist(w.tb, w.conv, words(text, text))
	w.said, w.answers = append(w.said, text), append(w.answers, "you said "+text)
}

func (w *model) speak() {
	text := fmt.Sprint("unasked ", len(w.answers))
	w.s.Direct().Say(w.id, activity.Activity{Type: activity.TypeMessage, Text: text})
	w.answers = append(w.answers, text)
}

// restart forgets everything but what was kept with the last batch.
func (w *model) restart() {
	if err := w.stop(); err != nil {
		w.tb.Errorf("listener: %v", err)
	}
	w.ear.mu.Lock()
	state := w.ear.state
	w.ear.mu.Unlock()
	if state.Conversation == "" {
		state = w.first
	}
	w.conv = w.client.Resume(state)
	w.stop = listen(w.tb, lasting{w.conv}, w.ear)
}
