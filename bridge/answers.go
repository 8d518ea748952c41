package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
)

// What the service itself says to users and agents.
const (
	textNoHub        = "Sorry, I could not reach a person just now. Please try again in a few minutes."
	textNotConnected = "You are not connected to a person. You are back with the copilot."
	textUndelivered  = "Your message could not be delivered to the person you are talking to. Please send it again."
	textTooLate      = "Your last message did not reach the person before the conversation ended."
	textUnreached    = "This line could not be delivered to the user"
	textPerhaps      = "Teams gave no clear answer to your last line: the user may have it, or not. Ask before you repeat it."
	textUnreachable  = "The user cannot be reached: they blocked or removed the app, or an admin did. Your lines are kept and arrive when they write again."
)

// Statuses a topic can branch on.
const (
	statusConnected = "connected"
	statusFailed    = "failed"
	statusEnded     = "ended"
	statusNone      = "none"
)

// errRepeat is a turn that had its effect before.
var errRepeat = errors.New("repeated turn")

// Outputs are the values an endOfConversation gives back to the copilot's topic.
// Their names are the manifest's.
type Outputs struct {
	LiveChatConversationID string `json:"LiveChatConversationId,omitempty"`
	Status                 string `json:"status,omitempty"`
	Reason                 string `json:"reason,omitempty"`
	PendingText            string `json:"PendingText,omitempty"` // words the copilot should answer
}

// EndOfTurn returns the endOfConversation that finishes the skill action name.
func EndOfTurn(name, code string, out Outputs) activity.Activity {
	value, _ := json.Marshal(out)
	return activity.Activity{Type: activity.TypeEndOfConversation, Name: name, Code: code, Value: value}
}

// started tells the copilot how a start went. One that is still opening after its
// time counts as failed; one that is over already is not connected any more.
func started(m mapping.Mapping, name string) []activity.Activity {
	out := Outputs{LiveChatConversationID: string(m.HubConversation), Status: statusConnected}
	switch m.State {
	case mapping.Waiting, mapping.Active:
	case mapping.Ending, mapping.Closed:
		out.Status, out.Reason = statusEnded, string(m.ClosedBy)
	case mapping.Opening, mapping.Failed:
		return []activity.Activity{
			proactive.Notice(textNoHub),
			EndOfTurn(name, activity.CodeError, Outputs{Status: statusFailed, Reason: "hubUnavailable"}),
		}
	}
	return []activity.Activity{EndOfTurn(name, activity.CodeCompleted, out)}
}

// Answer promises activities to the skill host as the answer to t. A repeated
// turn is not answered again.
func (b *Bridge) Answer(ctx context.Context, t Turn, activities ...activity.Activity) error {
	if t.Inline || t.Reference.Host == nil {
		return nil
	}
	err := b.commit(ctx, func(tx *delivery.Tx) error {
		fresh, err := t.accept(ctx, tx)
		if err != nil || !fresh {
			return err
		}
		return b.answer(ctx, tx, t, activities...)
	})
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

func (b *Bridge) answer(ctx context.Context, tx *delivery.Tx, t Turn, activities ...activity.Activity) error {
	if t.Inline || t.Reference.Host == nil {
		return nil
	}
	return b.post(ctx, tx, proactive.Post{To: *t.Reference.Host, ReplyTo: t.ID}, activities...)
}

// post enqueues activities for the skill host, in the form of post.
func (b *Bridge) post(ctx context.Context, tx *delivery.Tx, post proactive.Post, activities ...activity.Activity) error {
	items := make([]delivery.Item, len(activities))
	for i, a := range activities {
		post.Activity = a
		item, err := b.toCopilot.Item(delivery.Header{Conversation: hostLane(post.To), Key: post.ReplyTo}, copilotOrder{Post: post})
		if err != nil {
			return err
		}
		items[i] = item
	}
	_, err := tx.Enqueue(ctx, items...)
	return err
}
