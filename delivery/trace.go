package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Traced is one delivery as an operator sees it, with what was tried. It never
// holds what was to be said.
type Traced struct {
	Destination  string     `json:"destination"`
	Conversation string     `json:"conversation"`
	Seq          int64      `json:"seq"`
	Letter       int64      `json:"letter,omitempty"` // its id, if it is a letter
	Key          string     `json:"key"`
	AcceptedAt   time.Time  `json:"accepted_at"`
	Outcome      string     `json:"outcome"`             // delivered, pending, dead, held, redriven, dropped
	Reason       string     `json:"reason"`              // of a letter
	ParkedAt     *time.Time `json:"parked_at,omitempty"` // its lane stands still since
	TraceID      string     `json:"trace_id,omitempty"`  // where what is traced goes
	Attempts     []Attempt  `json:"attempts" db:"-"`
}

// An Attempt is one try of a delivery.
type Attempt struct {
	BeganAt   time.Time     `json:"began_at"`
	Took      time.Duration `json:"took_ns"`
	Class     Class         `json:"class"`
	Status    int           `json:"status"`
	Ambiguous bool          `json:"ambiguous"`
	Owner     string        `json:"owner"`
}

// A Span is a part of a lane by the time its deliveries were accepted.
type Span struct {
	Destination  string
	Conversation string
	From         time.Time
	Until        *time.Time // nil: still going on
}

const tracedColumns = `d.destination, d.conversation, d.seq, CASE WHEN d.outcome IS NULL THEN 0 ELSE d.id END, d.key, d.created_at,
	COALESCE(d.outcome, CASE WHEN d.seq <= l.acked_seq THEN 'delivered' ELSE 'pending' END),
	COALESCE(d.reason, ''), l.parked_at, split_part(COALESCE(d.trace, ''), '-', 2)`

const traceKeySQL = `
	SELECT ` + tracedColumns + `
	FROM delivery AS d
	JOIN lane AS l USING (destination, conversation)
	WHERE d.key = @key
	  AND d.key <> ''
	ORDER BY d.created_at, d.destination, d.conversation, d.seq
	LIMIT @limit`

// TraceKey finds what came of a message by its peer's id, oldest first.
func TraceKey(ctx context.Context, db DB, key string, limit int) ([]Traced, error) {
	return trace(ctx, db, traceKeySQL, pgx.NamedArgs{"key": key, "limit": limit})
}

const traceLetterSQL = `
	SELECT ` + tracedColumns + `
	FROM delivery AS d
	JOIN lane AS l USING (destination, conversation)
	WHERE d.id = @id
	  AND d.outcome IS NOT NULL`

// TraceLetter finds a letter as a delivery.
func TraceLetter(ctx context.Context, db DB, id int64) ([]Traced, error) {
	return trace(ctx, db, traceLetterSQL, pgx.NamedArgs{"id": id})
}

const traceSpansSQL = `
	SELECT DISTINCT ` + tracedColumns + `
	FROM unnest(@destination::text[], @conversation::text[], @since::timestamptz[], @until::timestamptz[])
		AS t (destination, conversation, since, until)
	JOIN delivery AS d USING (destination, conversation)
	JOIN lane AS l USING (destination, conversation)
	WHERE d.created_at >= t.since
	  AND (t.until IS NULL OR d.created_at < t.until)
	ORDER BY d.created_at, d.destination, d.conversation, d.seq
	LIMIT @limit`

// TraceSpans lists what went through parts of lanes, oldest first.
func TraceSpans(ctx context.Context, db DB, spans []Span, limit int) ([]Traced, error) {
	var destination, conversation []string
	var since []time.Time
	var until []*time.Time
	for _, s := range spans {
		destination, conversation = append(destination, s.Destination), append(conversation, s.Conversation)
		since, until = append(since, s.From), append(until, s.Until)
	}
	return trace(ctx, db, traceSpansSQL, pgx.NamedArgs{
		"destination": destination, "conversation": conversation, "since": since, "until": until, "limit": limit,
	})
}

func trace(ctx context.Context, db DB, sql string, args pgx.NamedArgs) ([]Traced, error) {
	rows, err := db.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("trace deliveries: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Traced])
	if err != nil {
		return nil, fmt.Errorf("trace deliveries: %w", err)
	}
	if err := addAttempts(ctx, db, found); err != nil {
		return nil, fmt.Errorf("trace attempts: %w", err)
	}
	return found, nil
}

const traceAttemptsSQL = `
	SELECT t.ord, a.began_at, a.took, a.class, a.status, a.ambiguous, a.owner
	FROM unnest(@destination::text[], @conversation::text[], @seq::bigint[])
		WITH ORDINALITY AS t (destination, conversation, seq, ord)
	JOIN attempt AS a USING (destination, conversation, seq)
	ORDER BY t.ord, a.began_at`

func addAttempts(ctx context.Context, db DB, found []Traced) error {
	var destination, conversation []string
	var seq []int64
	for _, t := range found {
		destination, conversation, seq = append(destination, t.Destination), append(conversation, t.Conversation), append(seq, t.Seq)
	}
	rows, err := db.Query(ctx, traceAttemptsSQL, pgx.NamedArgs{"destination": destination, "conversation": conversation, "seq": seq})
	if err != nil {
		return err
	}
	var ord int64
	var a Attempt
	fields := []any{&ord, &a.BeganAt, &a.Took, &a.Class, &a.Status, &a.Ambiguous, &a.Owner}
	_, err = pgx.ForEachRow(rows, fields, func() error {
		found[ord-1].Attempts = append(found[ord-1].Attempts, a)
		return nil
	})
	return err
}
