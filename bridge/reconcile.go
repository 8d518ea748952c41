package bridge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/texts"
)

// How often both sides are compared, by one replica at a time; hubs are asked less
// often what we may have missed, and with some overlap: their clocks are theirs.
const (
	reconcileEvery  = 20 * time.Second
	reconcileWithin = time.Minute
	fillsEvery      = 15 // comparisons
	fillOverlap     = 2 * time.Minute
)

// settled is how old a difference must be to be one: what is younger is on its
// way.
func (b *Bridge) settled() time.Duration { return b.opt.Reconcile * 3 / 4 }

// reconcile compares what we know of hubs with what they know of us, until ctx
// ends, and repairs the differences: at once, and then from time to time.
func (b *Bridge) reconcile(ctx context.Context) error {
	tick := time.NewTicker(b.opt.Reconcile / 4)
	defer tick.Stop()
	filled := map[string]time.Time{} // by hub: what it said before is here
	for {
		for name, hub := range b.opt.Hubs {
			if err := b.reconcileHub(ctx, name, hub, filled); err != nil && ctx.Err() == nil {
				b.opt.Log.WarnContext(ctx, "reconcile", "hub", name, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (b *Bridge) reconcileHub(ctx context.Context, name string, hub livechat.Hub, filled map[string]time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, reconcileWithin)
	defer cancel()
	if census, ok := hub.(livechat.Census); ok {
		mine, err := delivery.TakeTurn(ctx, b.opt.Pool, "census|"+name, b.opt.Reconcile)
		if err != nil {
			return err
		}
		if mine {
			if err := b.compare(ctx, name, census); err != nil {
				return err
			}
		}
	}
	since, ok := hub.(livechat.Since)
	if !ok {
		return nil
	}
	began, last := time.Now(), filled[name]
	mine, err := delivery.TakeTurn(ctx, b.opt.Pool, "fill|"+name, fillsEvery*b.opt.Reconcile)
	if err != nil || !mine && !last.IsZero() { // whoever comes back does not wait for a turn
		return err
	}
	if err := b.fill(ctx, name, since, last); err != nil {
		return err
	}
	filled[name] = began
	return nil
}

// compare ends what a hub still has although it is over, and what we still have
// although the hub ended it.
func (b *Bridge) compare(ctx context.Context, name string, census livechat.Census) error {
	ours, err := mapping.GoingAtHub(ctx, b.opt.Pool, name, b.settled())
	if err != nil {
		return err
	}
	theirs, err := census.Conversations(ctx)
	if permanent(err) {
		return nil // it has no census, after all
	}
	if err != nil {
		return fmt.Errorf("census: %w", err)
	}
	orphans, err := mapping.OverAtHub(ctx, b.opt.Pool, name, theirs, b.settled())
	if err != nil {
		return err
	}
	var errs []error // one conversation's are not the others'
	for id, c := range orphans {
		b.opt.Log.WarnContext(ctx, "hub conversation outlived its mapping", "hub", name, "mapping", id)
		errs = append(errs, b.endOrphan(ctx, name, id, c))
	}
	open := map[livechat.ConversationID]bool{}
	for _, s := range theirs {
		open[s.Conversation] = !s.Ended
	}
	for _, m := range ours {
		if open[m.Conversation] {
			continue
		}
		errs = append(errs, b.endIfGone(ctx, name, census, m))
	}
	return errors.Join(errs...)
}

// endOrphan has a conversation ended, once in a while, until the hub does it.
func (b *Bridge) endOrphan(ctx context.Context, name string, id mapping.ID, c livechat.ConversationID) error {
	return b.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		m, err := mapping.Lock(ctx, tx, id)
		if err != nil {
			return ignoreGone(err)
		}
		span := time.Now().Unix() / int64(max(1, 3*b.opt.Reconcile/time.Second))
		fresh, err := tx.Accept(ctx, "orphan|"+name, fmt.Sprintf("%s %d", c, span))
		if err != nil || !fresh {
			return err
		}
		_, err = enqueue(ctx, tx, b.toHub[name], delivery.Header{Conversation: hubLane(id)},
			hubOrder{Mapping: id, End: &livechat.Ending{Conversation: c, Key: m.OpenKey, Reason: "orphan"}})
		return err
	})
}

// endIfGone gives a conversation back to the copilot whose hub says that it is over
// or that it knows none.
func (b *Bridge) endIfGone(ctx context.Context, name string, census livechat.Census, m mapping.Going) error {
	s, err := census.Status(ctx, m.Conversation)
	switch {
	case status(err) == http.StatusNotFound, status(err) == http.StatusGone:
	case err != nil:
		return fmt.Errorf("census: %w", err)
	case !s.Ended:
		return nil // it was opened, or reopened, while we asked
	}
	b.opt.Log.WarnContext(ctx, "mapping outlived its hub conversation", "hub", name, "mapping", m.ID)
	return b.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		locked, err := mapping.Lock(ctx, tx, m.ID)
		if err != nil || !locked.State.Open() {
			return ignoreGone(err)
		}
		return b.endUser(ctx, tx, &locked, mapping.Outcome{By: mapping.ByAgent}, b.say(&locked, texts.AgentEnded("")))
	})
}

// fill takes in what a hub said while nobody heard it, since last or, if that is
// not known, since the opening. What was heard is known by its id.
func (b *Bridge) fill(ctx context.Context, name string, since livechat.Since, last time.Time) error {
	going, err := mapping.GoingAtHub(ctx, b.opt.Pool, name, 0)
	if err != nil {
		return err
	}
	var errs []error // one conversation's are not the others'
	for _, m := range going {
		errs = append(errs, b.fillOne(ctx, name, since, m, last))
	}
	return errors.Join(errs...)
}

func (b *Bridge) fillOne(ctx context.Context, name string, since livechat.Since, m mapping.Going, last time.Time) error {
	after := m.OpenedAt
	if last.After(after) {
		after = last
	}
	missed, err := since.Since(ctx, m.Conversation, after.Add(-fillOverlap))
	if permanent(err) {
		return nil // it is gone: the census finds out
	}
	if err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	for _, e := range missed {
		err := b.hear(ctx, name, e)
		if err != nil && !errors.Is(err, ErrEnded) && !errors.Is(err, ErrUnknown) {
			return err
		}
	}
	return nil
}

// permanent reports whether a hub refused for good.
func permanent(err error) bool {
	var answer interface{ Permanent() bool }
	return errors.As(err, &answer) && answer.Permanent()
}
