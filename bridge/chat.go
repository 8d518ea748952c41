package bridge

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/texts"
)

// Our own bot's chat has no copilot that speaks for us: what a host would be
// answered, the user is told.

// Tell promises the turn's user a text. A repeated turn has no effect.
func (b *Bridge) Tell(ctx context.Context, t Turn, text texts.Text) error {
	return b.Answer(ctx, t, proactive.Notice(b.voice(t).Say(text)))
}

// Offer promises the turn's user a text with a button that asks for a person. A
// repeated turn has no effect.
func (b *Bridge) Offer(ctx context.Context, t Turn, text texts.Text) error {
	a, err := b.offer(t, text)
	if err != nil {
		return err
	}
	return b.Answer(ctx, t, a)
}

// Welcome is [Bridge.Offer] of a greeting, once in a while for each conversation:
// Teams tells of an installation in more than one activity.
func (b *Bridge) Welcome(ctx context.Context, t Turn) error {
	t.ID = "welcome"
	return b.Offer(ctx, t, texts.HandoffWelcome())
}

func (b *Bridge) offer(t Turn, text texts.Text) (activity.Activity, error) {
	v := b.voice(t)
	return proactive.Ask(v.Say(text), proactive.Button{
		Title: v.Say(doStart.title()), Value: pressed{Press{Do: doStart}},
	})
}

// WantsPerson reports whether the turn asks for a person: by the button of
// [Bridge.Offer], or by its very title.
func (b *Bridge) WantsPerson(t Turn) bool {
	if t.Press != nil {
		return t.Press.Do == doStart
	}
	return strings.EqualFold(strings.TrimSpace(t.Text), b.voice(t).Say(doStart.title()))
}

// tellTurn promises the turn's user what there is to read of activities.
func (b *Bridge) tellTurn(ctx context.Context, tx *delivery.Tx, t Turn, activities ...activity.Activity) error {
	if err := b.reached(ctx, tx, t.Key, nil); err != nil {
		return err
	}
	to := t.Reference.Teams
	to.ServiceURL = cmp.Or(to.ServiceURL, b.opt.ConnectorURL)
	for _, a := range activities {
		if a.Type != activity.TypeMessage {
			continue
		}
		_, err := enqueue(ctx, tx, b.toTeams, delivery.Header{Conversation: teamsLane(t.Key), Key: t.ID},
			teamsOrder{Tenant: t.Tenant, Post: proactive.Post{To: to, Activity: a}})
		if err != nil {
			return err
		}
	}
	return nil
}

// answerStartHere promises the user the outcome of a start: behind the opening
// while that is under way, at once otherwise.
func (b *Bridge) answerStartHere(ctx context.Context, tx *delivery.Tx, m mapping.Mapping, t Turn) error {
	hub, ok := b.toHub[m.Hub]
	if m.State != mapping.Opening || !ok {
		return b.tellStarted(ctx, tx, &m)
	}
	_, err := enqueue(ctx, tx, hub, delivery.Header{
		Conversation: hubLane(m.ID), Key: t.ID, Settle: true,
	}, hubOrder{Mapping: m.ID, Tell: true})
	return err
}

// tellStarted tells the user of a locked mapping how their start went, unless an
// agent is with them already.
func (b *Bridge) tellStarted(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping) error {
	q, err := mapping.QueueOf(ctx, tx, m.ID)
	if err != nil {
		return err
	}
	if m.State == mapping.Waiting {
		text := texts.Connected()
		if q != (livechat.QueueState{}) {
			text = texts.Queued(q.Position, q.Wait)
		}
		return b.notify(ctx, tx, m, teamsOrder{}, delivery.Header{}, b.say(m, text))
	}
	for _, a := range b.started(*m, q, "") {
		if a.Type != activity.TypeMessage {
			continue
		}
		if err := b.tell(ctx, tx, m, teamsOrder{}, delivery.Header{}, a); err != nil {
			return fmt.Errorf("tell user: %w", err)
		}
	}
	return nil
}
