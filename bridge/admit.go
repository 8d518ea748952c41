package bridge

import (
	"context"
	"fmt"
	"time"

	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
)

// askWithin bounds what an opening spends on each question to the hub.
const askWithin = 2 * time.Second

// nobodyError is the hub's own word that nobody could answer.
type nobodyError struct{}

func (nobodyError) Error() string   { return "no agent is available" }
func (nobodyError) Permanent() bool { return true }

// Ambiguous is true for the opening may have been done by an attempt before.
func (nobodyError) Ambiguous() bool { return true }

// admitted asks a hub that can tell whether anybody would answer, before a
// conversation is opened. A hub that does not answer the question may still open
// one.
func (b *Bridge) admitted(ctx context.Context, hub livechat.Hub, o hubOrder) error {
	able, ok := hub.(livechat.Available)
	if !ok {
		return nil
	}
	asking, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	a, err := able.Availability(asking, o.Open.Queue)
	if closed := err == nil && !a.Open; !closed {
		return nil
	}
	if err := mapping.Refused(ctx, b.opt.Pool, o.Mapping, reasonNoAgents); err != nil {
		return fmt.Errorf("note that nobody is there: %w", err)
	}
	return nobodyError{}
}

// queueState asks how the user waits in a conversation that was just opened.
func queueState(ctx context.Context, hub livechat.Hub, c livechat.ConversationID) livechat.QueueState {
	able, ok := hub.(livechat.Queueing)
	if !ok {
		return livechat.QueueState{}
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	q, err := able.Position(ctx, c)
	if err != nil {
		return livechat.QueueState{} // it is told when it changes
	}
	return q
}
