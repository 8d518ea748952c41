package bridge

import (
	"context"
	"fmt"
	"strings"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/texts"
)

// event takes what a hub says besides words, once, in a transaction with its
// locked mapping.
func (b *Bridge) event(ctx context.Context, hub string, e livechat.Inbound) error {
	err := b.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		found, err := mapping.LockByHub(ctx, tx, hub, []livechat.ConversationID{e.Conversation})
		if err != nil {
			return err
		}
		m := found[0]
		if m != nil && e.Kind == livechat.KindEnded && !m.State.Open() {
			return nil // it knows already, or is told
		}
		if err := hearable(m); err != nil {
			return err
		}
		fresh, err := tx.Accept(ctx, hubScope(hub, e.Conversation), e.ID)
		if err != nil || !fresh {
			return err
		}
		return b.happened(ctx, tx, m, e)
	})
	if err != nil {
		return fmt.Errorf("hear %s: %w", e.Kind, err)
	}
	return nil
}

// happened does what an event calls for.
func (b *Bridge) happened(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, e livechat.Inbound) error {
	switch e.Kind {
	case livechat.KindJoined:
		return b.joined(ctx, tx, m, e.Sender)
	case livechat.KindLeft:
		return b.left(ctx, tx, m, e.Sender)
	case livechat.KindTransferred:
		return b.transferred(ctx, tx, m, e)
	case livechat.KindQueued:
		if e.Queue == nil {
			return nil
		}
		return mapping.Queued(ctx, tx, m.ID, *e.Queue)
	case livechat.KindTyping:
		return b.agentTypes(ctx, tx, m)
	case livechat.KindEdited, livechat.KindDeleted:
		return b.agentAmends(ctx, tx, m, e)
	case livechat.KindEnded:
		o := mapping.Outcome{By: mapping.ByAgent, Reason: e.Reason, Summary: e.Summary}
		return b.endUser(ctx, tx, m, o, b.agentEnded(m, e))
	case livechat.KindMessage: // comes by another way
	}
	return nil // a kind that another release of the port knows
}

// joined shows the user who has the conversation, with a way to end it.
func (b *Bridge) joined(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, agent string) error {
	if err := mapping.Joined(ctx, tx, m.ID); err != nil || agent == "" {
		return err
	}
	if err := mapping.Assigned(ctx, tx, m.ID, agent); err != nil {
		return err
	}
	return b.ask(ctx, tx, m, b.say(m, texts.AgentJoined(agent)), doEnd)
}

// left makes the user wait again if it was their agent who went.
func (b *Bridge) left(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, agent string) error {
	if agent != "" {
		if err := b.notify(ctx, tx, m, teamsOrder{}, delivery.Header{}, b.say(m, texts.AgentLeft(agent))); err != nil {
			return err
		}
		if m.Agent != "" && agent != m.Agent {
			return nil
		}
	}
	return mapping.Left(ctx, tx, m.ID)
}

// transferred shows where the conversation went: to a queue, if the hub says how
// the user waits there. Until somebody joins or writes, the user waits.
func (b *Bridge) transferred(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, e livechat.Inbound) error {
	if err := mapping.Left(ctx, tx, m.ID); err != nil || e.To == "" {
		return err
	}
	text, agent := texts.TransferredToAgent(e.To), e.To
	if e.Queue != nil {
		text, agent = texts.TransferredToQueue(e.To), ""
		if err := mapping.Queued(ctx, tx, m.ID, *e.Queue); err != nil {
			return err
		}
	}
	if err := mapping.Assigned(ctx, tx, m.ID, agent); err != nil {
		return err
	}
	return b.notify(ctx, tx, m, teamsOrder{}, delivery.Header{}, b.say(m, text))
}

// agentEnded is what the user is told when the hub ends a conversation.
func (b *Bridge) agentEnded(m *mapping.Mapping, e livechat.Inbound) string {
	said := []string{b.say(m, texts.AgentEnded(e.Sender))}
	if e.Reason != "" {
		said = append(said, b.say(m, texts.EndReason(e.Reason)))
	}
	if e.Summary != "" {
		said = append(said, b.say(m, texts.EndSummary(e.Summary)))
	}
	return strings.Join(said, "\n\n")
}
