package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/texts"
)

// How often mappings that are due are looked for, and how many at once.
const (
	watchEvery = 500 * time.Millisecond
	watchBatch = 100
)

// watch does what conversations' waits call for until ctx ends. Any replica may be
// the one: a mapping that is due is looked at under its lock, once.
func (b *Bridge) watch(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := b.watchDue(ctx); err != nil && ctx.Err() == nil {
			b.opt.Log.WarnContext(ctx, "look after waits", "err", err)
		}
	}
}

func (b *Bridge) watchDue(ctx context.Context) error {
	for ctx.Err() == nil {
		due, err := mapping.Due(ctx, b.opt.Pool, watchBatch)
		if err != nil {
			return err
		}
		var errs []error // one conversation's are not the others'
		for _, id := range due {
			errs = append(errs, b.lookAfter(ctx, id))
		}
		if err := errors.Join(errs...); err != nil || len(due) < watchBatch {
			return err // what failed is due again, at the next look
		}
	}
	return nil
}

// lookAfter does what one conversation's waits call for.
func (b *Bridge) lookAfter(ctx context.Context, id mapping.ID) error {
	err := b.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		w, err := mapping.LockDue(ctx, tx, id)
		if errors.Is(err, mapping.ErrNotFound) {
			return nil // somebody else was faster
		}
		if err != nil {
			return err
		}
		if !w.State.Open() {
			return mapping.Looked(ctx, tx, w, time.Time{})
		}
		due, _ := b.opt.Patience.look(w)
		for _, c := range due {
			if c == closeIdle || c == closeCapped {
				return b.expire(ctx, tx, &w.Mapping, c)
			}
			if err := b.do(ctx, tx, &w, c); err != nil {
				return err
			}
		}
		_, next := b.opt.Patience.look(w)
		return mapping.Looked(ctx, tx, w, next)
	})
	return err
}

// do does one chore and notes it in w, so that it is not due again.
func (b *Bridge) do(ctx context.Context, tx *delivery.Tx, w *mapping.Watch, c chore) error {
	switch c {
	case tellQueue:
		w.QueueNews, w.ToldAt = false, w.Now
		if w.Queue != (livechat.QueueState{}) {
			return b.notify(ctx, tx, &w.Mapping, teamsOrder{}, delivery.Header{},
				b.say(&w.Mapping, texts.StillQueued(w.Queue.Position, w.Queue.Wait)))
		}
	case offerChoice:
		w.Asks, w.OfferedAt = mapping.AsksChoice, w.Now
		return b.ask(ctx, tx, &w.Mapping, b.say(&w.Mapping, texts.NobodyJoined()), doWait, doLeave, doBack)
	case remindUser:
		w.RemindedAt = w.Now
		return b.ask(ctx, tx, &w.Mapping, b.say(&w.Mapping, texts.IdleReminder(b.opt.Patience.Idle-b.opt.Patience.Remind)), doEnd)
	case closeIdle, closeCapped:
	}
	return nil
}

// expire ends a conversation that has lasted too long, for both sides.
func (b *Bridge) expire(ctx context.Context, tx *delivery.Tx, m *mapping.Mapping, c chore) error {
	by, text := mapping.ByIdle, texts.IdleEnded()
	if c == closeCapped {
		by, text = mapping.ByCap, texts.CapEnded()
	}
	return b.takeBack(ctx, tx, m, mapping.Outcome{By: by}, b.say(m, text))
}
