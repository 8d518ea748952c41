package relay

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/directline"
)

// An unsaid is that nobody takes over, and why. The copilot has to hear it before
// anything else: it believes that it has let go, and the user's words may be on
// their way to it already.
type unsaid struct {
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

const unsaidSQL = `
	UPDATE relay
	SET unsaid = @unsaid
	WHERE id = @id`

// tellUnavailable promises the copilot the news that nobody takes over.
func (r *Relay) tellUnavailable(ctx context.Context, tx *delivery.Tx, w *row, reason string) error {
	if r.opt.Config.Unavailable == off {
		return nil
	}
	raw, err := json.Marshal(unsaid{Key: newKey(""), Reason: reason})
	if err != nil {
		return fmt.Errorf("encode news: %w", err)
	}
	if _, err := tx.Exec(ctx, unsaidSQL, pgx.NamedArgs{"id": w.ID, "unsaid": string(raw)}); err != nil {
		return fmt.Errorf("keep news: %w", err)
	}
	return r.promise(ctx, tx, w, "", copilotOrder{Open: true})
}

const saidSQL = `
	UPDATE relay
	SET unsaid = NULL
	WHERE id = @id
	  AND unsaid ->> 'key' = @key`

// sayUnavailable tells the copilot what it has to hear first.
func (r *Relay) sayUnavailable(ctx context.Context, w *row, c *directline.Conversation) error {
	if w.Unsaid == nil {
		return nil
	}
	a, err := event(r.opt.Config.Unavailable, map[string]any{"reason": w.Unsaid.Reason})
	if err != nil {
		return err
	}
	err = c.Post(ctx, directline.Post{Key: w.Unsaid.Key, Activity: a, Again: delivery.InDoubt(ctx)})
	if err != nil {
		return err
	}
	if _, err := r.opt.Pool.Exec(ctx, saidSQL, pgx.NamedArgs{"id": w.ID, "key": w.Unsaid.Key}); err != nil {
		return unnotedError{fmt.Errorf("note news: %w", err)}
	}
	w.Unsaid = nil
	return nil
}
