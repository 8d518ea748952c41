package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/texts"
	"github.com/liaison-skill/liaison/words"
)

// An amendment changes or takes back what was said before.
type amendment struct {
	Key    string `json:"key"`              // under which it was said
	Text   string `json:"text,omitempty"`   // what it says now
	Delete bool   `json:"delete,omitempty"` // it is taken back
}

// agentAmends changes an agent's line in Teams. How, is known when its turn comes:
// everything before it in the lane has its outcome then.
func (b *Bridge) agentAmends(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, e livechat.Inbound) error {
	key, err := mapping.Said(ctx, tx, m.ID, e.Message)
	if err != nil || e.Message == "" {
		return err
	}
	a := amendment{Key: key, Delete: e.Kind == livechat.KindDeleted}
	said, told, kept := "", b.say(m, texts.Deleted()), b.say(m, texts.Deleted())
	if !a.Delete {
		said = agentWords(e)
		told, kept = b.say(m, texts.Edited(words.Lead("", said))), b.say(m, texts.Edited(e.Text))
	}
	orders := agentLines(m, e.Sender, told)
	if len(orders) == 1 { // else it cannot become the one line
		o := &orders[0]
		o.Amend, o.Bot = &a, m.Key.BotAppID
		o.Changed = &proactive.AgentLines(e.Sender, said)[0]
	}
	items, err := b.partItems(delivery.Header{Conversation: teamsLane(m.Key)}, e.ID, orders)
	if err != nil {
		return err
	}
	if _, err := tx.Enqueue(ctx, items...); err != nil {
		return err
	}
	return mapping.Append(ctx, tx, mapping.Entry{Mapping: m.ID, Side: mapping.Agent, Name: e.Sender, Text: kept, Key: e.ID})
}

// amendTeams changes or deletes the activity that Teams made of an agent's line.
// Where that is not possible, the user is told in a new one.
func (b *Bridge) amendTeams(ctx context.Context, o teamsOrder) (string, error) {
	lane := teamsLane(mapping.Key{BotAppID: o.Bot, Conversation: o.Post.To.Conversation.ID})
	made, err := delivery.ReceiptOf(ctx, b.opt.Pool, b.toTeams, lane, o.Amend.Key)
	if err != nil {
		return "", err
	}
	changed := o.Post
	changed.Activity = *o.Changed
	if made == "" && o.Amend.Delete {
		if n, err := b.deleteParts(ctx, o.Post.To, lane, o.Amend.Key); n > 0 || err != nil {
			return "", err
		}
	}
	if made == "" {
		return b.send(ctx, o.Post)
	}
	if o.Amend.Delete {
		err = b.opt.Client.Delete(ctx, o.Post.To, made)
	} else {
		err = b.opt.Client.Update(ctx, changed, made)
	}
	if cannotAmend(err) {
		return b.send(ctx, o.Post)
	}
	return made, err
}

// cannotAmend reports whether the line is gone, or this is not Teams.
func cannotAmend(err error) bool {
	return status(err) == http.StatusNotFound || status(err) == http.StatusMethodNotAllowed
}

// Amend promises the hub that the user changed the message with the turn's id, or
// took it back. It does nothing when no hub has the conversation.
func (b *Bridge) Amend(ctx context.Context, t Turn, deleted bool) error {
	err := b.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		found, err := mapping.LockAll(ctx, tx, []mapping.Search{t.search()}, mapping.Opening, mapping.Waiting, mapping.Active)
		if err != nil || found[0] == nil || t.ID == "" {
			return err
		}
		m := found[0]
		hub, ok := b.toHub[m.Hub]
		if !ok {
			return ErrNoHub
		}
		said := amendment{Key: hubKey(m.ID, t.ID), Text: words.Inert(t.Text), Delete: deleted}
		told := b.sayAgent(texts.Edited(t.Text))
		if deleted {
			told = b.sayAgent(texts.Deleted())
		}
		fresh, err := enqueue(ctx, tx, hub,
			delivery.Header{Conversation: hubLane(m.ID), Scope: inScope(t.Key), Key: "amend " + t.ID + " " + t.version()},
			hubOrder{Mapping: m.ID, Amend: &said, Say: &livechat.Message{
				Conversation: m.HubConversation, Key: said.Key + " " + t.version(), Sender: words.Inert(t.User.Name), Text: words.Inert(told),
			}})
		if err != nil || !fresh {
			return err
		}
		return mapping.Append(ctx, tx, mapping.Entry{Mapping: m.ID, Side: mapping.User, Name: t.User.Name, Text: told, Key: t.ID})
	})
	if err != nil {
		return fmt.Errorf("amend: %w", err)
	}
	return nil
}

// version tells one edit of a message from the next.
func (t Turn) version() string {
	digest := sha256.Sum256([]byte(t.Text + "\x00" + t.At.String()))
	return hex.EncodeToString(digest[:8])
}

// amendHub tells the hub of a change, as such if it knows changes and has the
// message as one.
func amendHub(ctx context.Context, hub livechat.Hub, a amendment, say livechat.Message) error {
	able, ok := hub.(livechat.Amend)
	if !ok || len(hubParts(hub, a.Text)) > 1 {
		return sendParts(ctx, hub, say)
	}
	var err error
	if a.Delete {
		err = able.Delete(ctx, say.Conversation, a.Key)
	} else {
		err = able.Edit(ctx, say.Conversation, a.Key, a.Text)
	}
	switch s := status(err); {
	case s != http.StatusNotFound && s != http.StatusConflict:
		return err
	case a.Delete:
		return nil // what the agent never saw is gone
	}
	return sendParts(ctx, hub, say) // the hub knows no such message, has it in parts, or as deleted
}
