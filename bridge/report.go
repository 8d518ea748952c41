package bridge

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/texts"
	"github.com/liaison-skill/liaison/words"
)

// reportLine tells the agent that a line of theirs did not get to the user, or may
// not have. Message is the hub's id of it, "" when it gave none or the line only
// changes it.
func (b *Bridge) reportLine(ctx context.Context, tx *delivery.Tx, m mapping.Mapping, message string, s delivery.Settlement) error {
	news, text := livechat.News{Kind: livechat.NewsFailed, Message: message, Reason: string(s.Class)}, texts.ToAgentLineFailed(string(s.Class))
	if s.Ambiguous {
		news, text = livechat.News{Kind: livechat.NewsUnknown, Message: message}, texts.ToAgentLineUnclear()
	}
	if message == "" {
		return b.tellAgent(ctx, tx, m, b.sayAgent(text))
	}
	return b.report(ctx, tx, m, news, text)
}

// report tells the agent of an open conversation some news: as such where the hub
// knows it, else in words.
func (b *Bridge) report(ctx context.Context, tx *delivery.Tx, m mapping.Mapping, n livechat.News, text texts.Text) error {
	o := ours(m, b.sayAgent(text))
	o.Report = &n
	return b.order(ctx, tx, m, o)
}

// tellAgent says something in the service's own words to the agent of an open
// conversation.
func (b *Bridge) tellAgent(ctx context.Context, tx *delivery.Tx, m mapping.Mapping, text string) error {
	return b.order(ctx, tx, m, ours(m, text))
}

// ours is an order to say something in the service's own words.
func ours(m mapping.Mapping, text string) hubOrder {
	return hubOrder{Mapping: m.ID, Ours: true, Say: &livechat.Message{
		Key: "notice " + rand.Text(), Sender: "Liaison", Text: words.Inert(text), Conversation: m.HubConversation,
	}}
}

// order has an open conversation's hub do something.
func (b *Bridge) order(ctx context.Context, tx *delivery.Tx, m mapping.Mapping, o hubOrder) error {
	hub, ok := b.toHub[m.Hub]
	if !ok || !m.State.Open() {
		return nil // there is nobody to tell
	}
	_, err := enqueue(ctx, tx, hub, delivery.Header{Conversation: hubLane(m.ID)}, o)
	return err
}

// reportHub reports to a hub. One that cannot be reported to, by its adapter or by
// its own word, is told what there is to say.
func reportHub(ctx context.Context, hub livechat.Hub, n livechat.News, say livechat.Message) error {
	able, ok := hub.(livechat.Report)
	if !ok {
		return sendParts(ctx, hub, say)
	}
	err := able.Report(ctx, say.Conversation, n)
	var refused interface{ Permanent() bool }
	if errors.As(err, &refused) && refused.Permanent() {
		return sendParts(ctx, hub, say)
	}
	return err
}
