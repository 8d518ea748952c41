package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/texts"
)

// returnWithin bounds the tries to tell the copilot out of turn. It is not known
// whether Copilot Studio accepts that; if not, the user's next message gets it in
// turn.
const returnWithin = time.Minute

// hubSettled runs when an order to a hub has its final outcome.
func (b *Bridge) hubSettled(ctx context.Context, tx *delivery.Tx, hub string, o hubOrder, s delivery.Settlement) error {
	m, err := mapping.Lock(ctx, tx, o.Mapping)
	if err != nil {
		return ignoreGone(err)
	}
	switch {
	case o.Tell:
		return b.tellStarted(ctx, tx, &m)
	case o.Answer != nil:
		q, err := mapping.QueueOf(ctx, tx, m.ID)
		if err != nil {
			return err
		}
		return b.post(ctx, tx, *o.Answer, b.started(m, q, o.Answer.Activity.Name)...)
	case o.Offer != nil:
		return b.hubOfferSettled(ctx, tx, m, *o.Offer, s)
	case s.Delivered:
		return nil
	case o.Open != nil:
		return b.openFailed(ctx, tx, hub, m, s)
	case o.Say != nil && !o.Ours:
		return b.notify(ctx, tx, &m, teamsOrder{}, delivery.Header{}, b.say(&m, undelivered(m)))
	}
	if o.End != nil {
		b.orphaned(ctx, tx, hub, m)
	}
	return nil
}

// orphaned tells an operator of an end that the hub did not take: its agents may
// still see the conversation. Most often it is over already, and the hub says so.
func (b *Bridge) orphaned(ctx context.Context, tx *delivery.Tx, hub string, m mapping.Mapping) {
	tx.AfterCommit(func() {
		b.opt.Log.ErrorContext(ctx, "end not taken", "hub", hub, "hub_conversation", m.HubConversation, "mapping", m.ID,
			"hint", "if the conversation is still open at the hub, end it there or redrive its letter: liaison deadletters ls --destination "+hubDestination(hub))
	})
}

// undelivered is what a user is told whose words did not reach the hub.
func undelivered(m mapping.Mapping) texts.Text {
	if m.State.Open() {
		return texts.LineFailed()
	}
	return texts.LineTooLate()
}

// ignoreGone makes nothing of a mapping that is not kept any more.
func ignoreGone(err error) error {
	if errors.Is(err, mapping.ErrNotFound) {
		return nil
	}
	return err
}

// openFailed leaves nothing behind: what the hub may have opened all the same is
// ended as soon as it answers.
func (b *Bridge) openFailed(ctx context.Context, tx *delivery.Tx, hub string, m mapping.Mapping, s delivery.Settlement) error {
	if m.State != mapping.Opening {
		// An attempt whose outcome was never recorded did open it, or whoever closed
		// the mapping has seen to its end.
		return nil
	}
	if err := mapping.Fail(ctx, tx, m.ID); err != nil || !s.Ambiguous {
		return err
	}
	_, err := enqueue(ctx, tx, b.toHub[hub], delivery.Header{Conversation: hubLane(m.ID)},
		hubOrder{Mapping: m.ID, End: &livechat.Ending{Key: m.OpenKey, Reason: "opening timed out"}})
	return err
}

// teamsSettled runs when a line for the user was refused, and when the last line
// of a conversation has its outcome.
func (b *Bridge) teamsSettled(ctx context.Context, tx *delivery.Tx, o teamsOrder, s delivery.Settlement) error {
	m, err := mapping.Lock(ctx, tx, o.Mapping)
	if err != nil {
		return ignoreGone(err)
	}
	if o.Ends {
		return b.giveBack(ctx, tx, m)
	}
	if s.Delivered && o.Offer != nil {
		return b.teamsOfferSettled(ctx, tx, m, *o.Offer)
	}
	if s.Delivered || !o.Agent {
		return nil
	}
	return b.reportLine(ctx, tx, m, o.Message, s)
}

// teamsParked runs when the channel says that the user cannot be reached. The
// agent is told; what waits is kept until the user writes. A conversation that is
// ending goes back to the copilot although its user could not be told.
func (b *Bridge) teamsParked(ctx context.Context, tx *delivery.Tx, o teamsOrder, _ delivery.Settlement) error {
	m, err := mapping.Get(ctx, tx, o.Mapping)
	if err != nil {
		return ignoreGone(err)
	}
	// A start that is under way either resumes the parked lane or is found here.
	if err := mapping.Take(ctx, tx, m.Key); err != nil {
		return err
	}
	if m, err = mapping.Lock(ctx, tx, o.Mapping); err != nil {
		return ignoreGone(err)
	}
	open := &m
	if !m.State.Open() {
		// The line is of a conversation that is over, and its user may be in the next.
		found, err := mapping.LockAll(ctx, tx, []mapping.Search{{Key: m.Key}}, mapping.Opening, mapping.Waiting, mapping.Active)
		if err != nil {
			return err
		}
		open = found[0]
	}
	if m.State == mapping.Ending {
		if err := b.giveBack(ctx, tx, m); err != nil {
			return err
		}
	}
	if open == nil {
		return nil
	}
	if err := mapping.Unreachable(ctx, tx, open.ID); err != nil {
		return err
	}
	return b.report(ctx, tx, *open, livechat.News{Kind: livechat.NewsUnreachable}, texts.ToAgentUnreachable())
}

// reached lets what waited for a user go on: they wrote. It follows accepted
// keys.
func (b *Bridge) reached(ctx context.Context, tx *delivery.Tx, k mapping.Key, m *mapping.Mapping) error {
	if m != nil && m.Unreachable {
		if err := mapping.Reached(ctx, tx, m.ID); err != nil {
			return err
		}
		if err := b.report(ctx, tx, *m, livechat.News{Kind: livechat.NewsReachable}, texts.ToAgentReachable()); err != nil {
			return err
		}
	}
	return tx.Resume(ctx, b.toTeams, teamsLane(k))
}

// giveBack tells the copilot that the user is its own again.
func (b *Bridge) giveBack(ctx context.Context, tx *delivery.Tx, m mapping.Mapping) error {
	if m.State != mapping.Ending {
		return nil
	}
	if m.Host == nil || !m.HostActive {
		return mapping.Close(ctx, tx, m.ID, m.ClosedBy)
	}
	_, err := enqueue(ctx, tx, b.toCopilot,
		delivery.Header{Conversation: returnLane(m.ID), Settle: true, Within: returnWithin},
		copilotOrder{Mapping: m.ID, Returns: true, Post: proactive.Post{
			To: *m.Host, OutOfTurn: true,
			Activity: EndOfTurn("", activity.CodeCompleted, ended(m)),
		}})
	return err
}

// copilotSettled closes a mapping whose copilot has been told. If it could not
// be, the mapping stays ending until the user's next message.
func (b *Bridge) copilotSettled(ctx context.Context, tx *delivery.Tx, o copilotOrder, s delivery.Settlement) error {
	if !o.Returns || !s.Delivered {
		return nil
	}
	m, err := mapping.Lock(ctx, tx, o.Mapping)
	if err != nil || m.State != mapping.Ending {
		return ignoreGone(err)
	}
	return mapping.Close(ctx, tx, m.ID, m.ClosedBy)
}
