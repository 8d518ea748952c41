package bridge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/files"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/texts"
	"github.com/liaison-skill/liaison/words"
)

// A Turn is one inbound activity from the copilot's side, as its door understood
// it.
type Turn struct {
	Key        mapping.Key
	ID         string // the activity's id; an empty one is never a repeat
	ReplyTo    string // the id of the activity it answers; may be empty
	Name       string // of the event, "" for a message
	Tenant     string
	Channel    string
	User       livechat.User
	Reference  mapping.Reference
	Claimed    livechat.ConversationID // the hub conversation the copilot names; may be empty
	Text       string
	Files      []files.Source // with neither owner nor direction
	Press      *Press         // a button of ours that was pressed, or nil
	At         time.Time      // by the channel's clock; zero when it does not say
	Problem    string
	Summary    string          // what the copilot makes of the conversation so far
	Queue      string          // where it should go; a hint to the hub
	Skills     []string        // what an agent should know; a hint to the hub
	Priority   int             // more is more urgent
	Transcript []livechat.Line // what user and copilot said before
	Variables  map[string]string
	Inline     bool // answers go into the HTTP response, nothing is posted

	greet bool              // the user came from Copilot, see [Bridge.Continue]
	from  trace.SpanContext // of the request; a committer's context is nobody's
}

func (t Turn) search() mapping.Search {
	return mapping.Search{Key: t.Key, Tenant: t.Tenant, User: t.Reference.Teams.User.ID, Hub: t.Claimed}
}

// accept reports whether the turn is new. It follows the locks on mappings.
func (t Turn) accept(ctx context.Context, tx *delivery.Tx) (bool, error) {
	return tx.Accept(ctx, inScope(t.Key), t.ID)
}

// voice speaks to the turn's user.
func (b *Bridge) voice(t Turn) texts.Voice {
	v := b.opt.Texts.In(t.User.Locale, t.User.TimeZone)
	if t.Reference.Host == nil && !t.Inline {
		return v.InOwnChat()
	}
	return v
}

// Forward promises the turn's words to the hub, or does what they ask of us, and
// returns the answer to the turn. It returns [ErrNotEscalated] when no hub has the
// conversation.
func (b *Bridge) Forward(ctx context.Context, t Turn) ([]activity.Activity, error) {
	t.from = trace.SpanContextFromContext(ctx)
	for {
		err := b.userLines.do(ctx, t)
		if !errors.Is(err, errAsked) {
			return nil, err
		}
		answers, err := b.act(ctx, t)
		if !errors.Is(err, errNotAsked) { // else what was asked was settled in between
			return answers, err
		}
	}
}

// acceptUser forwards a batch of turns in one transaction.
func (b *Bridge) acceptUser(ctx context.Context, turns []Turn) ([]error, error) {
	errs := make([]error, len(turns))
	searches := make([]mapping.Search, len(turns))
	for i, t := range turns {
		searches[i] = t.search()
	}
	err := b.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		found, err := mapping.LockAll(ctx, tx, searches, mapping.Opening, mapping.Waiting, mapping.Active)
		if err != nil {
			return err
		}
		var ms []*mapping.Mapping
		var kept []Turn
		for i, m := range found {
			errs[i] = b.forwardable(m, turns[i])
			if errs[i] == nil {
				ms, kept = append(ms, m), append(kept, turns[i])
			}
		}
		return b.forwardInOrder(ctx, tx, ms, kept)
	})
	if err != nil {
		return nil, fmt.Errorf("forward: %w", err)
	}
	return errs, nil
}

func (b *Bridge) forwardable(m *mapping.Mapping, t Turn) error {
	switch {
	case m == nil:
		return ErrNotEscalated
	case b.asked(m, t):
		return errAsked
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
			Conversation: hubLane(ms[i].ID), Scope: inScope(t.Key), Key: t.ID, Likeness: t.likeness(), From: t.from,
		}, t.order(ms[i]))
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
		if fresh[i] && t.Text != "" {
			said = append(said, t.entry(ms[i]))
		}
	}
	if err := mapping.Append(ctx, tx, said...); err != nil {
		return err
	}
	for i, t := range turns {
		if fresh[i] {
			if err := b.forwardFiles(ctx, tx, ms[i], t); err != nil {
				return err
			}
		}
	}
	return nil
}

// entry is the turn for the transcript.
func (t Turn) entry(m *mapping.Mapping) mapping.Entry {
	return mapping.Entry{Mapping: m.ID, Side: mapping.User, Name: t.User.Name, Text: t.Text, Key: t.ID}
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
		Conversation: m.HubConversation, Key: hubKey(m.ID, id), Sender: words.Inert(t.User.Name),
		Text: words.Inert(t.Text), Problem: words.Inert(t.Problem), Variables: inertVariables(t.Variables),
	}
}

// hubKey names, to a hub, what an activity said.
func hubKey(id mapping.ID, activity string) string { return fmt.Sprintf("%d/%s", id, activity) }
