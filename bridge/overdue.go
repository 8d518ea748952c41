package bridge

import (
	"context"
	"time"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/texts"
)

// A user's words that have not arrived for so long are not passed over in
// silence.
const (
	overdueAfter = 30 * time.Second
	overdueLooks = 15 // within that time
)

// overdue tells users of words that take long until ctx ends. A line that waits is
// told of once, by whichever replica sees it first.
func (b *Bridge) overdue(ctx context.Context) error {
	tick := time.NewTicker(b.opt.Overdue / overdueLooks)
	defer tick.Stop()
	known := map[string][]delivery.Late{} // by hub: told by us, or by somebody else
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for name, hub := range b.toHub {
			late, err := delivery.Overdue(ctx, b.opt.Pool, hub, b.opt.Overdue)
			if err == nil {
				err = b.tellOverdue(ctx, late, known[name])
			}
			if err == nil {
				known[name] = late
			} else if ctx.Err() == nil {
				b.opt.Log.WarnContext(ctx, "look for words that take long", "err", err)
			}
		}
	}
}

// tellOverdue tells the users of lanes that are late, but for those known to be.
func (b *Bridge) tellOverdue(ctx context.Context, late, known []delivery.Late) error {
	was := map[delivery.Late]bool{}
	for _, l := range known {
		was[l] = true
	}
	for _, l := range late {
		id, ok := mappingOf(l.Conversation)
		if was[l] || !ok {
			continue
		}
		if err := b.tellLate(ctx, id, l.Since); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bridge) tellLate(ctx context.Context, id mapping.ID, since time.Time) error {
	return b.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		m, err := mapping.Lock(ctx, tx, id)
		if err != nil || !m.State.Open() {
			return ignoreGone(err)
		}
		tell, err := mapping.Overdue(ctx, tx, id, since)
		if err != nil || !tell {
			return err
		}
		return b.notify(ctx, tx, &m, teamsOrder{}, delivery.Header{}, b.say(&m, texts.LineDelayed()))
	})
}
