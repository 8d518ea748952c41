package bridge

import (
	"context"
	"fmt"
	"time"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
)

// Bounds of showing that somebody is typing (rule A6001: at most one in three
// seconds, shown for about that long).
const (
	typingEvery = 3 * time.Second
	typingWorth = 3 * time.Second // later it says nothing
)

// agentTypes shows that the agent is typing, if it was not shown just now.
func (b *Bridge) agentTypes(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping) error {
	show, err := mapping.Typing(ctx, tx, m.ID, typingEvery)
	if err != nil || !show || m.Unreachable {
		return err
	}
	_, err = enqueue(ctx, tx, b.toTeams, delivery.Header{Conversation: teamsLane(m.Key)}, teamsOrder{
		Mapping: m.ID, Tenant: m.Tenant, Until: time.Now().Add(typingWorth),
		Post: proactive.Post{To: m.Teams, Activity: proactive.Typing()},
	})
	return err
}

// showTyping is worth one attempt, soon: whatever comes of it, it is done.
func (b *Bridge) showTyping(ctx context.Context, o teamsOrder) error {
	if time.Now().After(o.Until) {
		return nil
	}
	ctx, cancel := context.WithDeadline(ctx, o.Until)
	defer cancel()
	if _, err := b.opt.Client.Send(ctx, o.Post); err != nil {
		b.opt.Log.DebugContext(ctx, "typing not shown", "err", err)
	}
	return nil
}

// Typing shows the agent that the turn's user is typing, where the hub can. It is
// not promised.
func (b *Bridge) Typing(ctx context.Context, t Turn) error {
	err := b.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		found, err := mapping.LockAll(ctx, tx, []mapping.Search{t.search()}, mapping.Active)
		if err != nil || found[0] == nil {
			return err
		}
		m := found[0]
		if _, able := b.opt.Hubs[m.Hub].(livechat.Typing); !able {
			return nil
		}
		// One in each span of time: the rest are repeats.
		span := time.Now().Unix() / int64(typingEvery/time.Second)
		fresh, err := tx.Accept(ctx, inScope(t.Key), fmt.Sprintf("typing %d", span))
		if err != nil || !fresh {
			return err
		}
		_, err = enqueue(ctx, tx, b.toHub[m.Hub], delivery.Header{Conversation: hubLane(m.ID)},
			hubOrder{Mapping: m.ID, Typing: true, Until: time.Now().Add(typingWorth)})
		return err
	})
	if err != nil {
		return fmt.Errorf("typing: %w", err)
	}
	return nil
}

// typeHub is worth one attempt, soon: whatever comes of it, it is done.
func (b *Bridge) typeHub(ctx context.Context, hub livechat.Hub, o hubOrder) error {
	able, ok := hub.(livechat.Typing)
	if !ok || time.Now().After(o.Until) {
		return nil
	}
	ctx, cancel := context.WithDeadline(ctx, o.Until)
	defer cancel()
	c, err := b.hubConversation(ctx, o.Mapping, "")
	if err == nil && c != "" {
		err = able.Typing(ctx, c)
	}
	if err != nil {
		b.opt.Log.DebugContext(ctx, "typing not shown to the agent", "err", err)
	}
	return nil
}
