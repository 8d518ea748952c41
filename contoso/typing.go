package contoso

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

// typingTimeout bounds how long the news that an agent types may take: it is of
// no use later.
const typingTimeout = 3 * time.Second

const userTypingSQL = `
UPDATE contoso.conversation
SET user_typing_at = now()
WHERE id = @id
AND coalesce(user_typing_at < now() - interval '2 seconds', true)`

// postTyping shows at the desk, for a few seconds, that the user is typing.
func (a *App) postTyping(c *gin.Context) error {
	var in struct {
		ConversationID string `json:"conversationId"`
	}
	if err := web.Decode(c, maxBody, &in); err != nil {
		return err
	}
	ctx := c.Request.Context()
	err := a.write(ctx, func(tx pgx.Tx) error {
		state, err := lock(ctx, tx, in.ConversationID)
		if err != nil {
			return err
		}
		if state == stateEnded {
			return errEnded
		}
		tag, err := tx.Exec(ctx, userTypingSQL, pgx.NamedArgs{"id": in.ConversationID})
		if err != nil {
			return fmt.Errorf("mark user typing: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return nil
		}
		return record(ctx, tx, in.ConversationID, "")
	})
	if err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

const agentsTypeSQL = `
INSERT INTO contoso.typing (conversation_id, agent)
SELECT id, @agent
FROM contoso.conversation
WHERE id = @id
AND state <> 'ended'
ON CONFLICT (conversation_id, agent) DO UPDATE
SET at = now()
WHERE typing.at < now() - interval '2 seconds'`

// warn shows other agents, for a few seconds, that this one is typing. It reports
// whether that is news.
func warn(ctx context.Context, tx pgx.Tx, l line) (news bool, err error) {
	tag, err := tx.Exec(ctx, agentsTypeSQL, pgx.NamedArgs{"id": l.ConversationID, "agent": l.Sender})
	if err != nil {
		return false, fmt.Errorf("mark agent typing: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

const typedSQL = `
WITH quiet AS (
    UPDATE contoso.conversation
    SET agent_typing_at = NULL
    WHERE id = @id
    AND origin = 'canvas')
DELETE FROM contoso.typing
WHERE conversation_id = @id
AND agent = @agent`

// typed takes back that an agent is typing: the words are there, or the agent is
// not. A webhook's receiver knows that by itself.
func typed(ctx context.Context, tx pgx.Tx, l line) error {
	if _, err := tx.Exec(ctx, typedSQL, pgx.NamedArgs{"id": l.ConversationID, "agent": l.Sender}); err != nil {
		return fmt.Errorf("unmark agent typing: %w", err)
	}
	return nil
}

const agentTypingSQL = `
UPDATE contoso.conversation c
SET agent_typing_at = now()
WHERE id = @id
AND state = 'active'
AND coalesce(agent_typing_at < now() - interval '2 seconds', true)
AND (origin = 'canvas' OR NOT EXISTS (SELECT 1 FROM contoso.webhook w WHERE w.conversation_id = c.id AND w.state = 'queued'))
RETURNING origin`

// postAgentTyping tells other agents that an agent is typing, and the webhook's
// receiver, or our own page: once in a while, and not while words are on their way,
// which say more. That is tried once.
func (a *App) postAgentTyping(c *gin.Context) error {
	_, l, err := decodeDeed(c)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	var origin string
	err = a.write(ctx, func(tx pgx.Tx) error {
		// Everybody who writes has the conversation's row first, and the numbers last.
		if _, err := lock(ctx, tx, l.ConversationID); err != nil {
			return err
		}
		news, err := warn(ctx, tx, l)
		if err != nil {
			return err
		}
		origin, err = typedAt(ctx, tx, agentTypingSQL, l.ConversationID)
		if err != nil || !news && origin != originCanvas {
			return err
		}
		return record(ctx, tx, l.ConversationID, "")
	})
	if err != nil {
		return err
	}
	if origin == originAPI {
		a.tellTyping(ctx, due{ConversationID: l.ConversationID, Sender: l.Sender})
	}
	c.Status(http.StatusNoContent)
	return nil
}

// typedAt marks by one of the statements here that somebody types, and returns the
// conversation's origin; "" when it is no news.
func typedAt(ctx context.Context, tx pgx.Tx, sql, conversation string) (origin string, err error) {
	err = tx.QueryRow(ctx, sql, pgx.NamedArgs{"id": conversation}).Scan(&origin)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("mark typing: %w", err)
	}
	return origin, nil
}

func (a *App) tellTyping(ctx context.Context, d due) {
	ctx, cancel := context.WithTimeout(ctx, typingTimeout)
	defer cancel()
	d.ID, d.Timestamp, d.Event = rand.Text(), time.Now(), "typing"
	if err := a.sender.post(ctx, d); err != nil {
		a.Log.DebugContext(ctx, "typing not told", "hub_conversation", d.ConversationID, "err", err)
	}
}
