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

// What a line is about.
const (
	eventMessage = "message"
	eventJoined  = "joined"
	eventEnded   = "ended"
)

// A line is one entry of a conversation: words, or something that happened.
type line struct {
	ID             string    `db:"id" json:"id"`
	ConversationID string    `db:"conversation_id" json:"conversationId"`
	Position       int64     `db:"position" json:"position"`
	Event          string    `db:"event" json:"event"`
	From           string    `db:"author" json:"from"`
	Sender         string    `db:"sender" json:"sender"`
	Text           string    `db:"body" json:"message"`
	Reason         string    `db:"reason" json:"reason,omitempty"`
	Key            string    `db:"key" json:"key,omitempty"`
	State          string    `db:"state" json:"state,omitempty"`     // of its webhook: queued, sent, failed; empty without one
	Failure        string    `db:"failure" json:"failure,omitempty"` // how the webhook's last attempt went wrong
	Timestamp      time.Time `db:"created_at" json:"timestamp"`
}

const insertLineSQL = `
INSERT INTO contoso.line (conversation_id, event, author, sender, body, reason, key)
VALUES (@conversation, @event, @author, @sender, @body, @reason, nullif(@key, ''))
RETURNING id, position, created_at`

// insert stores a line of a locked conversation and fills in what the database
// decides.
func insert(ctx context.Context, tx pgx.Tx, l *line) error {
	err := tx.QueryRow(ctx, insertLineSQL, pgx.NamedArgs{
		"conversation": l.ConversationID, "event": l.Event, "author": l.From,
		"sender": l.Sender, "body": l.Text, "reason": l.Reason, "key": l.Key,
	}).Scan(&l.ID, &l.Position, &l.Timestamp)
	if err != nil {
		return fmt.Errorf("insert line: %w", err)
	}
	return nil
}

const promiseSQL = `
INSERT INTO contoso.webhook (line_id, conversation_id, position)
VALUES (@line, @conversation, @position)`

// promise queues the webhook of a line just inserted.
func promise(ctx context.Context, tx pgx.Tx, l line) error {
	_, err := tx.Exec(ctx, promiseSQL, pgx.NamedArgs{
		"line": l.ID, "conversation": l.ConversationID, "position": l.Position,
	})
	if err != nil {
		return fmt.Errorf("queue webhook: %w", err)
	}
	return nil
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
		return "", nil, &web.Error{Status: http.StatusConflict, Text: "the conversation has ended"}
	}
	return state, nil, nil
}

const sameKeySQL = `
SELECT id, conversation_id, position, event, author, sender, body, reason, key, state, failure, created_at
FROM contoso.line_shown
WHERE conversation_id = @conversation
AND author = @author
AND key = nullif(@key, '')`

func sameKey(ctx context.Context, tx pgx.Tx, l line) (*line, error) {
	rows, err := tx.Query(ctx, sameKeySQL, pgx.NamedArgs{
		"conversation": l.ConversationID, "author": l.From, "key": l.Key,
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

// Facts are what a caller may add to a conversation while it goes on. Empty ones
// change nothing.
type facts struct {
	Name      string
	Problem   string
	Variables variables
}

const learnSQL = `
UPDATE contoso.conversation
SET problem = coalesce(nullif(@problem, ''), problem),
    variables = variables || @variables,
    person = CASE WHEN @name = '' OR person ? 'name' THEN person ELSE person || jsonb_build_object('name', @name::text) END
WHERE id = @id`

// hear stores the user's words and what came with them. Repeating the key
// returns the line it stored first.
func hear(ctx context.Context, tx pgx.Tx, l line, f facts) (line, error) {
	l.Event, l.From = eventMessage, byUser
	_, earlier, err := begin(ctx, tx, l)
	if err != nil {
		return line{}, err
	}
	if earlier != nil {
		return *earlier, nil
	}
	if f.Variables == nil {
		f.Variables = variables{}
	}
	_, err = tx.Exec(ctx, learnSQL, pgx.NamedArgs{
		"id": l.ConversationID, "problem": f.Problem, "variables": f.Variables, "name": f.Name,
	})
	if err != nil {
		return line{}, fmt.Errorf("update conversation: %w", err)
	}
	if err := insert(ctx, tx, &l); err != nil {
		return line{}, err
	}
	return l, record(ctx, tx, l.ConversationID, l.ID)
}

const activateSQL = `
UPDATE contoso.conversation
SET state = 'active'
WHERE id = @id`

// say stores an agent's words and queues their webhook. The first words of a
// conversation are preceded by the news that the agent joined. Repeating the key
// returns the line it stored first.
func say(ctx context.Context, tx pgx.Tx, l line) (line, error) {
	l.Event, l.From = eventMessage, byAgent
	state, earlier, err := begin(ctx, tx, l)
	if err != nil {
		return line{}, err
	}
	if earlier != nil {
		return *earlier, nil
	}
	var news []string
	if state == stateWaiting {
		if _, err := tx.Exec(ctx, activateSQL, pgx.NamedArgs{"id": l.ConversationID}); err != nil {
			return line{}, fmt.Errorf("activate conversation: %w", err)
		}
		joined := line{
			ConversationID: l.ConversationID, Event: eventJoined, From: bySystem,
			Sender: l.Sender, Text: l.Sender + " joined the conversation",
		}
		if err := tell(ctx, tx, &joined); err != nil {
			return line{}, err
		}
		news = append(news, joined.ID)
	}
	if err := tell(ctx, tx, &l); err != nil {
		return line{}, err
	}
	l.State = webhookQueued
	return l, record(ctx, tx, l.ConversationID, append(news, l.ID)...)
}

// tell inserts a line and queues its webhook.
func tell(ctx context.Context, tx pgx.Tx, l *line) error {
	if err := insert(ctx, tx, l); err != nil {
		return err
	}
	return promise(ctx, tx, *l)
}

const messagesSQL = `
SELECT id, conversation_id, position, event, author, sender, body, reason, key, state, failure, created_at
FROM (
    SELECT id, conversation_id, position, event, author, sender, body, reason, key, state, failure, created_at
    FROM contoso.line_shown
    WHERE (@conversation = '' OR conversation_id = @conversation)
    AND (@system OR author <> 'system')
    ORDER BY position DESC
    LIMIT CASE WHEN @conversation = '' THEN 500 END) newest
ORDER BY position`

// messages returns what was said in a conversation, or in all of them the newest
// 500 lines, oldest first; with system, also what happened.
func messages(ctx context.Context, tx pgx.Tx, conversation string, system bool) ([]line, error) {
	rows, err := tx.Query(ctx, messagesSQL, pgx.NamedArgs{"conversation": conversation, "system": system})
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowToStructByName[line])
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return lines, nil
}
