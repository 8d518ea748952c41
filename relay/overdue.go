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
		if err == nil {
			known, err = r.tellOverdue(ctx, late, known)
		}
		if err != nil && ctx.Err() == nil {
			r.opt.Log.WarnContext(ctx, "look for words that take long", "err", err)
		}
	}
}

// tellOverdue tells those of late lanes' users who said something. It returns whom
// nobody need tell again.
func (r *Relay) tellOverdue(ctx context.Context, late []delivery.Late, known map[delivery.Late]bool) (map[delivery.Late]bool, error) {
	still := map[delivery.Late]bool{}
	found := map[ID]delivery.Late{}
	for _, l := range late {
		if id, ok := relayOf(l.Conversation); ok && !known[l] {
			found[id] = l
		} else {
			still[l] = true
		}
	}
	waiting, err := r.waiting(ctx, found)
	for _, w := range waiting {
		if err != nil {
			break
		}
		if err = r.tellLate(ctx, w); err == nil {
			still[found[w.ID]] = true
		}
	}
	return still, err
}

// A wait is that of a user's words, since the first of them.
type wait struct {
	ID    ID
	Since time.Time
}

// What comes before the user's first words is nothing that could be late.
const waitingSQL = `
	SELECT r.id, greatest(late.since, r.asked_at) AS since
	FROM unnest(@ids::bigint[], @since::timestamptz[]) AS late (id, since)
	JOIN relay AS r ON r.id = late.id
	WHERE r.asked_at < now() - @age::interval
	ORDER BY since`

// waiting returns the relays of late lanes in which it is words that wait: who has
// only opened a chat waits for nothing.
func (r *Relay) waiting(ctx context.Context, late map[ID]delivery.Late) ([]wait, error) {
	if len(late) == 0 {
		return nil, nil
	}
	var ids []ID
	var since []time.Time
	for id, l := range late {
		ids, since = append(ids, id), append(since, l.Since)
	}
	rows, err := r.opt.Pool.Query(ctx, waitingSQL, pgx.NamedArgs{"ids": ids, "since": since, "age": r.opt.Overdue})
	if err != nil {
		return nil, fmt.Errorf("find words that wait: %w", err)
	}
	waiting, err := pgx.CollectRows(rows, pgx.RowToStructByPos[wait])
	if err != nil {
		return nil, fmt.Errorf("find words that wait: %w", err)
	}
	return waiting, nil
}

const delayedSQL = `
	UPDATE relay
	SET delayed_at = now()
	WHERE id = @id
	  AND (delayed_at IS NULL OR delayed_at < @since)`

func (r *Relay) tellLate(ctx context.Context, late wait) error {
	return r.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		w, err := lock(ctx, tx, late.ID)
		if err != nil || w == nil || w.State != Copilot {
			return err
		}
		tag, err := tx.Exec(ctx, delayedSQL, pgx.NamedArgs{"id": late.ID, "since": late.Since})
		if err != nil {
			return fmt.Errorf("note that words are late: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return nil
		}
		return r.notify(ctx, tx, w, texts.LineDelayed())
	})
}
