package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
)

// A hub may speak before the answer to our opening is recorded, so an unknown
// conversation is looked for again.
const (
	looks    = 3
	lookWait = 150 * time.Millisecond
)

// Hear takes one thing that hub said. It returns [ErrUnknown] when no mapping has
// its conversation, [ErrOpening] when one may have it soon, and [ErrEnded] when
// it is over.
func (b *Bridge) Hear(ctx context.Context, hub string, e livechat.Inbound) error {
	err := b.hear(ctx, hub, e)
	for range looks {
		if !errors.Is(err, ErrUnknown) {
			return err
		}
		opening, lookErr := mapping.AnyOpening(ctx, b.opt.Pool, hub)
		if lookErr != nil {
			return lookErr
		}
		// What was opening then may be recorded by now.
		err = b.hear(ctx, hub, e)
		if !opening || !errors.Is(err, ErrUnknown) {
			return err
		}
		select {
		case <-time.After(lookWait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ErrOpening
}

func (b *Bridge) hear(ctx context.Context, hub string, e livechat.Inbound) error {
	if e.Kind == livechat.KindMessage {
		return b.agentLines[hub].do(ctx, heard{Inbound: e, from: trace.SpanContextFromContext(ctx)})
	}
	return b.event(ctx, hub, e)
}

// heard is what a hub said, and the trace of the request it said it in.
type heard struct {
	livechat.Inbound

	from     trace.SpanContext
	followed time.Time // when the user who is told followed a link, if these are the first words; else zero
}

// acceptAgent promises a batch of agents' words to their users, in one
// transaction.
func (b *Bridge) acceptAgent(ctx context.Context, hub string, events []heard) ([]error, error) {
	errs := make([]error, len(events))
	conversations := make([]livechat.ConversationID, len(events))
	for i, e := range events {
		conversations[i] = e.Conversation
	}
	err := b.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		found, err := mapping.LockByHub(ctx, tx, hub, conversations)
		if err != nil {
			return err
		}
		var ms []*mapping.Mapping
		var kept []heard
		for i, m := range found {
			errs[i] = hearable(m)
			if errs[i] == nil {
				ms, kept = append(ms, m), append(kept, events[i])
			}
		}
		return b.tellInOrder(ctx, tx, hub, ms, kept)
	})
	if err != nil {
		return nil, fmt.Errorf("hear: %w", err)
	}
	return errs, nil
}

func hearable(m *mapping.Mapping) error {
	switch {
	case m == nil:
		return ErrUnknown
	case !m.State.Open():
		return ErrEnded
	}
	return nil
}

func (b *Bridge) tellUsers(ctx context.Context, tx *delivery.Tx, hub string, ms []*mapping.Mapping, events []heard) error {
	var items []delivery.Item
	lines := make([][]delivery.Item, len(ms)) // of each event; none of a repeat
	var waiting []mapping.ID
	told := map[mapping.ID]bool{}
	for i, m := range ms {
		if m.State == mapping.Waiting {
			waiting = append(waiting, m.ID)
		}
		if !told[m.ID] {
			events[i].followed = m.Followed
		}
		told[m.ID] = true
		line, err := b.agentItems(ctx, tx, m, hubScope(hub, events[i].Conversation), events[i])
		if err != nil {
			return err
		}
		lines[i], items = line, append(items, line...)
	}
	if len(waiting) > 0 {
		if err := mapping.Joined(ctx, tx, waiting...); err != nil {
			return err
		}
	}
	fresh, err := tx.Enqueue(ctx, items...)
	if err != nil {
		return err
	}
	var said []mapping.Entry
	var first []mapping.ID
	for i, e := range events {
		if len(lines[i]) == 0 {
			continue
		}
		if fresh[0] {
			if !e.followed.IsZero() {
				first = append(first, ms[i].ID)
			}
			said = append(said, mapping.Entry{Mapping: ms[i].ID, Side: mapping.Agent, Name: e.Sender, Text: e.Text, Key: e.ID, Message: e.Message})
		}
		fresh = fresh[len(lines[i]):]
	}
	if err := mapping.Answered(ctx, tx, first...); err != nil {
		return err
	}
	return mapping.Append(ctx, tx, said...)
}
