package contoso

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

const (
	// copilotSender signs a copilot's words that come without a name.
	copilotSender = "Copilot"
	// maxChoices bounds how many quick replies the page shows.
	maxChoices = 20

	formatPlain    = ""
	formatMarkdown = "markdown"
)

// A choice is a quick reply: the user sees the title and says the value.
type choice struct {
	Title string `json:"title"`
	Value string `json:"value"`
}

// turnTo is begin for a copilot's side: of a conversation on our own page alone, and
// what has ended is gone, so that nobody takes it for one that people have.
func turnTo(ctx context.Context, tx pgx.Tx, l line) (state string, earlier *line, err error) {
	state, earlier, err = begin(ctx, tx, l)
	over := errors.Is(err, errEnded)
	if err != nil && !over || earlier != nil || state == stateCopilot {
		return state, earlier, err
	}
	canvas, err := onCanvas(ctx, tx, l.ConversationID)
	switch {
	case err != nil:
		return "", nil, err
	case !canvas:
		return "", nil, errNoCanvas
	case over:
		return "", nil, errGone
	}
	return state, nil, nil
}

// speak locks a conversation for what its copilot says or does. It returns the
// line that came with the same key before, if one did, and a 409 while people have
// control.
func speak(ctx context.Context, tx pgx.Tx, l line) (*line, error) {
	state, earlier, err := turnTo(ctx, tx, l)
	if err == nil && earlier == nil && state != stateCopilot {
		err = errPeople
	}
	return earlier, err
}

const copilotQuietSQL = `
UPDATE contoso.conversation
SET copilot_typing_at = NULL
WHERE id = @id`

// sayAsCopilot stores what the copilot says. Repeating the key returns the line it
// stored first.
func sayAsCopilot(ctx context.Context, tx pgx.Tx, l line) (line, error) {
	l.Event, l.From = eventMessage, byCopilot
	earlier, err := speak(ctx, tx, l)
	if err != nil {
		return line{}, err
	}
	if earlier != nil {
		return *earlier, nil
	}
	if _, err := tx.Exec(ctx, copilotQuietSQL, pgx.NamedArgs{"id": l.ConversationID}); err != nil {
		return line{}, fmt.Errorf("end typing of copilot: %w", err)
	}
	if err := insert(ctx, tx, &l); err != nil {
		return line{}, err
	}
	return l, record(ctx, tx, l.ConversationID, l.ID)
}

func (a *App) postBotSay(c *gin.Context) error {
	var in struct {
		message
		Format  string   `json:"format"`
		Choices []choice `json:"choices"`
	}
	if err := web.Decode(c, maxBody, &in); err != nil {
		return err
	}
	switch {
	case strings.TrimSpace(in.Message) == "" && len(in.Choices) == 0:
		return web.BadRequest("message is empty")
	case in.Format != formatPlain && in.Format != formatMarkdown:
		return web.BadRequest("format is neither empty nor markdown")
	case len(in.Choices) > maxChoices:
		return web.BadRequest(fmt.Sprintf("more than %d choices", maxChoices))
	}
	l := line{
		ConversationID: in.ConversationID, Sender: cmp.Or(strings.TrimSpace(in.Sender), copilotSender), Text: in.Message,
		Format: in.Format, Choices: in.Choices, Key: c.GetHeader(keyHeader),
	}
	ctx := c.Request.Context()
	err := a.write(ctx, func(tx pgx.Tx) (err error) {
		l, err = sayAsCopilot(ctx, tx, l)
		return err
	})
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, gin.H{"messageId": l.ID})
	return nil
}

const copilotTypingSQL = `
UPDATE contoso.conversation
SET copilot_typing_at = now()
WHERE id = @id
AND coalesce(copilot_typing_at < now() - interval '2 seconds', true)
RETURNING origin`

// postBotTyping shows the user for a few seconds that the copilot is typing.
func (a *App) postBotTyping(c *gin.Context) error {
	var in message
	if err := web.Decode(c, maxBody, &in); err != nil {
		return err
	}
	ctx := c.Request.Context()
	err := a.write(ctx, func(tx pgx.Tx) error {
		if _, err := speak(ctx, tx, line{ConversationID: in.ConversationID}); err != nil {
			return err
		}
		news, err := typedAt(ctx, tx, copilotTypingSQL, in.ConversationID)
		if err != nil || news == "" {
			return err
		}
		return record(ctx, tx, in.ConversationID, "")
	})
	if err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

// postBotEnd ends a conversation for the copilot. Twice is no change.
func (a *App) postBotEnd(c *gin.Context) error {
	var in struct {
		ConversationID string `json:"conversationId"`
		Reason         string `json:"reason"`
	}
	if err := web.Decode(c, maxBody, &in); err != nil {
		return err
	}
	ctx := c.Request.Context()
	err := a.write(ctx, func(tx pgx.Tx) error {
		state, err := lock(ctx, tx, in.ConversationID)
		if err != nil || state == stateEnded {
			return err
		}
		if _, err := speak(ctx, tx, line{ConversationID: in.ConversationID}); err != nil {
			return err
		}
		return end(ctx, tx, in.ConversationID, ending{By: byCopilot, Sender: copilotSender, Reason: in.Reason})
	})
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, gin.H{"message": "Conversation ended successfully"})
	return nil
}
