package bridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/handoff"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/texts"
)

// Continue starts the escalation of a user who came from Copilot by a link: the
// link's token is redeemed in the same transaction, so that neither happens without
// the other. A link that is no good is told of in words, and in the error, one of
// package handoff's. A repeated turn has no further effect.
func (b *Bridge) Continue(ctx context.Context, t Turn, token handoff.Token) error {
	var refused error
	err := b.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		// Tokens come before mappings and lanes in the order of locks.
		c, err := handoff.Redeem(ctx, tx, token, handoff.Holder{Tenant: t.Tenant, User: t.User.ID, Bot: t.Key.BotAppID})
		if text, no := noGood(err); no {
			refused, err = err, b.turnAway(ctx, tx, t, text)
			return err
		}
		refused = nil
		if err != nil {
			return err
		}
		return b.carryOver(ctx, tx, t.continuing(c))
	})
	switch {
	case errors.Is(err, errRepeat):
		return nil
	case err != nil:
		return fmt.Errorf("continue from Copilot: %w", err)
	}
	return refused
}

// noGood is what the user of a link that is no good is told.
func noGood(err error) (text texts.Text, no bool) {
	switch {
	case errors.Is(err, handoff.ErrUsed), errors.Is(err, handoff.ErrExpired):
		return texts.HandoffExpired(), true
	case errors.Is(err, handoff.ErrUnknown):
		return texts.HandoffInvalid(), true
	}
	return texts.Text{}, false
}

// turnAway offers the user of a link that is no good a person all the same. A repeat
// is the invoke that used the link, come again.
func (b *Bridge) turnAway(ctx context.Context, tx *delivery.Tx, t Turn, text texts.Text) error {
	fresh, err := t.accept(ctx, tx)
	if err != nil {
		return err
	}
	if !fresh {
		return errRepeat
	}
	a, err := b.offer(t, text)
	if err != nil {
		return err
	}
	return b.tellTurn(ctx, tx, t, a)
}

// continuing is the turn with what was said in Copilot.
func (t Turn) continuing(c handoff.Context) Turn {
	t.greet = true
	t.Problem, t.Summary, t.Queue, t.Variables = c.Problem, c.Summary, c.Queue, c.Variables
	for _, l := range c.Transcript {
		line := livechat.Line{Side: livechat.SideCopilot, Text: l.Text, At: l.At}
		if l.User {
			line.Side, line.Sender = livechat.SideUser, t.User.Name
		}
		t.Transcript = append(t.Transcript, line)
	}
	return t
}

// carryOver starts the escalation, or tells the user when nobody is there.
func (b *Bridge) carryOver(ctx context.Context, tx *delivery.Tx, t Turn) error {
	closed, err := b.closed(ctx, tx, t)
	if err != nil {
		return err
	}
	if closed == nil {
		_, err := b.startOpen(ctx, tx, t)
		return err
	}
	fresh, err := t.accept(ctx, tx)
	if err != nil {
		return err
	}
	if !fresh {
		return errRepeat
	}
	return b.answer(ctx, tx, t, closed...)
}

// greet shows a user who came from Copilot that they have arrived: Teams does not.
// An agent who is with them already is told what it is about now.
func (b *Bridge) greet(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, t Turn, made bool) error {
	if !t.greet {
		return nil
	}
	if err := b.notify(ctx, tx, m, teamsOrder{Followed: t.followed()}, delivery.Header{}, b.say(m, texts.HandoffContinuing())); err != nil {
		return err
	}
	_, err := enqueue(ctx, tx, b.toTeams, delivery.Header{Conversation: teamsLane(m.Key)}, teamsOrder{
		Mapping: m.ID, Tenant: m.Tenant, Until: time.Now().Add(typingWorth),
		Post: proactive.Post{To: m.Teams, Activity: proactive.Typing()},
	})
	if err != nil || made {
		return err
	}
	t.Text = t.retold()
	hub, ok := b.toHub[m.Hub]
	if !ok || t.Text == "" {
		return nil
	}
	if _, err := enqueue(ctx, tx, hub, delivery.Header{Conversation: hubLane(m.ID), Key: t.ID},
		hubOrder{Mapping: m.ID, Say: t.message(m)}); err != nil {
		return err
	}
	return mapping.Append(ctx, tx, t.entry(m))
}

// retold is what was said in Copilot, for an agent who is with the user already.
func (t Turn) retold() string {
	said := []string{}
	if about := cmp.Or(t.Summary, t.Problem); about != "" {
		said = append(said, about)
	}
	for _, l := range t.Transcript {
		said = append(said, cmp.Or(l.Sender, "Copilot")+": "+l.Text)
	}
	return strings.Join(said, "\n")
}
