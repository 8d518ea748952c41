package mapping

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Side says who spoke.
type Side string

// Sides of a transcript.
const (
	User   Side = "user"
	Agent  Side = "agent"
	System Side = "system" // this service
)

// An Entry is one thing said while a mapping held.
type Entry struct {
	Mapping ID
	Side    Side
	Name    string
	Text    string
	Key     string // the peer's own id of what brought it, may be empty
	At      time.Time
	Message string // the hub's id of an agent's message, by which it is edited; may be empty
}

const appendSQL = `
	INSERT INTO entry (mapping, side, name, text, key, message)
	SELECT mapping, side, name, text, key, message
	FROM unnest(@mapping::bigint[], @side::text[], @name::text[], @text::text[], @key::text[], @message::text[])
		WITH ORDINALITY AS t (mapping, side, name, text, key, message, ord)
	ORDER BY ord`

// Append adds entries to the transcripts of locked mappings, in order. At is the
// database's.
func Append(ctx context.Context, db DB, entries ...Entry) error {
	if len(entries) == 0 {
		return nil
	}
	n := len(entries)
	mapping, side := make([]ID, n), make([]Side, n)
	name, text := make([]string, n), make([]string, n)
	key, message := make([]string, n), make([]string, n)
	for i, e := range entries {
		mapping[i], side[i], name[i], text[i] = e.Mapping, e.Side, e.Name, e.Text
		key[i], message[i] = e.Key, e.Message
	}
	_, err := db.Exec(ctx, appendSQL, pgx.NamedArgs{
		"mapping": mapping, "side": side, "name": name, "text": text, "key": key, "message": message,
	})
	if err != nil {
		return fmt.Errorf("append transcript: %w", err)
	}
	return nil
}

const transcriptSQL = `
	SELECT mapping, side, name, text, key, said_at, message
	FROM entry
	WHERE mapping = @mapping
	ORDER BY id`

// Transcript returns what was said while a mapping held, oldest first.
func Transcript(ctx context.Context, db DB, id ID) ([]Entry, error) {
	rows, err := db.Query(ctx, transcriptSQL, pgx.NamedArgs{"mapping": id})
	if err != nil {
		return nil, fmt.Errorf("read transcript: %w", err)
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Entry])
	if err != nil {
		return nil, fmt.Errorf("read transcript: %w", err)
	}
	return entries, nil
}

const saidSQL = `
	SELECT key
	FROM entry
	WHERE mapping = @mapping
	  AND message = @message
	  AND side = 'agent'
	ORDER BY id
	LIMIT 1`

// Said returns the key under which an agent's message came, or "".
func Said(ctx context.Context, db DB, id ID, message string) (string, error) {
	var key string
	err := db.QueryRow(ctx, saidSQL, pgx.NamedArgs{"mapping": id, "message": message}).Scan(&key)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("find message: %w", err)
	}
	return key, nil
}

const wroteSQL = `
	SELECT EXISTS (
		SELECT FROM mapping AS m
		JOIN entry AS e ON e.mapping = m.id
		WHERE m.bot_app_id = @bot
		  AND m.conversation_id = @conversation
		  AND e.side = 'user'
		  AND e.key = @key)`

// Wrote reports whether what a user wrote under a key became part of one of the
// conversation's transcripts.
func Wrote(ctx context.Context, db DB, k Key, key string) (bool, error) {
	var wrote bool
	err := db.QueryRow(ctx, wroteSQL, pgx.NamedArgs{
		"bot": k.BotAppID, "conversation": k.Conversation, "key": key,
	}).Scan(&wrote)
	if err != nil {
		return false, fmt.Errorf("find user's message: %w", err)
	}
	return wrote, nil
}
