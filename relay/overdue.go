package relay

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/texts"
)

// A user's words that have not arrived for so long are not passed over in silence.
const (
	overdueAfter = 30 * time.Second
	overdueLooks = 15 // within that time
)

// overdue tells users of words that take long until ctx ends. A line that waits is
// told of once, by whichever replica sees it first.
func (r *Relay) overdue(ctx context.Context) error {
	tick := time.NewTicker(r.opt.Overdue / overdueLooks)
	defer tick.Stop()
	known := map[delivery.Late]bool{} // told by us, or by somebody else
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		late, err := delivery.Overdue(ctx, r.opt.Pool, r.toCopilot, r.opt.Overdue)
		still := map[delivery.Late]bool{}
		for _, l := range late {
			if id, ok := relayOf(l.Conversation); ok && !known[l] && err == nil {
				err = r.tellLate(ctx, id, l.Since)
			}
			still[l] = err == nil
		}
		if err != nil && ctx.Err() == nil {
			r.opt.Log.WarnContext(ctx, "look for words that take long", "err", err)
		}
		known = still
	}
}

const delayedSQL = `
	UPDATE relay
	SET delayed_at = now()
	WHERE id = @id
	  AND (delayed_at IS NULL OR delayed_at < @since)`

func (r *Relay) tellLate(ctx context.Context, id ID, since time.Time) error {
	return r.commit(ctx, func(tx *delivery.Tx) error {
		w, err := lock(ctx, tx, id)
		if err != nil || w == nil || w.State != Copilot {
			return err
		}
		tag, err := tx.Exec(ctx, delayedSQL, pgx.NamedArgs{"id": id, "since": since})
		if err != nil {
			return fmt.Errorf("note that words are late: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return nil
		}
		return r.notify(ctx, tx, w, texts.LineDelayed())
	})
}
