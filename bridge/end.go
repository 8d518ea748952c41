package bridge

import (
	"context"
	"fmt"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/texts"
)

// End gives the turn's conversation back to the copilot from the user's side and
// answers the turn. The hub is told behind the user's pending words. It does no
// harm when no hub has the conversation, and a repeated turn has no effect.
func (b *Bridge) End(ctx context.Context, t Turn, by mapping.Closer, answers ...activity.Activity) error {
	err := b.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		found, err := mapping.LockAll(ctx, tx, []mapping.Search{t.search()},
			mapping.Opening, mapping.Waiting, mapping.Active, mapping.Ending)
		if err != nil {
			return err
		}
		fresh, err := t.accept(ctx, tx)
		if err != nil || !fresh {
			return err
		}
		if err := b.reached(ctx, tx, t.Key, found[0]); err != nil {
			return err
		}
		if err := b.answer(ctx, tx, t, answers...); err != nil {
			return err
		}
		if m := found[0]; m != nil {
			return b.close(ctx, tx, m, by)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("end: %w", err)
	}
	return nil
}

// close ends a locked mapping for good, from the copilot's side: there is nobody
// to give it back to.
func (b *Bridge) close(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, by mapping.Closer) error {
	if err := b.endHub(ctx, tx, m, by); err != nil {
		return err
	}
	if err := mapping.Close(ctx, tx, m.ID, by); err != nil || by != mapping.ByUser {
		return err
	}
	return b.askSurvey(ctx, tx, m)
}

// takeBack ends a locked mapping from our side: the hub is told behind the user's
// pending words, the user behind the agent's, and then the copilot.
func (b *Bridge) takeBack(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, o mapping.Outcome, text string) error {
	if m.State == mapping.Opening {
		if err := b.notify(ctx, tx, m, teamsOrder{}, delivery.Header{}, text); err != nil {
			return err
		}
		return b.close(ctx, tx, m, o.By)
	}
	if err := b.endHub(ctx, tx, m, o.By); err != nil {
		return err
	}
	return b.endUser(ctx, tx, m, o, text)
}

// endHub tells the hub of a locked mapping that our side is done, and its agent
// why.
func (b *Bridge) endHub(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, by mapping.Closer) error {
	hub, ok := b.toHub[m.Hub]
	if !ok || !m.State.Open() {
		return nil
	}
	if text, unsaid := whyEnded(by); unsaid && m.State != mapping.Opening {
		if err := b.tellAgent(ctx, tx, *m, b.sayAgent(text)); err != nil {
			return err
		}
	}
	_, err := enqueue(ctx, tx, hub, delivery.Header{Conversation: hubLane(m.ID)},
		hubOrder{Mapping: m.ID, End: &livechat.Ending{Conversation: m.HubConversation, Key: m.OpenKey, Reason: string(by)}})
	return err
}

// whyEnded is what an agent is told when our side ends a conversation, unless the
// end says it all.
func whyEnded(by mapping.Closer) (text texts.Text, unsaid bool) {
	switch by {
	case mapping.ByIdle:
		return texts.ToAgentIdleEnded(), true
	case mapping.ByCap:
		return texts.ToAgentCapEnded(), true
	case mapping.ByUser, mapping.ByHost, mapping.ByAgent, mapping.ByUnreachable, mapping.ByOperator:
	}
	return texts.Text{}, false
}

// endUser gives a locked mapping back to the copilot: behind the agent's pending
// words the user is told text, then the copilot. Repeating it changes nothing.
func (b *Bridge) endUser(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, o mapping.Outcome, text string) error {
	if err := mapping.End(ctx, tx, m.ID, o); err != nil {
		return err
	}
	m.State, m.ClosedBy, m.Reason, m.Summary = mapping.Ending, o.By, o.Reason, o.Summary
	if !m.Unreachable {
		if err := b.notify(ctx, tx, m, teamsOrder{Ends: true}, delivery.Header{Settle: true}, text); err != nil {
			return err
		}
		return b.askSurvey(ctx, tx, m)
	}
	// The notice waits for the user; the copilot need not.
	if err := b.notify(ctx, tx, m, teamsOrder{}, delivery.Header{}, text); err != nil {
		return err
	}
	return b.giveBack(ctx, tx, *m)
}

// NotEscalated answers a message that reached us although no hub has the
// conversation, and returns the answer. Usually the hub has just ended it and
// the copilot could not be told out of turn: then the turn gives control back
// and the user's words with it.
func (b *Bridge) NotEscalated(ctx context.Context, t Turn) ([]activity.Activity, error) {
	var answers []activity.Activity
	var begun bool
	err := b.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		found, err := mapping.LockAll(ctx, tx, []mapping.Search{t.search()},
			mapping.Opening, mapping.Waiting, mapping.Active, mapping.Ending)
		if err != nil {
			return err
		}
		m := found[0]
		if begun = m != nil && m.State.Open(); begun {
			return nil
		}
		fresh, err := t.accept(ctx, tx)
		if err != nil {
			return err
		}
		if !fresh {
			answers, err = b.repeated(ctx, tx, m, t)
			return err
		}
		answers = b.notEscalated(m, t)
		if err := b.reached(ctx, tx, t.Key, m); err != nil {
			return err
		}
		if m != nil {
			if err := mapping.Close(ctx, tx, m.ID, m.ClosedBy); err != nil {
				return err
			}
		}
		return b.answer(ctx, tx, t, answers...)
	})
	if err != nil {
		return nil, fmt.Errorf("answer unescalated message: %w", err)
	}
	if begun { // since the caller looked: our answer would end it
		return b.Forward(ctx, t)
	}
	return answers, nil
}

// repeated answers an inline turn once more. What the hub was told is not given
// back.
func (b *Bridge) repeated(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, t Turn) ([]activity.Activity, error) {
	if !t.Inline {
		return nil, nil
	}
	wrote, err := mapping.Wrote(ctx, tx, t.Key, t.ID)
	if wrote {
		t.Text = ""
	}
	return b.notEscalated(m, t), err
}

// notEscalated gives control back to the copilot, and the turn's words with it. m
// is the mapping the copilot has not been told the end of, or nil.
func (b *Bridge) notEscalated(m *mapping.Mapping, t Turn) []activity.Activity {
	words := t.Text
	if t.Press != nil {
		words = "" // a button of ours is nothing to say to the copilot
	}
	if m == nil {
		return []activity.Activity{
			proactive.Notice(b.voice(t).Say(texts.NotConnected())),
			EndOfTurn("", activity.CodeUnknown, Outputs{Status: statusNone, PendingText: words}),
		}
	}
	out := ended(*m)
	out.PendingText = words
	return []activity.Activity{
		proactive.Notice(b.voice(t).Say(texts.TooLate(m.Agent))),
		EndOfTurn("", activity.CodeCompleted, out),
	}
}
