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

// A change edits or deletes what one side said. The message is named by its id
// or by the key it came with.
type change struct {
	ConversationID string `json:"conversationId"`
	ID             string `json:"messageId"`
	MessageKey     string `json:"key"`
	Text           string `json:"message"`
	By             string `json:"-"` // byUser or byAgent
	Agent          string `json:"-"` // who alone may have said it; "" is anybody of that side
	Key            string `json:"-"` // of this change
}

const saidSQL = `
SELECT id, sender, body, deleted
FROM contoso.line
WHERE conversation_id = @conversation
AND author = @author
AND event = 'message'
AND (id = @id OR key = nullif(@key, ''))`

const editSQL = `
UPDATE contoso.line
SET body = @body, edited = true
WHERE id = @id`

const deleteSQL = `
UPDATE contoso.line
SET body = '', deleted = true
WHERE id = @id`

const dropFilesSQL = `
DELETE FROM contoso.file
WHERE line_id = @id`

// edit changes a message's words. To what they are is no change.
func edit(ctx context.Context, tx pgx.Tx, c change) error {
	said, done, err := find(ctx, tx, c, eventEdited)
	if err != nil || done || said.Text == c.Text && !said.Deleted {
		return err
	}
	if said.Deleted {
		return &web.Error{Status: http.StatusConflict, Text: "the message was deleted"}
	}
	if _, err := tx.Exec(ctx, editSQL, pgx.NamedArgs{"id": said.ID, "body": c.Text}); err != nil {
		return fmt.Errorf("edit message: %w", err)
	}
	return c.mark(ctx, tx, said, eventEdited)
}

// remove takes a message back, with its files. Twice is no change.
func remove(ctx context.Context, tx pgx.Tx, c change) error {
	said, done, err := find(ctx, tx, c, eventDeleted)
	if err != nil || done || said.Deleted {
		return err
	}
	for _, sql := range []string{deleteSQL, dropFilesSQL} {
		if _, err := tx.Exec(ctx, sql, pgx.NamedArgs{"id": said.ID}); err != nil {
			return fmt.Errorf("delete message: %w", err)
		}
	}
	c.Text = ""
	return c.mark(ctx, tx, said, eventDeleted)
}

// find locks the conversation and returns the message to change; done when this
// change has been made already.
func find(ctx context.Context, tx pgx.Tx, c change, event string) (said line, done bool, err error) {
	state, earlier, err := begin(ctx, tx, line{ConversationID: c.ConversationID, From: c.By, Event: event, Key: c.Key})
	if err != nil || earlier != nil {
		return line{}, earlier != nil, err
	}
	if state == stateCopilot && c.By == byUser {
		return line{}, false, errHeard
	}
	err = tx.QueryRow(ctx, saidSQL, pgx.NamedArgs{
		"conversation": c.ConversationID, "author": c.By, "id": c.ID, "key": c.MessageKey,
	}).Scan(&said.ID, &said.Sender, &said.Text, &said.Deleted)
	if errors.Is(err, pgx.ErrNoRows) {
		return line{}, false, &web.Error{Status: http.StatusNotFound, Text: "no such message"}
	}
	if err != nil {
		return line{}, false, fmt.Errorf("find message: %w", err)
	}
	if c.Agent != "" && c.Agent != said.Sender {
		return line{}, false, &web.Error{Status: http.StatusForbidden, Text: "somebody else said this"}
	}
	return said, false, nil
}

// mark writes the change into the conversation's order. The webhook's receiver
// hears of an agent's.
func (c change) mark(ctx context.Context, tx pgx.Tx, said line, event string) error {
	l := line{ConversationID: c.ConversationID, Event: event, From: c.By, Sender: said.Sender, Text: c.Text, About: said.ID, Key: c.Key}
	store := insert
	if c.By == byAgent {
		store = tell
	}
	if err := store(ctx, tx, &l); err != nil {
		return err
	}
	return record(ctx, tx, c.ConversationID, said.ID)
}

// amend makes the change that a request asks for.
func (a *App) amend(c *gin.Context, what change, do func(context.Context, pgx.Tx, change) error) error {
	what.Key = c.GetHeader(keyHeader)
	ctx := c.Request.Context()
	if err := a.write(ctx, func(tx pgx.Tx) error { return do(ctx, tx, what) }); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

func (a *App) postEdit(c *gin.Context) error {
	what, err := decodeChange(c)
	if err != nil {
		return err
	}
	if strings.TrimSpace(what.Text) == "" {
		return web.BadRequest("message is empty")
	}
	return a.amend(c, what, edit)
}

func (a *App) postDelete(c *gin.Context) error {
	what, err := decodeChange(c)
	if err != nil {
		return err
	}
	return a.amend(c, what, remove)
}

// decodeChange reads what the user changes.
func decodeChange(c *gin.Context) (change, error) {
	what := change{By: byUser}
	if err := web.Decode(c, maxBody, &what); err != nil {
		return change{}, err
	}
	if what.ConversationID == "" || cmp.Or(what.ID, what.MessageKey) == "" {
		return change{}, web.BadRequest("name a conversationId, and a key or a messageId")
	}
	return what, nil
}

func (a *App) putAnswer(c *gin.Context) error {
	var in change
	if err := web.Decode(c, maxBody, &in); err != nil {
		return err
	}
	if strings.TrimSpace(in.Text) == "" {
		return web.BadRequest("message is empty")
	}
	what := agentChange(c)
	what.Text = in.Text
	return a.amend(c, what, edit)
}

func (a *App) deleteAnswer(c *gin.Context) error { return a.amend(c, agentChange(c), remove) }

// agentChange is a change of what an agent said: one who has signed in, of their
// own.
func agentChange(c *gin.Context) change {
	return change{ConversationID: c.Param("id"), ID: c.Param("line"), By: byAgent, Agent: agentName(c)}
}
