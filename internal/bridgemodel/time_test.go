package bridgemodel

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const mappingSQL = `
	SELECT COALESCE((SELECT id
		FROM mapping
		WHERE conversation_id = @talk
		ORDER BY id DESC
		OFFSET @back
		LIMIT 1), 0)`

// mappingID is the last mapping but back.
func (t *talk) mappingID(tb testing.TB, back int) (id int64) {
	tb.Helper()
	err := t.db.QueryRow(tb.Context(), mappingSQL, pgx.NamedArgs{"talk": t.name, "back": back}).Scan(&id)
	if err != nil {
		tb.Error(err)
	}
	return id
}

const (
	passSQL = `
		UPDATE mapping
		SET opened_at = opened_at - @span::interval, joined_at = joined_at - @span::interval,
			waiting_at = waiting_at - @span::interval, offered_at = offered_at - @span::interval,
			reminded_at = reminded_at - @span::interval, told_at = told_at - @span::interval,
			closed_at = closed_at - @span::interval,
			wake_at = CASE WHEN wake_at IS NOT NULL THEN now() END
		WHERE conversation_id = ANY(@talks)`

	passWordsSQL = `
		UPDATE entry AS e
		SET said_at = e.said_at - @span::interval
		FROM mapping AS m
		WHERE m.id = e.mapping
		  AND m.conversation_id = ANY(@talks)`

	passOpeningsSQL = `
		UPDATE delivery AS d
		SET expires_at = now()
		FROM mapping AS m
		WHERE d.conversation = 'mapping ' || m.id
		  AND d.destination = 'hub/hub'
		  AND d.expires_at > now()
		  AND m.conversation_id = ANY(@talks)
		  AND m.state = 'opening'`
)

// passes moves the times of some talks back: for them, span has passed.
func (w *world) passes(tb testing.TB, span time.Duration, talks ...string) {
	tb.Helper()
	args := pgx.NamedArgs{"span": span, "talks": talks}
	for _, sql := range []string{passSQL, passWordsSQL, passOpeningsSQL} {
		w.exec(tb, sql, args)
	}
}

const restlessSQL = `
	SELECT (SELECT count(*) FROM lane WHERE ready_at IS NOT NULL)
		+ (SELECT count(*) FROM mapping WHERE wake_at <= now())`

// rests waits until nobody has anything to do.
func (w *world) rests(tb testing.TB) {
	tb.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(time.Minute); ; {
		var n int
		if err := w.db.QueryRow(tb.Context(), restlessSQL).Scan(&n); err != nil {
			tb.Fatal(err)
		}
		if n == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			w.unrest = fmt.Sprintf("R12: %d things are still to be done: %s", n, w.busy(tb))
			return
		}
	}
}

const busySQL = `
	SELECT COALESCE(string_agg(concat_ws(' ', destination, conversation, owner, epoch, ready_at - now()), '; '), '')
	FROM (SELECT * FROM lane WHERE ready_at IS NOT NULL ORDER BY ready_at LIMIT 5) AS l`

// busy describes some of what is still to be done.
func (w *world) busy(tb testing.TB) (text string) {
	tb.Helper()
	if err := w.db.QueryRow(tb.Context(), busySQL).Scan(&text); err != nil {
		return err.Error()
	}
	return text
}
