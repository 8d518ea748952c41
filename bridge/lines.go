package bridge

import (
	"context"
	"fmt"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/words"
)

// agentWords is what an agent wrote, as Teams shows it.
func agentWords(e livechat.Inbound) string { return words.ToTeams(e.Text, words.Format(e.Format)) }

// agentLines shows an agent's words in as many lines as Teams needs for them.
func agentLines(m *mapping.Mapping, sender, markdown string) []teamsOrder {
	said := proactive.AgentLines(sender, markdown)
	orders := make([]teamsOrder, len(said))
	for i, line := range said {
		orders[i] = teamsOrder{Mapping: m.ID, Tenant: m.Tenant, Agent: true, Post: proactive.Post{To: m.Teams, Activity: line}}
	}
	return orders
}

// partKey is the key of a line that is one of several, counted from 1. None of
// them has the event's own: what asks for that is told that there is no such line.
// An event without a key has none for its lines.
func partKey(event string, n int) string {
	if event == "" {
		return ""
	}
	return fmt.Sprintf("%s (%d)", event, n)
}

// agentItems promises the user one event's words. Those of several lines are
// accepted once for all, and are none when they were before.
func (b *Bridge) agentItems(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, scope string, e heard) ([]delivery.Item, error) {
	orders := agentLines(m, e.Sender, agentWords(e.Inbound))
	for i := range orders {
		orders[i].Message = e.Message
	}
	orders[0].Followed = e.followed
	h := delivery.Header{Conversation: teamsLane(m.Key), From: e.from}
	if len(orders) == 1 {
		h.Scope, h.Key = scope, e.ID
		item, err := b.toTeams.Item(h, orders[0])
		return []delivery.Item{item}, err
	}
	fresh, err := tx.Accept(ctx, scope, e.ID)
	if err != nil || !fresh {
		return nil, err
	}
	return b.partItems(h, e.ID, orders)
}

// partItems are orders that were accepted as one event.
func (b *Bridge) partItems(h delivery.Header, event string, orders []teamsOrder) ([]delivery.Item, error) {
	items := make([]delivery.Item, len(orders))
	for i, o := range orders {
		h.Key = partKey(event, i+1)
		item, err := b.toTeams.Item(h, o)
		if err != nil {
			return nil, err
		}
		items[i] = item
	}
	return items, nil
}

// deleteParts deletes the lines that an agent's words were shown in, and returns
// how many there were.
func (b *Bridge) deleteParts(ctx context.Context, to proactive.Target, lane, event string) (int, error) {
	for n := 1; ; n++ {
		made, err := delivery.ReceiptOf(ctx, b.opt.Pool, b.toTeams, lane, partKey(event, n))
		if err != nil || made == "" {
			return n - 1, err
		}
		if err := b.opt.Client.Delete(ctx, to, made); err != nil && !cannotAmend(err) {
			return n - 1, err
		}
	}
}
