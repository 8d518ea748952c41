package contoso

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

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
    person = CASE WHEN @name = '' OR person ? 'name' THEN person ELSE person || jsonb_build_object('name', @name::text) END,
    user_typing_at = NULL
WHERE id = @id`

// hear stores what the user says or gives, and the facts that came with it.
// Repeating the key returns the line it stored first. While a copilot has control
// it is told.
func hear(ctx context.Context, tx pgx.Tx, l line, f facts) (line, error) {
	l.Event, l.From = eventMessage, byUser
	state, earlier, err := begin(ctx, tx, l)
	if err != nil {
		return line{}, err
	}
	if earlier != nil {
		return *earlier, nil
	}
	store := insert
	if state == stateCopilot {
		if len(l.Files) > 0 {
			return line{}, errNoFiles
		}
		store = tell
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
	if err := store(ctx, tx, &l); err != nil {
		return line{}, err
	}
	if err := keep(ctx, tx, l); err != nil {
		return line{}, err
	}
	return l, record(ctx, tx, l.ConversationID, l.ID)
}

// say stores what an agent says or gives and queues its webhook. The first words
// to a waiting user are preceded by the news that the agent joined. Repeating the
// key returns the line it stored first.
func say(ctx context.Context, tx pgx.Tx, l line) (line, error) {
	l.Event, l.From = eventMessage, byAgent
	state, earlier, err := begin(ctx, tx, l)
	if err != nil {
		return line{}, err
	}
	if earlier != nil {
		return *earlier, nil
	}
	if state == stateCopilot {
		return line{}, errCopilot
	}
	var news []string
	if state == stateWaiting {
		joined, err := take(ctx, tx, line{ConversationID: l.ConversationID, Sender: l.Sender})
		if err != nil {
			return line{}, err
		}
		news = append(news, joined.ID)
	}
	if err := tell(ctx, tx, &l); err != nil {
		return line{}, err
	}
	for _, then := range []func(context.Context, pgx.Tx, line) error{keep, typed} {
		if err := then(ctx, tx, l); err != nil {
			return line{}, err
		}
	}
	return l, record(ctx, tx, l.ConversationID, append(news, l.ID)...)
}
