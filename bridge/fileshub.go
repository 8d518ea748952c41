package bridge

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/files"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/texts"
	"github.com/liaison-skill/liaison/words"
)

// A file may take attachTakes at a hub, and a second more for each attachPace bytes.
const (
	attachTakes = 15 * time.Second
	attachPace  = 256 << 10
)

// forwardInOrder forwards turns of locked mappings so that words stay behind the
// files that were sent before them.
func (b *Bridge) forwardInOrder(ctx context.Context, tx *delivery.Tx, ms []*mapping.Mapping, turns []Turn) error {
	for from, to := range stretches(len(turns), func(i int) bool { return len(turns[i].Files) > 0 }) {
		if err := b.forwardLocked(ctx, tx, ms[from:to], turns[from:to]); err != nil {
			return err
		}
	}
	return nil
}

// stretches yields the bounds of parts of n things, each of which ends with one that
// last reports, or with the last of all.
func stretches(n int, last func(i int) bool) func(yield func(from, to int) bool) {
	return func(yield func(from, to int) bool) {
		from := 0
		for i := range n {
			if i < n-1 && !last(i) {
				continue
			}
			if !yield(from, i+1) {
				return
			}
			from = i + 1
		}
	}
}

// forwardFiles brings the files of a new turn behind its words.
func (b *Bridge) forwardFiles(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, t Turn) error {
	if len(t.Files) == 0 {
		return nil
	}
	return b.bring(ctx, tx, parcel{
		mapping: m, to: files.ToAgent, sources: t.Files, said: t.entry(m), from: t.from,
		offer: func(o offer) (delivery.Item, error) {
			// A release that knows no offers says this.
			instead := &livechat.Message{
				Conversation: m.HubConversation, Key: fileKey(m.ID, o.File), Sender: words.Inert(t.User.Name),
				Text: words.Inert(b.sayAgent(texts.FileNotShown(o.Name))),
			}
			return b.toHub[m.Hub].Item(
				delivery.Header{Conversation: hubLane(m.ID), Key: t.ID, Settle: true, From: t.from},
				hubOrder{Mapping: m.ID, Offer: &o, Say: instead})
		},
	})
}

// order is the turn's words for the hub. What has none does nothing there: by it a
// repeat is told.
func (t Turn) order(m *mapping.Mapping) hubOrder {
	if t.Text == "" {
		return hubOrder{Mapping: m.ID}
	}
	return hubOrder{Mapping: m.ID, Say: t.message(m)}
}

// fileKey names a file to a hub.
func fileKey(id mapping.ID, file files.ID) string { return hubKey(id, fmt.Sprintf("file %d", file)) }

// giveHub gives the agent a file, or a link to it where the hub does not take it,
// or the reason why there is none.
func (b *Bridge) giveHub(ctx context.Context, hub livechat.Hub, o hubOrder) error {
	c, err := b.hubConversation(ctx, o.Mapping, "")
	if err != nil {
		return err
	}
	if c == "" {
		return neverOpenedError{}
	}
	f, err := b.offered(ctx, *o.Offer)
	if err != nil {
		return err
	}
	key := fileKey(o.Mapping, f.ID)
	if f.State == files.Failed {
		return hub.Send(ctx, livechat.Message{Conversation: c, Key: key + " failed", Sender: "Liaison", Text: words.Inert(b.sayAgent(b.fileFailed(f)))})
	}
	if able, ok := hub.(livechat.Attach); ok {
		err := b.attach(ctx, able, c, livechat.File{
			Key: key, Sender: words.Inert(o.Offer.Sender), Name: words.Inert(f.Name), ContentType: f.Type, Size: f.Size, SHA256: hex.EncodeToString(f.SHA256),
		}, f.ID)
		var refused interface{ Permanent() bool }
		if err == nil || !errors.As(err, &refused) || !refused.Permanent() {
			return err
		}
	}
	link, err := b.fileLink(ctx, f)
	if err != nil {
		return err
	}
	return hub.Send(ctx, livechat.Message{Conversation: c, Key: key + " link", Sender: words.Inert(o.Offer.Sender), Text: words.Inert(b.sayAgent(link))})
}

func (b *Bridge) attach(ctx context.Context, hub livechat.Attach, c livechat.ConversationID, f livechat.File, id files.ID) error {
	ctx, cancel := delivery.Extend(ctx, attachTakes+time.Duration(f.Size/attachPace)*time.Second)
	defer cancel()
	f.Open = func() (io.ReadCloser, error) {
		_, content, err := b.opt.Files.Open(ctx, id)
		return content, err
	}
	return hub.Attach(ctx, c, f)
}

// hubOfferSettled tells the user of a file that the agent did not get.
func (b *Bridge) hubOfferSettled(ctx context.Context, tx *delivery.Tx, m mapping.Mapping, o offer, s delivery.Settlement) error {
	f, err := found(ctx, tx, o)
	if err != nil {
		return err
	}
	var text texts.Text
	switch {
	case !s.Delivered && !m.State.Open():
		text = texts.LineTooLate()
	case !s.Delivered:
		text = texts.FileFailed(f.Name)
	case f.State == files.Failed:
		text = b.fileFailed(f)
	default:
		return files.Release(ctx, tx, f.ID)
	}
	if err := b.notify(ctx, tx, &m, teamsOrder{}, delivery.Header{}, b.say(&m, text)); err != nil || !s.Delivered {
		return err // what was refused may be sent again by an operator
	}
	return files.Release(ctx, tx, f.ID)
}
