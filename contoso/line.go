package contoso

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

// What a line is about. Edited and deleted ones are marks in the conversation's
// order; the message itself changes, too.
const (
	eventMessage     = "message"
	eventEdited      = "edited"
	eventDeleted     = "deleted"
	eventQueued      = "queued"
	eventJoined      = "joined"
	eventLeft        = "left"
	eventTransferred = "transferred"
	eventEnded       = "ended"

	// Of conversations on our own page alone.
	eventOpened   = "opened"
	eventPassed   = "passed"   // the copilot gave control to people
	eventReturned = "returned" // people gave it back
)

// A line is one entry of a conversation: words, a file, a change of them, or
// something that happened.
type line struct {
	ID             string    `db:"id" json:"id"`
	ConversationID string    `db:"conversation_id" json:"conversationId"`
	Position       int64     `db:"position" json:"position"`
	Event          string    `db:"event" json:"event"`
	From           string    `db:"author" json:"from"`
	Sender         string    `db:"sender" json:"sender"`
	Text           string    `db:"body" json:"message"`
	Reason         string    `db:"reason" json:"reason,omitempty"`
	About          string    `db:"about" json:"about,omitempty"` // the line that was edited or deleted
	To             string    `db:"recipient" json:"to,omitempty"`
	Note           string    `db:"note" json:"note,omitempty"` // for the desk alone
	Summary        string    `db:"summary" json:"summary,omitempty"`
	Place          int       `db:"place" json:"place,omitempty"`
	WaitSeconds    int       `db:"wait_seconds" json:"waitSeconds,omitempty"`
	Edited         bool      `db:"edited" json:"edited,omitempty"`
	Deleted        bool      `db:"deleted" json:"deleted,omitempty"`
	Files          []file    `db:"files" json:"attachments,omitempty"`
	Key            string    `db:"key" json:"key,omitempty"`
	State          string    `db:"state" json:"state,omitempty"`     // of its webhook: queued, sent, failed; empty without one
	Failure        string    `db:"failure" json:"failure,omitempty"` // how the webhook's last attempt went wrong
	Report         string    `db:"report" json:"report,omitempty"`   // what its receiver made of it: failed, unknown; empty is nothing special
	ReportReason   string    `db:"report_reason" json:"reportReason,omitempty"`
	ReportSettled  string    `db:"report_settled" json:"reportSettled,omitempty"` // what an agent made of the report: left, again
	Timestamp      time.Time `db:"created_at" json:"timestamp"`
	Format         string    `db:"format" json:"format,omitempty"` // of the text: formatPlain or formatMarkdown
	Choices        []choice  `db:"choices" json:"choices,omitempty"`
	Value          string    `db:"value" json:"value,omitempty"` // of the choice that the user pressed
}

const insertLineSQL = `
INSERT INTO contoso.line (conversation_id, event, author, sender, body, reason, about, recipient, note, summary,
                          place, wait_seconds, key, format, choices, value)
VALUES (@conversation, @event, @author, @sender, @body, @reason, nullif(@about, ''), @to, @note, @summary,
        @place, @wait, nullif(@key, ''), @format, @choices, @value)
RETURNING id, position, created_at`

// insert stores a line of a locked conversation and fills in what the database
// decides.
func insert(ctx context.Context, tx pgx.Tx, l *line) error {
	err := tx.QueryRow(ctx, insertLineSQL, pgx.NamedArgs{
		"conversation": l.ConversationID, "event": l.Event, "author": l.From,
		"sender": l.Sender, "body": l.Text, "reason": l.Reason, "about": l.About, "to": l.To,
		"note": l.Note, "summary": l.Summary, "place": l.Place, "wait": l.WaitSeconds, "key": l.Key,
		"format": l.Format, "choices": append([]choice{}, l.Choices...), "value": l.Value, // no choices are [], not null
	}).Scan(&l.ID, &l.Position, &l.Timestamp)
	if err != nil {
		return fmt.Errorf("insert line: %w", err)
	}
	return nil
}

const promiseSQL = `
INSERT INTO contoso.webhook (line_id, conversation_id, position)
SELECT l.id, l.conversation_id, l.position
FROM contoso.line l
JOIN contoso.conversation c ON c.id = l.conversation_id
WHERE l.id = @line
AND (c.origin = 'api' OR l.author = 'user' OR l.event IN ('opened', 'returned', 'ended'))`

// promise queues the webhook of a line just inserted. The user of our own page
// sees there what agents do: only what the copilot must know is told.
func promise(ctx context.Context, tx pgx.Tx, l *line) error {
	tag, err := tx.Exec(ctx, promiseSQL, pgx.NamedArgs{"line": l.ID})
	if err != nil {
		return fmt.Errorf("queue webhook: %w", err)
	}
	if tag.RowsAffected() == 1 {
		l.State = webhookQueued
	}
	return nil
}

// tell inserts a line and queues its webhook.
func tell(ctx context.Context, tx pgx.Tx, l *line) error {
	if err := insert(ctx, tx, l); err != nil {
		return err
	}
	return promise(ctx, tx, l)
}

// begin locks the conversation a line is for. It returns the line that came with
// the same key before, if one did; otherwise the conversation's state, and a 409
// when it has ended.
func begin(ctx context.Context, tx pgx.Tx, l line) (state string, earlier *line, err error) {
	state, err = lock(ctx, tx, l.ConversationID)
	if err != nil {
		return "", nil, err
	}
	if earlier, err = sameKey(ctx, tx, l); err != nil || earlier != nil {
		return state, earlier, err
	}
	if state == stateEnded {
		return "", nil, errEnded
	}
	return state, nil, nil
}

// errEnded refuses whatever comes after the end.
var errEnded = &web.Error{Status: http.StatusConflict, Text: "the conversation has ended"}

const sameKeySQL = `
SELECT id, conversation_id, position, event, author, sender, body, reason, about, recipient, note, summary,
       place, wait_seconds, edited, deleted, files, key, state, failure, report, report_reason, report_settled, created_at, format, choices, value
FROM contoso.line_shown
WHERE conversation_id = @conversation
AND author = @author
AND event = @event
AND key = nullif(@key, '')`

// sameKey finds the line of the same kind and side that came with the key of l;
// nil when there is none.
func sameKey(ctx context.Context, tx pgx.Tx, l line) (*line, error) {
	rows, err := tx.Query(ctx, sameKeySQL, pgx.NamedArgs{
		"conversation": l.ConversationID, "author": l.From, "event": l.Event, "key": l.Key,
	})
	if err != nil {
		return nil, fmt.Errorf("find line by key: %w", err)
	}
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[line])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find line by key: %w", err)
	}
	return found, nil
}
