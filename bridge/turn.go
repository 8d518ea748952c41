package bridge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
)

// A Turn is one inbound activity from the copilot's side, as its door understood
// it.
type Turn struct {
	Key       mapping.Key
	ID        string // the activity's id; an empty one is never a repeat
	ReplyTo   string // the id of the activity it answers; may be empty
	Name      string // of the event, "" for a message
	Tenant    string
	Channel   string
	User      livechat.User
	Reference mapping.Reference
	Claimed   livechat.ConversationID // the hub conversation the copilot names; may be empty
	Text      string
	Problem   string
	Variables map[string]string
	Inline    bool // answers go into the HTTP response, nothing is posted
}

func (t Turn) search() mapping.Search {
	return mapping.Search{Key: t.Key, Tenant: t.Tenant, User: t.Reference.Teams.User.ID, Hub: t.Claimed}
}

// accept reports whether the turn is new. It follows the locks on mappings.
func (t Turn) accept(ctx context.Context, tx *delivery.Tx) (bool, error) {
	return tx.Accept(ctx, inScope(t.Key), t.ID)
}

// Start ties the turn's conversation to a new hub conversation, or finds the one
// it is tied to. Unless the turn is inline, the copilot is told when the hub has
// answered, or has not in time. A repeated turn has no further effect; it returns
// 0 when its conversation is over by now.
func (b *Bridge) Start(ctx context.Context, t Turn) (mapping.ID, error) {
	var id mapping.ID
	err := b.commit(ctx, func(tx *delivery.Tx) error {
		m, made, err := b.reserve(ctx, tx, t)
		if err != nil {
			return err
		}
		id = m.ID
		fresh, err := t.accept(ctx, tx)
		switch {
		case err != nil:
			return err
		case !fresh && made:
			return errRepeat
		case !fresh:
			return nil
		}
		if err := b.reached(ctx, tx, t.Key, &m); err != nil {
			return err
		}
		if made {
			err = b.enqueueOpen(ctx, tx, m, t)
		} else {
			err = mapping.Refresh(ctx, tx, []*mapping.Mapping{&m}, []mapping.Reference{t.Reference})
		}
		if err != nil {
			return err
		}
		return b.answerStart(ctx, tx, m, t)
	})
	if errors.Is(err, errRepeat) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("start: %w", err)
	}
	return id, nil
}

func (b *Bridge) reserve(ctx context.Context, tx *delivery.Tx, t Turn) (mapping.Mapping, bool, error) {
	teams := t.Reference.Teams
	if teams.ServiceURL == "" {
		seen, err := mapping.Connector(ctx, tx, t.Key, t.Tenant)
		if err != nil {
			return mapping.Mapping{}, false, err
		}
		teams.ServiceURL = seen
	}
	if teams.ServiceURL == "" {
		teams.ServiceURL = b.opt.ConnectorURL
	}
	return mapping.Reserve(ctx, tx, mapping.Mapping{
		Key: t.Key, Tenant: t.Tenant, User: teams.User.ID, Hub: b.opt.Hub,
		Teams: teams, Connector: t.Reference.Connector, Host: t.Reference.Host,
	})
}

func (b *Bridge) enqueueOpen(ctx context.Context, tx *delivery.Tx, m mapping.Mapping, t Turn) error {
	_, err := enqueue(ctx, tx, b.toHub[m.Hub], delivery.Header{
		Conversation: hubLane(m.ID), Key: t.ID, Within: openWithin,
	}, hubOrder{Mapping: m.ID, Open: &livechat.Opening{
		Key: m.OpenKey, User: t.User, Problem: t.Problem, Channel: t.Channel,
		Reference: fmt.Sprint(m.ID), Variables: t.Variables,
	}})
	return err
}

// answerStart promises the copilot the outcome: behind the opening while that is
// under way, at once otherwise.
func (b *Bridge) answerStart(ctx context.Context, tx *delivery.Tx, m mapping.Mapping, t Turn) error {
	if t.Inline || t.Reference.Host == nil {
		return nil
	}
	post := proactive.Post{To: *t.Reference.Host, ReplyTo: t.ID, Activity: activity.Activity{Name: t.Name}}
	hub, ok := b.toHub[m.Hub]
	if m.State != mapping.Opening || !ok {
		return b.post(ctx, tx, post, started(m, t.Name)...)
	}
	_, err := enqueue(ctx, tx, hub, delivery.Header{
		Conversation: hubLane(m.ID), Key: t.ID, Settle: true,
	}, hubOrder{Mapping: m.ID, Answer: &post})
	return err
}

// Started waits for the outcome of a start and returns what to tell the copilot.
func (b *Bridge) Started(ctx context.Context, id mapping.ID, name string) ([]activity.Activity, error) {
	ctx, cancel := context.WithTimeout(ctx, openWithin+time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		m, err := mapping.Get(ctx, b.opt.Pool, id)
		if err != nil {
			return nil, fmt.Errorf("await start: %w", err)
		}
		if m.State != mapping.Opening {
			return started(m, name), nil
		}
		select {
		case <-tick.C: // any replica may be the one that opens it
		case <-ctx.Done():
			return started(m, name), nil
		}
	}
}

// Forward promises the turn's words to the hub. It returns [ErrNotEscalated]
// when no hub has the conversation.
func (b *Bridge) Forward(ctx context.Context, t Turn) error {
	return b.userLines.do(ctx, t)
}

// acceptUser forwards a batch of turns in one transaction.
func (b *Bridge) acceptUser(ctx context.Context, turns []Turn) ([]error, error) {
	errs := make([]error, len(turns))
	searches := make([]mapping.Search, len(turns))
	for i, t := range turns {
		searches[i] = t.search()
	}
	err := b.commit(ctx, func(tx *delivery.Tx) error {
		found, err := mapping.LockAll(ctx, tx, searches, mapping.Opening, mapping.Waiting, mapping.Active)
		if err != nil {
			return err
		}
		var ms []*mapping.Mapping
		var kept []Turn
		for i, m := range found {
			errs[i] = b.forwardable(m)
			if errs[i] == nil {
				ms, kept = append(ms, m), append(kept, turns[i])
			}
		}
		return b.forwardLocked(ctx, tx, ms, kept)
	})
	if err != nil {
		return nil, fmt.Errorf("forward: %w", err)
	}
	return errs, nil
}

func (b *Bridge) forwardable(m *mapping.Mapping) error {
	switch {
	case m == nil:
		return ErrNotEscalated
	case b.toHub[m.Hub] == nil:
		return ErrNoHub
	}
	return nil
}

func (b *Bridge) forwardLocked(ctx context.Context, tx *delivery.Tx, ms []*mapping.Mapping, turns []Turn) error {
	refs := make([]mapping.Reference, len(turns))
	items := make([]delivery.Item, len(turns))
	for i, t := range turns {
		refs[i] = t.Reference
		item, err := b.toHub[ms[i].Hub].Item(delivery.Header{
			Conversation: hubLane(ms[i].ID), Scope: inScope(t.Key), Key: t.ID, Likeness: t.likeness(),
		}, hubOrder{Mapping: ms[i].ID, Say: t.message(ms[i])})
		if err != nil {
			return err
		}
		items[i] = item
	}
	if err := mapping.Refresh(ctx, tx, ms, refs); err != nil {
		return err
	}
	fresh, err := tx.Enqueue(ctx, items...)
	if err != nil {
		return err
	}
	var said []mapping.Entry
	for i, t := range turns {
		if fresh[i] && ms[i].Unreachable {
			if err := b.reached(ctx, tx, t.Key, ms[i]); err != nil {
				return err
			}
		}
		if fresh[i] {
			said = append(said, mapping.Entry{Mapping: ms[i].ID, Side: mapping.User, Name: t.User.Name, Text: t.Text, Key: t.ID})
		}
	}
	return mapping.Append(ctx, tx, said...)
}

// message is the turn for the hub, whose conversation is known unless it is being
// opened. A turn without an id gets a key of its own, so that the hub can tell our
// repeats.
func (t Turn) message(m *mapping.Mapping) *livechat.Message {
	id := t.ID
	if id == "" {
		id = rand.Text()
	}
	return &livechat.Message{
		Conversation: m.HubConversation, Key: fmt.Sprintf("%d/%s", m.ID, id), Sender: t.User.Name,
		Text: t.Text, Problem: t.Problem, Variables: t.Variables,
	}
}
