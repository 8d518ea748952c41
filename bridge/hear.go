package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
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
	switch e.Kind {
	case livechat.KindMessage:
		return b.agentLines[hub].do(ctx, e)
	case livechat.KindJoined:
		return b.joined(ctx, hub, e)
	case livechat.KindEnded:
		return b.ended(ctx, hub, e)
	}
	return nil
}

// acceptAgent promises a batch of agents' words to their users, in one
// transaction.
func (b *Bridge) acceptAgent(ctx context.Context, hub string, events []livechat.Inbound) ([]error, error) {
	errs := make([]error, len(events))
	conversations := make([]livechat.ConversationID, len(events))
	for i, e := range events {
		conversations[i] = e.Conversation
	}
	err := b.commit(ctx, func(tx *delivery.Tx) error {
		found, err := mapping.LockByHub(ctx, tx, hub, conversations)
		if err != nil {
			return err
		}
		var ms []*mapping.Mapping
		var kept []livechat.Inbound
		for i, m := range found {
			errs[i] = hearable(m)
			if errs[i] == nil {
				ms, kept = append(ms, m), append(kept, events[i])
			}
		}
		return b.tellUsers(ctx, tx, hub, ms, kept)
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

func (b *Bridge) tellUsers(ctx context.Context, tx *delivery.Tx, hub string, ms []*mapping.Mapping, events []livechat.Inbound) error {
	items := make([]delivery.Item, len(ms))
	var waiting []mapping.ID
	for i, m := range ms {
		if m.State == mapping.Waiting {
			waiting = append(waiting, m.ID)
		}
		item, err := b.toTeams.Item(
			delivery.Header{Conversation: teamsLane(m.Key), Scope: hubScope(hub, events[i].Conversation), Key: events[i].ID},
			teamsOrder{Mapping: m.ID, Tenant: m.Tenant, Agent: true, Post: proactive.Post{
				To: m.Teams, Activity: proactive.AgentText(events[i].Sender, events[i].Text),
			}})
		if err != nil {
			return err
		}
		items[i] = item
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
	for i, e := range events {
		if fresh[i] {
			said = append(said, mapping.Entry{Mapping: ms[i].ID, Side: mapping.Agent, Name: e.Sender, Text: e.Text, Key: e.ID})
		}
	}
	return mapping.Append(ctx, tx, said...)
}

// joined shows the user who took the conversation.
func (b *Bridge) joined(ctx context.Context, hub string, e livechat.Inbound) error {
	return b.event(ctx, hub, e, func(tx *delivery.Tx, m *mapping.Mapping) error {
		if err := hearable(m); err != nil {
			return err
		}
		if err := mapping.Joined(ctx, tx, m.ID); err != nil || e.Sender == "" {
			return err
		}
		return b.notify(ctx, tx, m, teamsOrder{}, delivery.Header{Scope: hubScope(hub, e.Conversation), Key: e.ID},
			e.Sender+" has joined the conversation.")
	})
}

// ended gives the conversation back to the copilot: behind the agent's pending
// words the user is told, then the copilot. Repeating it changes nothing.
func (b *Bridge) ended(ctx context.Context, hub string, e livechat.Inbound) error {
	return b.event(ctx, hub, e, func(tx *delivery.Tx, m *mapping.Mapping) error {
		if m == nil {
			return ErrUnknown
		}
		if !m.State.Open() {
			return nil
		}
		if err := mapping.End(ctx, tx, m.ID, mapping.ByAgent); err != nil {
			return err
		}
		who := e.Sender
		if who == "" {
			who = "The agent"
		}
		text := who + " has ended the conversation. You are back with the copilot."
		if !m.Unreachable {
			return b.notify(ctx, tx, m, teamsOrder{Ends: true}, delivery.Header{Settle: true}, text)
		}
		// The notice waits for the user; the copilot need not.
		if err := b.notify(ctx, tx, m, teamsOrder{}, delivery.Header{}, text); err != nil {
			return err
		}
		m.State, m.ClosedBy = mapping.Ending, mapping.ByAgent
		return b.giveBack(ctx, tx, *m)
	})
}

// event runs f with the locked mapping of e's conversation, or nil.
func (b *Bridge) event(ctx context.Context, hub string, e livechat.Inbound, f func(*delivery.Tx, *mapping.Mapping) error) error {
	err := b.commit(ctx, func(tx *delivery.Tx) error {
		found, err := mapping.LockByHub(ctx, tx, hub, []livechat.ConversationID{e.Conversation})
		if err != nil {
			return err
		}
		return f(tx, found[0])
	})
	if err != nil {
		return fmt.Errorf("hear %s: %w", e.Kind, err)
	}
	return nil
}

// notify promises the user a line in the service's own words.
func (b *Bridge) notify(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, o teamsOrder, h delivery.Header, text string) error {
	o.Mapping, o.Tenant, o.Post = m.ID, m.Tenant, proactive.Post{To: m.Teams, Activity: proactive.Notice(text)}
	h.Conversation = teamsLane(m.Key)
	fresh, err := enqueue(ctx, tx, b.toTeams, h, o)
	if err != nil || !fresh {
		return err
	}
	return mapping.Append(ctx, tx, mapping.Entry{Mapping: m.ID, Side: mapping.System, Text: text})
}
