package contoso

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

// A canned is a reply that agents send again and again. Names in double braces,
// as {{user.name}}, are filled in by the page.
type canned struct {
	Name string `db:"name" json:"name"`
	Text string `db:"body" json:"text"`
}

const cannedSQL = `
SELECT name, body
FROM contoso.canned
ORDER BY name`

func (a *App) getCanned(c *gin.Context) error {
	rows, err := a.DB.Query(c.Request.Context(), cannedSQL)
	if err != nil {
		return fmt.Errorf("read canned replies: %w", err)
	}
	replies, err := pgx.CollectRows(rows, pgx.RowToStructByName[canned])
	if err != nil {
		return fmt.Errorf("read canned replies: %w", err)
	}
	c.JSON(http.StatusOK, gin.H{"replies": append([]canned{}, replies...)})
	return nil
}

const putCannedSQL = `
INSERT INTO contoso.canned (name, body)
VALUES (@name, @body)
ON CONFLICT (name) DO UPDATE
SET body = excluded.body`

const dropCannedSQL = `
DELETE FROM contoso.canned
WHERE name = @name`

// putCanned stores a reply under its name; without a text it is dropped.
func (a *App) putCanned(c *gin.Context) error {
	var in canned
	if err := web.Decode(c, maxBody, &in); err != nil {
		return err
	}
	if ok, _ := regexp.MatchString(`^\S{1,40}$`, in.Name); !ok {
		return web.BadRequest("a name is one word of at most 40 characters")
	}
	sql := putCannedSQL
	if in.Text = strings.TrimSpace(in.Text); in.Text == "" {
		sql = dropCannedSQL
	}
	ctx := c.Request.Context()
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sql, pgx.NamedArgs{"name": in.Name, "body": in.Text}); err != nil {
			return fmt.Errorf("store canned reply: %w", err)
		}
		return audit(ctx, tx, traceOf(c, "", auditCanned, in.Name))
	})
	if err != nil {
		return storable(err)
	}
	c.Status(http.StatusNoContent)
	return nil
}
