package contoso

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

// States of a conversation.
const (
	stateCopilot = "copilot" // a copilot has control: agents only look
	stateWaiting = "waiting"
	stateActive  = "active"
	stateEnded   = "ended"
)

// Who a line is by, and who ended a conversation.
const (
	byUser    = "user"
	byAgent   = "agent"
	byCopilot = "copilot"
	bySystem  = "system"
)

// A person is what the caller told about its user. All of it is optional.
type person struct {
	ID       string `json:"id,omitempty"`
	Name     string `json:"name,omitempty"`
	Email    string `json:"email,omitempty"`
	Locale   string `json:"locale,omitempty"`
	TimeZone string `json:"timeZone,omitempty"` // IANA name
	Client   string `json:"client,omitempty"`
}

// variables are what the caller wants the agent to see beside the words. Values
// that are not strings are kept as their JSON text.
type variables map[string]string

// UnmarshalJSON implements json.Unmarshaler.
func (v *variables) UnmarshalJSON(data []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return fmt.Errorf("decode variables: %w", err)
	}
	*v = make(variables, len(raw))
	for name, value := range raw {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		(*v)[name] = text
	}
	return nil
}

// An opening is what a caller says when it starts a conversation.
type opening struct {
	Key       string    `json:"-"` // Idempotency-Key, may be empty
	User      person    `json:"user"`
	Problem   string    `json:"problem"`
	Channel   string    `json:"channel"`
	Reference string    `json:"reference"`
	Variables variables `json:"variables"`
	Summary   string    `json:"summary"`
	Queue     string    `json:"queue"`
	Skills    []string  `json:"skills"`
	Priority  int32     `json:"priority"` // more is served first
	past
}

// A past is what happened before a conversation began.
type past struct {
	Transcript []spoken     `db:"transcript" json:"transcript"`
	Earlier    []escalation `db:"earlier" json:"earlier"` // the user's conversations before, as the caller knows them
}

// A spoken is one line of the talk that led to the conversation.
type spoken struct {
	Sender string     `json:"sender,omitempty"`
	Side   string     `json:"side,omitempty"` // user, copilot or agent
	Text   string     `json:"text"`
	At     *time.Time `json:"at,omitempty"`
}

// An escalation is a conversation of the same user that is over.
type escalation struct {
	Reference string     `json:"reference,omitempty"`
	OpenedAt  *time.Time `json:"openedAt,omitempty"`
	EndedAt   *time.Time `json:"endedAt,omitempty"`
	Problem   string     `json:"problem,omitempty"`
	EndedBy   string     `json:"endedBy,omitempty"`
}

const startSQL = `
INSERT INTO contoso.conversation (start_key, person, problem, channel, reference, variables,
                                  summary, queue, skills, priority, transcript, earlier)
VALUES (nullif(@key, ''), @person, @problem, @channel, @reference, @variables,
        @summary, @queue, coalesce(@skills::text[], '{}'), @priority, @transcript, @earlier)
RETURNING id`

// start opens a conversation and returns its id. A key that was used before
// returns what it opened then; a burnt key is a 409.
func start(ctx context.Context, tx pgx.Tx, o opening) (string, error) {
	if o.Key != "" {
		fresh, err := useKey(ctx, tx, o.Key)
		if err != nil {
			return "", err
		}
		if !fresh {
			return openedBy(ctx, tx, o.Key)
		}
	}
	if o.Variables == nil {
		o.Variables = variables{}
	}
	var id string
	err := tx.QueryRow(ctx, startSQL, pgx.NamedArgs{
		"key": o.Key, "person": o.User, "problem": o.Problem,
		"channel": o.Channel, "reference": o.Reference, "variables": o.Variables,
		"summary": o.Summary, "queue": o.Queue, "skills": o.Skills, "priority": o.Priority,
		"transcript": append([]spoken{}, o.Transcript...), "earlier": append([]escalation{}, o.Earlier...), // none is [], not null
	}).Scan(&id)
	if err != nil {
		return "", fmt.Errorf("insert conversation: %w", err)
	}
	return id, record(ctx, tx, id, "")
}

const useKeySQL = `
INSERT INTO contoso.start_key (key)
VALUES (@key)
ON CONFLICT DO NOTHING`

// useKey reports whether the key was new. It waits for a transaction that is
// using the same key, so whoever is told false sees what came of it.
func useKey(ctx context.Context, tx pgx.Tx, key string) (bool, error) {
	tag, err := tx.Exec(ctx, useKeySQL, pgx.NamedArgs{"key": key})
	if err != nil {
		return false, fmt.Errorf("use start key: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// errBurnt says that a start's key was ended before it opened anything.
var errBurnt = &web.Error{Status: http.StatusConflict, Text: "this Idempotency-Key was ended before it started anything"}

const openedBySQL = `
SELECT id
FROM contoso.conversation
WHERE start_key = @key`

// openedBy returns the conversation that a used key opened, or errBurnt.
func openedBy(ctx context.Context, tx pgx.Tx, key string) (string, error) {
	var id string
	err := tx.QueryRow(ctx, openedBySQL, pgx.NamedArgs{"key": key}).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", errBurnt
	}
	if err != nil {
		return "", fmt.Errorf("find conversation by key: %w", err)
	}
	return id, nil
}

var errUnknown = &web.Error{Status: http.StatusNotFound, Text: "no such conversation"}

const lockSQL = `
SELECT state
FROM contoso.conversation
WHERE id = @id
FOR NO KEY UPDATE`

// lock takes the conversation's row for the transaction and returns its state.
// Whatever is written next keeps the conversation's order. The lock lets foreign
// keys refer to the row: a full one would deadlock with who records an event of
// the conversation without having locked it.
func lock(ctx context.Context, tx pgx.Tx, id string) (string, error) {
	var state string
	err := tx.QueryRow(ctx, lockSQL, pgx.NamedArgs{"id": id}).Scan(&state)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", errUnknown
	}
	if err != nil {
		return "", fmt.Errorf("lock conversation: %w", err)
	}
	return state, nil
}

// An ending says who ends a conversation, and why.
type ending struct {
	By      string // byUser, byAgent or byCopilot
	Sender  string
	Reason  string
	Summary string
}

const endSQL = `
UPDATE contoso.conversation
SET state = 'ended', ended_at = now(), ended_by = @by
WHERE id = @id`

// end ends the conversation, and does nothing to one that has ended. The webhook's
// receiver is told, unless it is the receiver's own side that ends it: the user's,
// on our own page the copilot's.
func end(ctx context.Context, tx pgx.Tx, id string, e ending) error {
	state, err := lock(ctx, tx, id)
	if err != nil || state == stateEnded {
		return err
	}
	if _, err := tx.Exec(ctx, endSQL, pgx.NamedArgs{"id": id, "by": e.By}); err != nil {
		return fmt.Errorf("end conversation: %w", err)
	}
	canvas, err := onCanvas(ctx, tx, id)
	if err != nil {
		return err
	}
	if canvas && state != stateCopilot {
		if err := forget(ctx, tx, id); err != nil {
			return err
		}
	}
	text := e.Sender + " ended the conversation"
	if e.Sender == "" {
		text = "The user ended the conversation"
	}
	closing := line{
		ConversationID: id, Event: eventEnded, From: bySystem,
		Sender: e.Sender, Text: text, Reason: e.Reason, Summary: e.Summary,
	}
	if err := insert(ctx, tx, &closing); err != nil {
		return err
	}
	if e.By == byAgent || canvas && e.By == byUser {
		if err := promise(ctx, tx, &closing); err != nil {
			return err
		}
	}
	return record(ctx, tx, id, closing.ID)
}

// endByKey ends what the key of a start opened. A key that opened nothing is
// burnt: the start it belongs to may still be on its way.
func endByKey(ctx context.Context, tx pgx.Tx, key string, e ending) error {
	fresh, err := useKey(ctx, tx, key)
	if err != nil || fresh {
		return err
	}
	id, err := openedBy(ctx, tx, key)
	if errors.Is(err, errBurnt) {
		return nil
	}
	if err != nil {
		return err
	}
	return end(ctx, tx, id, e)
}

const readSQL = `
UPDATE contoso.conversation
SET read_through = least(@through, (SELECT coalesce(max(position), 0) FROM contoso.line WHERE conversation_id = @id))
WHERE id = @id
AND read_through < least(@through, (SELECT coalesce(max(position), 0) FROM contoso.line WHERE conversation_id = @id))`

// markRead remembers that an agent has seen the lines up to a position. It never
// goes back.
func markRead(ctx context.Context, tx pgx.Tx, id string, through int64) error {
	if _, err := lock(ctx, tx, id); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, readSQL, pgx.NamedArgs{"id": id, "through": through})
	if err != nil {
		return fmt.Errorf("mark conversation read: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	return record(ctx, tx, id, "")
}
