package relay

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/directline"
)

const moveSQL = `
	UPDATE relay
	SET state = @to,
		turn = turn + @turns,
		ended_at = CASE WHEN @to = 'ended' THEN now() END,
		awake = awake AND @to <> 'ended',
		refresh_at = CASE WHEN @to <> 'ended' THEN refresh_at END
	WHERE id = @id
	  AND state = @from
	RETURNING turn`

// move changes the state of a locked relay, which is w's, and with it the turn: what
// was promised before does not count any more.
func move(ctx context.Context, db DB, w *row, to State) error { return change(ctx, db, w, to, 1) }

// change is move by so many turns. By none, what was promised still counts.
func change(ctx context.Context, db DB, w *row, to State, turns int64) error {
	err := db.QueryRow(ctx, moveSQL, pgx.NamedArgs{"id": w.ID, "from": w.State, "to": to, "turns": turns}).Scan(&w.Turn)
	if err != nil {
		return fmt.Errorf("relay %d from %s to %s: %w", w.ID, w.State, to, err)
	}
	w.State = to
	return nil
}

const knowSQL = `
	UPDATE relay
	SET known = @known
	WHERE id = @id`

// know keeps what a copilot that begins anew is told.
func know(ctx context.Context, db DB, w *row) error {
	w.Known = fitting(w.Known)
	known, err := json.Marshal(w.Known)
	if err != nil {
		return fmt.Errorf("encode what is known: %w", err)
	}
	if _, err := db.Exec(ctx, knowSQL, pgx.NamedArgs{"id": w.ID, "known": string(known)}); err != nil {
		return fmt.Errorf("keep what is known: %w", err)
	}
	return nil
}

// maxKnown bounds what a copilot is told at once, in bytes of JSON: it is one activity,
// of which Direct Line takes [directline.MaxActivity].
const maxKnown = directline.MaxActivity / 2

// fitting is what can be told of what is known: our own variables first, then the
// copilot's by name. One that is too long takes no other with it.
func fitting(known map[string]any) map[string]any {
	rank := func(name string) int {
		if strings.HasPrefix(name, knownPrefix) {
			return 0
		}
		return 1
	}
	names := slices.SortedFunc(maps.Keys(known), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
	all, left := map[string]any{}, maxKnown
	for _, name := range names {
		raw, err := json.Marshal(map[string]any{name: known[name]})
		if err == nil && len(raw) <= left {
			all[name], left = known[name], left-len(raw)
		}
	}
	return all
}

const (
	beginSQL = `
	UPDATE relay
	SET talk = talk + 1, token = @token, token_until = @until, refresh_at = @refresh, introduced = false, heard = NULL, choices = NULL
	WHERE id = @id
	  AND talk = @talk
	  AND token IS NULL
	RETURNING talk`

	renewTokenSQL = `
	UPDATE relay
	SET token = @token, token_until = @until, refresh_at = CASE WHEN state <> 'ended' THEN @refresh::timestamptz END
	WHERE id = @id
	  AND talk = @talk
	  AND token_until < @until`

	loseSQL = `
	UPDATE relay
	SET token = NULL, token_until = NULL, refresh_at = NULL, awake = false, listener = NULL, listen_until = NULL, choices = NULL
	WHERE id = @id
	  AND talk = @talk
	  AND token IS NOT NULL`
)

// tokenArgs is the part of a state that whoever gets a token writes.
func (r *Relay) tokenArgs(w *row, s directline.State) (pgx.NamedArgs, error) {
	s.Watermark, s.Heard, s.Said = "", nil, nil
	token, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode token: %w", err)
	}
	var refresh *time.Time
	if r.opt.Config.keep() > 0 {
		refresh = new(s.Issued.Add(jittered(s.Expires.Sub(s.Issued))))
	}
	return pgx.NamedArgs{"id": w.ID, "talk": w.Talk, "token": string(token), "until": s.Expires, "refresh": refresh}, nil
}

// begin keeps a conversation with the copilot that was just opened. It reports
// false when there is one.
func (r *Relay) begin(ctx context.Context, db DB, w *row, s directline.State) (bool, error) {
	args, err := r.tokenArgs(w, s)
	if err != nil {
		return false, err
	}
	rows, err := db.Query(ctx, beginSQL, args)
	if err != nil {
		return false, fmt.Errorf("keep conversation with copilot: %w", err)
	}
	talks, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return false, fmt.Errorf("keep conversation with copilot: %w", err)
	}
	if len(talks) == 0 {
		return false, nil
	}
	w.Talk, w.Token, w.Introduced, w.Heard = talks[0], &s, false, heard{}
	return true, nil
}

// renewed keeps a token that is newer than the one that is kept.
func (r *Relay) renewed(ctx context.Context, w *row, s directline.State) error {
	if !s.Expires.After(w.Token.Expires) {
		return nil
	}
	args, err := r.tokenArgs(w, s)
	if err != nil {
		return err
	}
	if _, err := r.opt.Pool.Exec(ctx, renewTokenSQL, args); err != nil {
		return fmt.Errorf("keep token: %w", err)
	}
	w.Token = &s
	return nil
}

// lose forgets a conversation with the copilot that cannot be gone on with. It
// reports whether it was not forgotten before.
func lose(ctx context.Context, db DB, w *row) (bool, error) {
	tag, err := db.Exec(ctx, loseSQL, pgx.NamedArgs{"id": w.ID, "talk": w.Talk})
	if err != nil {
		return false, fmt.Errorf("forget conversation with copilot: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}
