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
// harm when no hub has the conversation.
func (b *Bridge) End(ctx context.Context, t Turn, by mapping.Closer, answers ...activity.Activity) error {
	err := b.commit(ctx, func(tx *delivery.Tx) error {
		found, err := mapping.LockAll(ctx, tx, []mapping.Search{t.search()},
			mapping.Opening, mapping.Waiting, mapping.Active, mapping.Ending)
		if err != nil {
			return err
		}
		if m := found[0]; m != nil {
			if err := b.close(ctx, tx, m, by); err != nil {
				return err
			}
		}
		return b.answer(ctx, tx, t, answers...)
	})
	if err != nil {
		return fmt.Errorf("end: %w", err)
	}
	return nil
}

// close ends a locked mapping for good.
func (b *Bridge) close(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, by mapping.Closer) error {
	if m.State.Open() {
		_, err := enqueue(ctx, tx, b.toHub[m.Hub], delivery.Header{Conversation: hubLane(m.ID)},
			hubOrder{Mapping: m.ID, End: &livechat.Ending{Key: m.OpenKey, Reason: string(by)}})
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
		if m == nil {
			answers = []activity.Activity{
				proactive.Notice(textNotConnected),
				EndOfTurn("", activity.CodeUnknown, Outputs{Status: statusNone, PendingText: t.Text}),
			}
			return b.answer(ctx, tx, t, answers...)
		}
		answers = []activity.Activity{EndOfTurn("", activity.CodeCompleted, Outputs{
			LiveChatConversationID: string(m.HubConversation), Status: statusEnded,
			Reason: string(m.ClosedBy), PendingText: t.Text,
		})}
		if err := mapping.Close(ctx, tx, m.ID, m.ClosedBy); err != nil {
			return err
		}
		return b.answer(ctx, tx, t, answers...)
	})
	if err != nil {
		return nil, fmt.Errorf("answer unescalated message: %w", err)
	}
	return answers, nil
}
