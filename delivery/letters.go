package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// DB is what operators' functions need: a pool, or the caller's transaction.
type DB interface {
	Begin(ctx context.Context) (pgx.Tx, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// ErrNoLetter means that no letter has the id.
var ErrNoLetter = errors.New("no such letter")

// A Letter is a delivery that was given up (dead) or kept back (held), until an
// operator redrives or drops it. It never holds what was to be said.
type Letter struct {
	ID           int64     `json:"id"`
	Destination  string    `json:"destination"`
	Conversation string    `json:"conversation"`
	Seq          int64     `json:"seq"`
	Key          string    `json:"key"`
	Outcome      string    `json:"outcome"` // dead, held; redriven, dropped once decided
	Reason       string    `json:"reason"`  // class and status of its last attempt
	AcceptedAt   time.Time `json:"accepted_at"`
	BuriedAt     time.Time `json:"buried_at"`
	Halts        bool      `json:"halts"` // its lane stands still until it is decided
}

// A Filter selects undecided letters. What is zero selects all.
type Filter struct {
	IDs          []int64
	Conversation string // the lane's, exactly
	Destination  string
	Outcome      string // dead or held
	Reason       string // part of the reason
	OlderThan    time.Duration
	NewerThan    time.Duration
}

// Any reports whether f selects all letters.
func (f Filter) Any() bool {
	return len(f.IDs) == 0 && f.Conversation == "" && f.Destination == "" && f.Outcome == "" && f.Reason == "" &&
		f.OlderThan == 0 && f.NewerThan == 0
}

func (f Filter) args(limit int) pgx.NamedArgs {
	return pgx.NamedArgs{
		"ids": f.IDs, "conversation": f.Conversation, "destination": f.Destination, "outcome": f.Outcome,
		"reason": f.Reason, "older": f.OlderThan, "newer": f.NewerThan, "limit": limit,
	}
}

// halts tells a lane that stopped at its letter from one that was parked behind
// it for another reason: it was parked by the transaction that buried the letter.
const halts = `(l.acked_seq = d.seq AND l.parked_at IS NOT NULL AND l.parked_at = d.buried_at)`

// standsAt is halts of a letter that nobody decided about.
const standsAt = `(COALESCE(d.outcome, '') IN ('dead', 'held') AND COALESCE(` + halts + `, false))`

const letterColumns = `d.id, d.destination, d.conversation, d.seq, d.key, d.outcome, COALESCE(d.reason, ''),
	d.created_at, COALESCE(d.buried_at, d.created_at), ` + halts

const selectLettersSQL = `
	SELECT ` + letterColumns + `
	FROM delivery AS d
	JOIN lane AS l USING (destination, conversation)
	WHERE d.outcome IN ('dead', 'held')
	  AND (cardinality(@ids::bigint[]) IS NULL OR cardinality(@ids::bigint[]) = 0 OR d.id = ANY(@ids::bigint[]))
	  AND (@conversation = '' OR d.conversation = @conversation)
	  AND (@destination = '' OR d.destination = @destination)
	  AND (@outcome = '' OR d.outcome = @outcome)
	  AND (@reason = '' OR position(lower(@reason) IN lower(d.reason)) > 0)
	  AND (@older::interval = '0' OR COALESCE(d.buried_at, d.created_at) <= now() - @older::interval)
	  AND (@newer::interval = '0' OR COALESCE(d.buried_at, d.created_at) >= now() - @newer::interval)`

const listLettersSQL = selectLettersSQL + `
	ORDER BY COALESCE(d.buried_at, d.created_at) DESC, d.id DESC
	LIMIT @limit`

// Letters lists undecided letters, the newest first.
func Letters(ctx context.Context, db DB, f Filter, limit int) ([]Letter, error) {
	letters, err := collectLetters(ctx, db, listLettersSQL, f.args(limit))
	if err != nil {
		return nil, fmt.Errorf("list letters: %w", err)
	}
	return letters, nil
}

const getLetterSQL = `
	SELECT ` + letterColumns + `
	FROM delivery AS d
	JOIN lane AS l USING (destination, conversation)
	WHERE d.id = @id
	  AND d.outcome IS NOT NULL`

// FindLetter returns a letter, decided or not. One that was redriven in its own
// place is a delivery like any other again: it is found by [LastDecision] only.
func FindLetter(ctx context.Context, db DB, id int64) (Letter, error) {
	letters, err := collectLetters(ctx, db, getLetterSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return Letter{}, fmt.Errorf("find letter %d: %w", id, err)
	}
	if len(letters) == 0 {
		return Letter{}, fmt.Errorf("find letter %d: %w", id, ErrNoLetter)
	}
	return letters[0], nil
}

// querier is what reading needs of a [DB] or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func collectLetters(ctx context.Context, db querier, sql string, args pgx.NamedArgs) ([]Letter, error) {
	rows, err := db.Query(ctx, sql, args)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Letter])
}

// A Decision is what an operator did to letters, as it is on record.
type Decision struct {
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Action string    `json:"action"` // redrive or drop
}

// Operators' decisions are few: reading them all needs no index.
const lastDecisionSQL = `
	SELECT at, actor, action
	FROM audit
	WHERE action IN ('redrive', 'drop')
	  AND detail -> 'ids' @> to_jsonb(@id::bigint)
	ORDER BY id DESC
	LIMIT 1`

// LastDecision returns what was last decided about a letter, or [ErrNoLetter].
func LastDecision(ctx context.Context, db DB, id int64) (Decision, error) {
	var d Decision
	err := db.QueryRow(ctx, lastDecisionSQL, pgx.NamedArgs{"id": id}).Scan(&d.At, &d.Actor, &d.Action)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNoLetter
	}
	if err != nil {
		return Decision{}, fmt.Errorf("find decision about letter %d: %w", id, err)
	}
	return d, nil
}
