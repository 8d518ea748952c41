package contoso

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

// A note is what an agent wrote down for other agents.
type note struct {
	Agent string    `db:"agent" json:"agent"`
	Text  string    `db:"body" json:"text"`
	At    time.Time `db:"created_at" json:"at"`
}

const notesSQL = `
SELECT agent, body, created_at
FROM contoso.note
WHERE conversation_id = @conversation
ORDER BY id`

func (a *App) getNotes(c *gin.Context) error {
	rows, err := a.DB.Query(c.Request.Context(), notesSQL, pgx.NamedArgs{"conversation": c.Param("id")})
	if err != nil {
		return storable(fmt.Errorf("read notes: %w", err))
	}
	notes, err := pgx.CollectRows(rows, pgx.RowToStructByName[note])
	if err != nil {
		return storable(fmt.Errorf("read notes: %w", err))
	}
	if err := a.auditView(c, c.Param("id")); err != nil {
		return err
	}
	c.JSON(http.StatusOK, gin.H{"notes": append([]note{}, notes...)})
	return nil
}

const insertNoteSQL = `
INSERT INTO contoso.note (conversation_id, agent, body, key)
VALUES (@conversation, @agent, @body, nullif(@key, ''))
ON CONFLICT DO NOTHING`

// postNote keeps a note, also after the end. Its key keeps it once.
func (a *App) postNote(c *gin.Context) error {
	var in struct {
		Sender string `json:"sender"`
		Text   string `json:"text"`
	}
	if err := web.Decode(c, maxBody, &in); err != nil {
		return err
	}
	text := strings.TrimSpace(in.Text)
	if text == "" {
		return web.BadRequest("the note is empty")
	}
	args := pgx.NamedArgs{
		"conversation": c.Param("id"), "body": text, "key": c.GetHeader(keyHeader),
		"agent": cmp.Or(agentName(c), strings.TrimSpace(in.Sender), supportSender),
	}
	ctx := c.Request.Context()
	if err := a.write(ctx, func(tx pgx.Tx) error { return keepNote(ctx, tx, c.Param("id"), args) }); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

func keepNote(ctx context.Context, tx pgx.Tx, conversation string, args pgx.NamedArgs) error {
	if _, err := lock(ctx, tx, conversation); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, insertNoteSQL, args)
	if err != nil {
		return fmt.Errorf("insert note: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	return record(ctx, tx, conversation, "")
}
