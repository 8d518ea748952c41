package relay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/directline"
	"github.com/liaison-skill/liaison/texts"
)

// What a copilot is told of a conversation it does not know, or had let go of, in
// global variables of these names, beside those that it gave away with.
const (
	knownPrefix  = "liaison_"
	knownSummary = "liaison_summary" // what the agent makes of it
	knownReason  = "liaison_reason"  // why it was given back
	knownPhrase  = "liaison_lastPhrase"
	knownTopic   = "liaison_lastTopic"
	knownLocale  = "liaison_locale"
	knownUser    = "liaison_userName"
)

// errBegun is a conversation with the copilot that somebody else began meanwhile.
var errBegun = errors.New("conversation with the copilot has been begun elsewhere")

// conversation returns the conversation with the copilot, in which somebody talks
// now, and whether it is new. The lane has one owner, and the row keeps what the
// first of two began.
func (r *Relay) conversation(ctx context.Context, w *row) (c *directline.Conversation, fresh bool, err error) {
	if w.Token != nil {
		return r.opt.Copilot.Resume(w.state()), false, r.awaken(ctx, w)
	}
	if c, err = r.opt.Copilot.Start(ctx); err != nil {
		return nil, false, err
	}
	err = r.outbox.Transact(ctx, func(tx *delivery.Tx) error {
		now, err := lock(ctx, tx, w.ID)
		if err != nil {
			return err
		}
		if now == nil || now.Turn != w.Turn {
			return errBegun
		}
		begun, err := r.begin(ctx, tx, w, c.State())
		if err != nil {
			return err
		}
		if !begun {
			return errBegun
		}
		if w.Talk > 1 {
			return r.notify(ctx, tx, w, texts.CopilotAnew())
		}
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("begin: %w", err)
	}
	return c, true, r.awaken(ctx, w)
}

// introduce tells the copilot that somebody is there: a user who is new, or one it
// should know. Whoever began the conversation may have died between saying so and
// noting that: then again is set.
func (r *Relay) introduce(ctx context.Context, w *row, c *directline.Conversation, again bool) error {
	a := directline.Greet()
	a.Locale = w.User.Locale
	if w.Talk > 1 {
		known := map[string]any{knownLocale: w.User.Locale, knownUser: w.User.Name}
		maps.Copy(known, w.Known)
		var err error
		if a, err = directline.SetContext(known); err != nil {
			return err
		}
	}
	err := c.Post(ctx, directline.Post{Key: fmt.Sprintf("introduction %d", w.Talk), Activity: a, Again: again})
	if err != nil {
		return err
	}
	return introduced(ctx, r.opt.Pool, w)
}

const introducedSQL = `
	UPDATE relay
	SET introduced = true
	WHERE id = @id
	  AND talk = @talk`

func introduced(ctx context.Context, db DB, w *row) error {
	if _, err := db.Exec(ctx, introducedSQL, pgx.NamedArgs{"id": w.ID, "talk": w.Talk}); err != nil {
		return fmt.Errorf("note introduction: %w", err)
	}
	w.Introduced = true
	return nil
}

const awakenSQL = `
	UPDATE relay
	SET awake = true,
		spoke_at = now(),
		listen_until = CASE WHEN listener IS NOT NULL THEN listen_until END
	WHERE id = @id
	  AND talk = @talk
	  AND token IS NOT NULL
	  AND state <> 'ended'`

// awaken makes somebody listen. A relay that just spoke is not parked so soon.
func (r *Relay) awaken(ctx context.Context, w *row) error {
	if w.Awake && w.Silent+time.Since(w.At) < time.Duration(r.opt.Config.Quiet)/2 {
		return nil
	}
	began := time.Now()
	if _, err := r.opt.Pool.Exec(ctx, awakenSQL, pgx.NamedArgs{"id": w.ID, "talk": w.Talk}); err != nil {
		return fmt.Errorf("wake relay: %w", err)
	}
	w.Awake, w.Silent, w.At = true, 0, began
	r.nudge()
	return nil
}

// notify promises the user a line in the service's own words.
func (r *Relay) notify(ctx context.Context, tx *delivery.Tx, w *row, text texts.Text) error {
	line := r.opt.Texts.In(w.User.Locale, w.User.TimeZone).Say(text)
	return r.show(ctx, tx, w, "", line)
}

// fromBot reports whether an activity is the copilot's own.
func fromBot(a activity.Activity) bool { return a.From.Role == "bot" }
