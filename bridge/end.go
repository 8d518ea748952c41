package bridge

import (
	"context"
	"fmt"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
)

// End gives the turn's conversation back to the copilot from the user's side and
// answers the turn. The hub is told behind the user's pending words. It does no
// harm when no hub has the conversation, and a repeated turn has no effect.
func (b *Bridge) End(ctx context.Context, t Turn, by mapping.Closer, answers ...activity.Activity) error {
	err := b.commit(ctx, func(tx *delivery.Tx) error {
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

// close ends a locked mapping for good.
func (b *Bridge) close(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, by mapping.Closer) error {
	if hub, ok := b.toHub[m.Hub]; ok && m.State.Open() {
		_, err := enqueue(ctx, tx, hub, delivery.Header{Conversation: hubLane(m.ID)},
			hubOrder{Mapping: m.ID, End: &livechat.Ending{Conversation: m.HubConversation, Key: m.OpenKey, Reason: string(by)}})
		if err != nil {
			return err
		}
	}
	return mapping.Close(ctx, tx, m.ID, by)
}

// NotEscalated answers a message that reached us although no hub has the
// conversation, and returns the answer. Usually the hub has just ended it and
// the copilot could not be told out of turn: then the turn gives control back
// and the user's words with it.
func (b *Bridge) NotEscalated(ctx context.Context, t Turn) ([]activity.Activity, error) {
	var answers []activity.Activity
	err := b.commit(ctx, func(tx *delivery.Tx) error {
		found, err := mapping.LockAll(ctx, tx, []mapping.Search{t.search()}, mapping.Ending)
		if err != nil {
			return err
		}
		m := found[0]
		answers = notEscalated(m, t.Text)
		fresh, err := t.accept(ctx, tx)
		if err != nil || !fresh {
			return err // of a repeat, the hub or the copilot has the words already
		}
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
	return answers, nil
}

// notEscalated gives control back to the copilot, and words with it. m is the
// mapping the copilot has not been told the end of, or nil.
func notEscalated(m *mapping.Mapping, words string) []activity.Activity {
	if m == nil {
		return []activity.Activity{
			proactive.Notice(textNotConnected),
			EndOfTurn("", activity.CodeUnknown, Outputs{Status: statusNone, PendingText: words}),
		}
	}
	return []activity.Activity{EndOfTurn("", activity.CodeCompleted, Outputs{
		LiveChatConversationID: string(m.HubConversation), Status: statusEnded,
		Reason: string(m.ClosedBy), PendingText: words,
	})}
}
