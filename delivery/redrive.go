package delivery

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// An Order is an operator's decision about letters.
type Order struct {
	Filter  Filter
	Limit   int    // letters at most; the rest takes another order
	Actor   string // who decides, for the record
	Subject string // what was asked for, for the record; never anybody's words
}

// Redrive sends letters once more. A lane that halted at its letter tries it
// again where it stands, with all of its patience; elsewhere a copy joins the end of the lane, without a
// deadline. A lane parked for another reason stays parked. It returns the letters
// it found; those decided already are not among them.
func Redrive(ctx context.Context, db DB, o Order) ([]Letter, error) {
	return decide(ctx, db, o, "redrive", redriveSQL)
}

// Drop gives letters up for good. A lane that halted at one goes on behind it. It
// returns the letters it found; those decided already are not among them.
func Drop(ctx context.Context, db DB, o Order) ([]Letter, error) {
	return decide(ctx, db, o, "drop", dropSQL)
}

// redriveSQL runs when the letters' lanes are locked, so each is what it reads.
// An idle lane is woken without an owner: the poll of any replica takes it.
const redriveSQL = `
	WITH letter AS (
		SELECT d.id, d.destination, d.conversation, d.seq, d.key, d.payload, d.settle, d.trace, ` + halts + ` AS halting,
			row_number() OVER (PARTITION BY d.destination, d.conversation, ` + halts + ` ORDER BY d.seq) AS place
		FROM delivery AS d
		JOIN lane AS l USING (destination, conversation)
		WHERE d.id = ANY(@ids)
		  AND d.outcome IN ('dead', 'held')
	), decided AS (
		UPDATE delivery AS d
		SET outcome = CASE WHEN letter.halting THEN NULL ELSE 'redriven' END,
			reason = CASE WHEN letter.halting THEN NULL ELSE d.reason END,
			buried_at = CASE WHEN letter.halting THEN NULL ELSE d.buried_at END,
			redriven_at = CASE WHEN letter.halting THEN now() ELSE d.redriven_at END,
			expires_at = CASE WHEN letter.halting THEN NULL ELSE d.expires_at END
		FROM letter
		WHERE (d.destination, d.conversation, d.seq) = (letter.destination, letter.conversation, letter.seq)
	), change AS (
		SELECT destination, conversation, bool_or(halting) AS halting, count(*) FILTER (WHERE NOT halting) AS copies
		FROM letter
		GROUP BY destination, conversation
	), woken AS (
		UPDATE lane AS l
		SET last_seq = l.last_seq + change.copies,
			acked_seq = l.acked_seq - CASE WHEN change.halting THEN 1 ELSE 0 END,
			parked_at = CASE WHEN NOT change.halting THEN l.parked_at END,
			ready_at = CASE WHEN change.halting OR l.parked_at IS NULL THEN COALESCE(l.ready_at, now()) END,
			owner = CASE WHEN l.ready_at IS NOT NULL THEN l.owner END,
			epoch = l.epoch + CASE WHEN l.ready_at IS NULL AND (change.halting OR l.parked_at IS NULL) THEN 1 ELSE 0 END
		FROM change
		WHERE (l.destination, l.conversation) = (change.destination, change.conversation)
		RETURNING l.destination, l.conversation, l.last_seq - change.copies AS behind
	)
	INSERT INTO delivery (destination, conversation, seq, key, payload, settle, trace)
	SELECT destination, conversation, behind + place, key, payload, settle, trace
	FROM letter JOIN woken USING (destination, conversation)
	WHERE NOT halting`

const dropSQL = `
	WITH letter AS (
		SELECT d.destination, d.conversation, d.seq, ` + halts + ` AS halting
		FROM delivery AS d
		JOIN lane AS l USING (destination, conversation)
		WHERE d.id = ANY(@ids)
		  AND d.outcome IN ('dead', 'held')
	), woken AS (
		UPDATE lane AS l
		SET parked_at = NULL,
			ready_at = CASE WHEN l.acked_seq < l.last_seq THEN now() END,
			epoch = l.epoch + 1
		FROM letter
		WHERE (l.destination, l.conversation) = (letter.destination, letter.conversation)
		  AND letter.halting
	)
	UPDATE delivery AS d
	SET outcome = 'dropped'
	FROM letter
	WHERE (d.destination, d.conversation, d.seq) = (letter.destination, letter.conversation, letter.seq)`

// decide runs an order in one transaction.
func decide(ctx context.Context, db DB, o Order, action, sql string) ([]Letter, error) {
	var letters []Letter
	err := Persist(ctx, db, func(tx pgx.Tx) (err error) {
		if letters, err = lockLetters(ctx, tx, o); err != nil || len(letters) == 0 {
			return err
		}
		if _, err := tx.Exec(ctx, sql, pgx.NamedArgs{"ids": lettersIDs(letters)}); err != nil {
			return err
		}
		return record(ctx, tx, o, action, letters)
	})
	if err != nil {
		return nil, fmt.Errorf("%s letters: %w", action, err)
	}
	return letters, nil
}

// Persist runs f in a transaction, again after a deadlock or a serialization
// failure: f must have no effects outside it.
func Persist(ctx context.Context, db DB, f func(tx pgx.Tx) error) error {
	for try := 1; ; try++ {
		err := pgx.BeginFunc(ctx, db, f)
		if err == nil || try == tries || !conflicted(err) {
			return err
		}
	}
}

const (
	orderedLettersSQL = selectLettersSQL + `
	ORDER BY d.destination, d.conversation, d.seq
	LIMIT @limit`

	lockLanesSQL = `
	SELECT 1
	FROM lane
	WHERE (destination, conversation) IN (
		SELECT destination, conversation
		FROM unnest(@destination::text[], @conversation::text[]) AS t (destination, conversation))
	ORDER BY destination, conversation
	FOR NO KEY UPDATE`
)

// lockLetters finds letters and locks their lanes, in everybody's order. What was
// decided while it waited for a lane is not among them.
func lockLetters(ctx context.Context, tx pgx.Tx, o Order) ([]Letter, error) {
	found, err := collectLetters(ctx, tx, orderedLettersSQL, o.Filter.args(o.Limit))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	var destination, conversation []string
	for _, l := range found {
		destination, conversation = append(destination, l.Destination), append(conversation, l.Conversation)
	}
	_, err = tx.Exec(ctx, lockLanesSQL, pgx.NamedArgs{"destination": destination, "conversation": conversation})
	if err != nil {
		return nil, err
	}
	return collectLetters(ctx, tx, orderedLettersSQL, Filter{IDs: lettersIDs(found)}.args(len(found)))
}

func lettersIDs(letters []Letter) []int64 {
	ids := make([]int64, len(letters))
	for i, l := range letters {
		ids[i] = l.ID
	}
	return ids
}

const recordSQL = `
	INSERT INTO audit (actor, action, subject, detail)
	VALUES (@actor, @action, @subject, @detail)`

func record(ctx context.Context, tx pgx.Tx, o Order, action string, letters []Letter) error {
	counts := map[string]int{}
	for _, l := range letters {
		counts[l.Outcome]++
		if l.Halts {
			counts["halting"]++
		}
	}
	_, err := tx.Exec(ctx, recordSQL, pgx.NamedArgs{
		"actor": o.Actor, "action": action, "subject": o.Subject,
		"detail": map[string]any{"letters": len(letters), "counts": counts, "ids": lettersIDs(letters)},
	})
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}
