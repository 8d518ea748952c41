package relay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/directline"
	"github.com/liaison-skill/liaison/directline/escalation"
	"github.com/liaison-skill/liaison/livechat"
)

// A listener hears what the copilot says in one relay.
type listener struct {
	*Relay
	w     row // as it was claimed; its token may be newer by now
	c     *directline.Conversation
	typed time.Time // when the user last saw that the copilot is typing; zero once it spoke
}

// maxPart bounds how much is done in one transaction, of which the time is bounded.
const maxPart = 32

// hear promises what the copilot said to the user, and keeps up to where it was
// heard, if this is still who listens. Of much that comes at once each part is for
// itself: what comes again, because the last was not kept, is known by its ids.
func (l *listener) hear(ctx context.Context, b directline.Batch) error {
	if err := l.renewed(ctx, &l.w, b.State); err != nil {
		return err
	}
	if onlyTyping(b.Activities) {
		l.showTyping(ctx)
		return nil
	}
	there := presence{open: true}
	for _, a := range b.Activities {
		if _, ok := escalation.Read(a.Activity); ok {
			there = l.presence(ctx, a.Activity) // a question to the hub: not within the transaction
		}
	}
	upTo := heard{b.State.Watermark, b.State.Heard, b.State.Said}
	for left, most := b.Activities, maxPart; len(left) > 0; {
		part, last := left[:min(len(left), most)], (*heard)(nil)
		if len(part) == len(left) {
			last = &upTo
		}
		err := l.promisePart(ctx, part, there, last)
		switch {
		case err == nil:
			left = left[len(part):]
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && len(part) > 1:
			most = len(part) / 2 // a slow database has no time for so much at once
		default:
			return fmt.Errorf("hear copilot: %w", err)
		}
	}
	l.typed = time.Time{} // what is said ends the typing that was shown
	return nil
}

// promisePart promises a part of what the copilot said. With the last it keeps up to
// where it was heard; nil is another.
func (l *listener) promisePart(ctx context.Context, part []directline.Activity, there presence, upTo *heard) error {
	return l.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		w, err := lockHeard(ctx, tx, l.w)
		if err != nil {
			return err
		}
		for _, a := range part {
			if err := l.pass(ctx, tx, w, a, there); err != nil {
				return err
			}
		}
		if upTo == nil {
			return nil
		}
		return keepHeard(ctx, tx, w, *upTo)
	})
}

const lockHeardSQL = getSQL + `
	  AND epoch = @epoch
	  AND talk = @talk
	FOR NO KEY UPDATE`

// lockHeard locks a relay for its listener.
func lockHeard(ctx context.Context, db DB, w row) (*row, error) {
	now, err := one(ctx, db, lockHeardSQL, pgx.NamedArgs{"id": w.ID, "epoch": w.Epoch, "talk": w.Talk})
	if err == nil && now == nil {
		err = errTaken
	}
	return now, err
}

const keepHeardSQL = `
	UPDATE relay
	SET heard = @heard, spoke_at = now()
	WHERE id = @id`

func keepHeard(ctx context.Context, db DB, w *row, h heard) error {
	raw, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encode what was heard: %w", err)
	}
	if _, err := db.Exec(ctx, keepHeardSQL, pgx.NamedArgs{"id": w.ID, "heard": string(raw)}); err != nil {
		return fmt.Errorf("keep what was heard: %w", err)
	}
	return nil
}

// pass does what one activity of the copilot's calls for. While it has no control
// that is nothing.
func (l *listener) pass(ctx context.Context, tx *delivery.Tx, w *row, a directline.Activity, there presence) error {
	if w.State != Copilot || !fromBot(a.Activity) {
		return nil
	}
	switch a.Type {
	case activity.TypeMessage:
		return l.passMessage(ctx, tx, w, a)
	case activity.TypeEvent:
		if given, ok := escalation.Read(a.Activity); ok {
			return l.passOver(ctx, tx, w, a.ID, given, there)
		}
	case activity.TypeEndOfConversation:
		return l.finish(ctx, tx, w, a.ID)
	}
	return nil
}

// passMessage promises what the copilot says to the user, once.
func (l *listener) passMessage(ctx context.Context, tx *delivery.Tx, w *row, a directline.Activity) error {
	d, ok := l.toCanvas[w.Hub]
	s := read(a, maxChoices(l.opt.Canvases[w.Hub]))
	if !ok || s.text == "" {
		return nil
	}
	key := l.key(w, a.ID)
	fresh, err := tx.Accept(ctx, lane(w.ID), key)
	if err != nil || !fresh {
		return err
	}
	if err := offer(ctx, tx, w, s.offered); err != nil {
		return err
	}
	for _, o := range l.shown(w, key, a.From.Name, s) {
		if _, err := enqueue(ctx, tx, d, delivery.Header{Conversation: lane(w.ID), Key: o.Show.Key}, o); err != nil {
			return err
		}
	}
	return nil
}

// finish ends a conversation that the copilot has ended, behind its last words.
func (l *listener) finish(ctx context.Context, tx *delivery.Tx, w *row, id string) error {
	if err := change(ctx, tx, w, Ended, 0); err != nil { // its last words still count
		return err
	}
	if _, err := lose(ctx, tx, w); err != nil {
		return err
	}
	d, ok := l.toCanvas[w.Hub]
	if !ok {
		return nil
	}
	_, err := enqueue(ctx, tx, d, delivery.Header{Conversation: lane(w.ID)}, canvasOrder{Relay: w.ID, Turn: w.Turn, Finish: l.key(w, id)})
	return err
}

// maxKey bounds a key, in bytes: it has to fit into an index.
const maxKey = 200

// key names an activity, to the hub and to ourselves.
func (*listener) key(w *row, id string) string {
	if id == "" {
		return newKey("")
	}
	if len(id) > maxKey || strings.ContainsRune(id, 0) {
		sum := sha256.Sum256([]byte(id))
		id = hex.EncodeToString(sum[:])
	}
	return fmt.Sprintf("%d.%d/%s", w.ID, w.Talk, id)
}

func onlyTyping(all []directline.Activity) bool {
	for _, a := range all {
		if a.Type != activity.TypeTyping {
			return false
		}
	}
	return true
}

// showTyping is worth one attempt, soon: whatever comes of it, it is done.
func (l *listener) showTyping(ctx context.Context) {
	able, ok := l.opt.Canvases[l.w.Hub].(livechat.BotTyping)
	if !ok || time.Since(l.typed) < typingEvery {
		return
	}
	l.typed = time.Now()
	ctx, cancel := context.WithTimeout(ctx, typingWorth)
	defer cancel()
	w, err := get(ctx, l.opt.Pool, l.w.ID)
	if err == nil && w != nil && w.State == Copilot {
		err = able.ShowTyping(ctx, w.Conversation)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		l.opt.Log.DebugContext(ctx, "typing not shown", "err", err)
	}
}
