package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/texts"
)

// Statuses a topic can branch on.
const (
	statusConnected   = "connected"   // the hub has the conversation
	statusQueued      = "queued"      // it has, and says how the user waits
	statusUnavailable = "unavailable" // nobody is there; reason says why
	statusFailed      = "failed"      // the hub did not answer, or refused
	statusEnded       = "ended"       // the conversation is over
	statusNone        = "none"        // there was none
)

// Reasons why nobody is there.
const (
	reasonClosed   = "closed"   // outside business hours
	reasonNoAgents = "noAgents" // nobody is at their desk
	reasonHub      = "hubUnavailable"
	reasonChannel  = "channel" // not Teams
)

// errRepeat is a turn that had its effect before.
var errRepeat = errors.New("repeated turn")

// Outputs are the values an endOfConversation gives back to the copilot's topic.
// Their names are the manifest's.
type Outputs struct {
	LiveChatConversationID string `json:"LiveChatConversationId,omitempty"`
	Status                 string `json:"status,omitempty"`
	Reason                 string `json:"reason,omitempty"`
	QueuePosition          int    `json:"queuePosition,omitempty"`        // 1 is next
	EstimatedWait          int    `json:"estimatedWaitSeconds,omitempty"` // seconds
	EndedBy                string `json:"endedBy,omitempty"`              // user, agent, idle, cap or host
	Summary                string `json:"summary,omitempty"`              // what the agent made of it
	PendingText            string `json:"pendingText,omitempty"`          // words the copilot should answer
}

// ended are the outputs of a conversation that is over.
func ended(m mapping.Mapping) Outputs {
	return Outputs{
		LiveChatConversationID: string(m.HubConversation), Status: statusEnded,
		Reason: m.Reason, EndedBy: string(m.ClosedBy), Summary: m.Summary,
	}
}

// EndOfTurn returns the endOfConversation that finishes the skill action name.
func EndOfTurn(name, code string, out Outputs) activity.Activity {
	value, _ := json.Marshal(out)
	return activity.Activity{Type: activity.TypeEndOfConversation, Name: name, Code: code, Value: value}
}

// started tells the copilot how a start went. One that is still opening after its
// time counts as failed; one that is over already is not connected any more.
func (b *Bridge) started(m mapping.Mapping, q livechat.QueueState, name string) []activity.Activity {
	out := Outputs{LiveChatConversationID: string(m.HubConversation), Status: statusConnected}
	switch m.State {
	case mapping.Waiting, mapping.Active:
		if m.State == mapping.Waiting && q != (livechat.QueueState{}) {
			out.Status, out.QueuePosition, out.EstimatedWait = statusQueued, q.Position, int(q.Wait.Seconds())
		}
	case mapping.Ending, mapping.Closed:
		out = ended(m)
	case mapping.Opening, mapping.Failed:
		return b.notStarted(m, name)
	}
	return []activity.Activity{EndOfTurn(name, activity.CodeCompleted, out)}
}

// notStarted tells the copilot, and the user, why nobody is there.
func (b *Bridge) notStarted(m mapping.Mapping, name string) []activity.Activity {
	text, code := texts.StartFailed(), activity.CodeError
	out := Outputs{Status: statusFailed, Reason: reasonHub}
	switch m.Reason {
	case reasonClosed, reasonNoAgents:
		text, code = texts.NoAgents(), activity.CodeCompleted
		out = Outputs{Status: statusUnavailable, Reason: m.Reason}
	}
	return []activity.Activity{proactive.Notice(b.say(&m, text)), EndOfTurn(name, code, out)}
}

// OnlyTeams refuses a turn of a channel that agents' words could not reach, and
// returns the answer: proactive messages exist in Teams only.
func (b *Bridge) OnlyTeams(ctx context.Context, t Turn) ([]activity.Activity, error) {
	answers := []activity.Activity{
		proactive.Notice(b.voice(t).Say(texts.OnlyTeams())),
		EndOfTurn(t.Name, activity.CodeError, Outputs{Status: statusUnavailable, Reason: reasonChannel}),
	}
	return answers, b.Answer(ctx, t, answers...)
}

// Answer promises activities as the answer to t: to the skill host, or what there
// is to read of them to the user when Teams itself made the turn. A repeated turn
// is not answered again.
func (b *Bridge) Answer(ctx context.Context, t Turn, activities ...activity.Activity) error {
	if t.Inline {
		return nil
	}
	err := b.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
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
	switch {
	case t.Inline:
		return nil
	case t.Reference.Host == nil:
		return b.tellTurn(ctx, tx, t, activities...)
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
