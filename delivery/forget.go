package delivery

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// A LaneID names a lane.
type LaneID struct{ Destination, Conversation string }

const lockFinalSQL = `
	SELECT d.destination, d.conversation, d.seq
	FROM unnest(@destination::text[], @conversation::text[]) AS inp (destination, conversation)
	JOIN delivery AS d USING (destination, conversation)
	JOIN lane AS l USING (destination, conversation)
	WHERE d.seq <= l.acked_seq
	  AND d.outcome IS DISTINCT FROM 'held'
	  AND NOT ` + standsAt + `
	ORDER BY d.destination, d.conversation, d.seq
	FOR UPDATE OF d`

// Forget deletes the deliveries of lanes that have their final outcome, with
// their attempts and the lanes they leave empty. What is pending or held stays, and a letter
// that its lane halts at: without it nobody could make the lane go on.
func Forget(ctx context.Context, tx pgx.Tx, lanes ...LaneID) (Pruned, error) {
	destination, conversation := columnsOf(lanes)
	final, err := lockDeliveries(ctx, tx, lockFinalSQL, pgx.NamedArgs{
		"destination": destination, "conversation": conversation,
	})
	if err != nil {
		return Pruned{}, fmt.Errorf("forget: %w", err)
	}
	return final.forget(ctx, tx)
}

const keptSQL = `
	SELECT inp.destination, inp.conversation
	FROM unnest(@destination::text[], @conversation::text[]) AS inp (destination, conversation)
	WHERE EXISTS (
		SELECT FROM delivery AS d
		WHERE (d.destination, d.conversation) = (inp.destination, inp.conversation)
		  AND (@age::interval = '0' OR d.created_at < now() - @age::interval))`

// Kept returns those of lanes that have deliveries older than age, which may be
// zero.
func Kept(ctx context.Context, tx pgx.Tx, age time.Duration, lanes ...LaneID) (map[LaneID]bool, error) {
	destination, conversation := columnsOf(lanes)
	rows, err := tx.Query(ctx, keptSQL, pgx.NamedArgs{"destination": destination, "conversation": conversation, "age": age})
	if err != nil {
		return nil, fmt.Errorf("find deliveries: %w", err)
	}
	kept := map[LaneID]bool{}
	var id LaneID
	_, err = pgx.ForEachRow(rows, []any{&id.Destination, &id.Conversation}, func() error {
		kept[id] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find deliveries: %w", err)
	}
	return kept, nil
}

func columnsOf(lanes []LaneID) (destination, conversation []string) {
	for _, l := range lanes {
		destination, conversation = append(destination, l.Destination), append(conversation, l.Conversation)
	}
	return destination, conversation
}

// found is deliveries whose rows are locked.
type found struct {
	destination, conversation []string
	seq                       []int64
}

func lockDeliveries(ctx context.Context, tx pgx.Tx, sql string, args pgx.NamedArgs) (found, error) {
	rows, err := tx.Query(ctx, sql, args)
	if err != nil {
		return found{}, fmt.Errorf("lock deliveries: %w", err)
	}
	var f found
	var id LaneID
	var seq int64
	_, err = pgx.ForEachRow(rows, []any{&id.Destination, &id.Conversation, &seq}, func() error {
		f.destination, f.conversation = append(f.destination, id.Destination), append(f.conversation, id.Conversation)
		f.seq = append(f.seq, seq)
		return nil
	})
	if err != nil {
		return found{}, fmt.Errorf("lock deliveries: %w", err)
	}
	return f, nil
}

// forgetSQL looks at the cursors once more: a letter may have been made pending
// again before its row was locked.
const forgetSQL = `
	WITH gone AS (
		DELETE FROM delivery AS d
		USING unnest(@destination::text[], @conversation::text[], @seq::bigint[]) AS inp (destination, conversation, seq), lane AS l
		WHERE (d.destination, d.conversation, d.seq) = (inp.destination, inp.conversation, inp.seq)
		  AND (l.destination, l.conversation) = (d.destination, d.conversation)
		  AND d.seq <= l.acked_seq
		  AND NOT ` + standsAt + `
		RETURNING d.destination, d.conversation, d.seq, d.outcome
	), tries AS (
		DELETE FROM attempt AS a
		USING gone
		WHERE (a.destination, a.conversation, a.seq) = (gone.destination, gone.conversation, gone.seq)
		RETURNING 1
	)
	SELECT destination, conversation, count(*), count(outcome), (SELECT count(*) FROM tries)
	FROM gone
	GROUP BY destination, conversation`

// forget deletes what was found, and adds to the tally what no row tells any
// more.
func (f found) forget(ctx context.Context, tx pgx.Tx) (Pruned, error) {
	var did Pruned
	if len(f.seq) == 0 {
		return did, nil
	}
	rows, err := tx.Query(ctx, forgetSQL, pgx.NamedArgs{
		"destination": f.destination, "conversation": f.conversation, "seq": f.seq,
	})
	if err != nil {
		return did, fmt.Errorf("delete deliveries: %w", err)
	}
	t := tally{}
	var lanes []LaneID
	var id LaneID
	var n, letters int64
	_, err = pgx.ForEachRow(rows, []any{&id.Destination, &id.Conversation, &n, &letters, &did.Attempts}, func() error {
		lanes = append(lanes, id)
		did.Deliveries += n
		t.add(id.Destination, 0, letters)
		return nil
	})
	if err != nil {
		return did, fmt.Errorf("delete deliveries: %w", err)
	}
	if did.Lanes, err = forgetLanes(ctx, tx, t, lanes); err != nil {
		return did, err
	}
	return did, t.write(ctx, tx)
}

const (
	emptyIs = `l.ready_at IS NULL
		  AND l.parked_at IS NULL
		  AND l.acked_seq = l.last_seq
		  AND NOT EXISTS (
			SELECT FROM delivery AS d
			WHERE (d.destination, d.conversation) = (l.destination, l.conversation))`

	lockEmptySQL = `
		SELECT l.destination, l.conversation
		FROM unnest(@destination::text[], @conversation::text[]) AS inp (destination, conversation)
		JOIN lane AS l USING (destination, conversation)
		WHERE ` + emptyIs + `
		ORDER BY l.destination, l.conversation
		FOR UPDATE OF l SKIP LOCKED`

	// A delivery may have come and gone before the lane was locked; this statement
	// sees it.
	deleteEmptySQL = `
		DELETE FROM lane AS l
		USING unnest(@destination::text[], @conversation::text[]) AS inp (destination, conversation)
		WHERE (l.destination, l.conversation) = (inp.destination, inp.conversation)
		  AND ` + emptyIs + `
		RETURNING l.destination, l.last_seq`
)

// forgetLanes deletes those of lanes that are idle and empty. One that somebody
// has locked is about to be neither.
func forgetLanes(ctx context.Context, tx pgx.Tx, t tally, lanes []LaneID) (int64, error) {
	destination, conversation := columnsOf(lanes)
	rows, err := tx.Query(ctx, lockEmptySQL, pgx.NamedArgs{"destination": destination, "conversation": conversation})
	if err != nil {
		return 0, fmt.Errorf("lock empty lanes: %w", err)
	}
	empty, err := pgx.CollectRows(rows, pgx.RowToStructByPos[LaneID])
	if err != nil || len(empty) == 0 {
		return 0, wrap("lock empty lanes", err)
	}
	destination, conversation = columnsOf(empty)
	rows, err = tx.Query(ctx, deleteEmptySQL, pgx.NamedArgs{"destination": destination, "conversation": conversation})
	if err != nil {
		return 0, fmt.Errorf("delete empty lanes: %w", err)
	}
	var gone int64
	var name string
	var last int64
	_, err = pgx.ForEachRow(rows, []any{&name, &last}, func() error {
		gone++
		t.add(name, last, 0)
		return nil
	})
	return gone, wrap("delete empty lanes", err)
}

func wrap(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", operation, err)
}

// A tally is what [Counts] has to add because its rows are gone, by destination.
type tally map[string]struct{ accepted, dead int64 }

func (t tally) add(destination string, accepted, dead int64) {
	n := t[destination]
	n.accepted += accepted
	n.dead += dead
	t[destination] = n
}

const tallySQL = `
	INSERT INTO tally AS t (destination, accepted, dead)
	SELECT destination, accepted, dead
	FROM unnest(@destination::text[], @accepted::bigint[], @dead::bigint[]) AS inp (destination, accepted, dead)
	ORDER BY destination
	ON CONFLICT (destination) DO UPDATE
	SET accepted = t.accepted + EXCLUDED.accepted, dead = t.dead + EXCLUDED.dead`

func (t tally) write(ctx context.Context, tx pgx.Tx) error {
	var accepted, dead []int64
	destinations := slices.Sorted(maps.Keys(t))
	for _, name := range destinations {
		accepted, dead = append(accepted, t[name].accepted), append(dead, t[name].dead)
	}
	_, err := tx.Exec(ctx, tallySQL, pgx.NamedArgs{"destination": destinations, "accepted": accepted, "dead": dead})
	return wrap("add to the tally", err)
}
