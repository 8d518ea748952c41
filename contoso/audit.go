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
	"github.com/jackc/pgx/v5/pgconn"
)

// What is audited.
const (
	auditView     = "view"     // of a conversation that has ended
	auditExport   = "export"   // of conversations
	auditSettings = "settings" // changed
	auditCanned   = "canned"   // a reply was changed
	auditEnd      = "end"      // of several conversations at once
)

// A trace is a row of the audit: who did what.
type trace struct {
	At      time.Time `db:"at" json:"at"`
	Actor   string    `db:"actor" json:"actor"`
	ActorID string    `db:"actor_id" json:"actorId,omitempty"`
	Action  string    `db:"action" json:"action"`
	Subject string    `db:"subject" json:"subject"`
}

// traceOf begins a row. Without sign-in the actor is who the page says.
func traceOf(c *gin.Context, sender, action, subject string) trace {
	who, _ := c.Value(agentContext).(agent)
	return trace{Actor: cmp.Or(who.Name, strings.TrimSpace(sender)), ActorID: who.Subject, Action: action, Subject: subject}
}

// An execer is the pool or a transaction.
type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

const auditSQL = `
INSERT INTO contoso.audit (actor, actor_id, action, subject)
VALUES (@actor, @actor_id, @action, @subject)`

// audit writes a row. What it tells of must not happen when that fails.
func audit(ctx context.Context, db execer, t trace) error {
	_, err := db.Exec(ctx, auditSQL, pgx.NamedArgs{
		"actor": t.Actor, "actor_id": t.ActorID, "action": t.Action, "subject": t.Subject,
	})
	if err != nil {
		return storable(fmt.Errorf("write audit: %w", err))
	}
	return nil
}

// everything is the subject of a view of more than one conversation.
const everything = "all"

const auditViewSQL = `
INSERT INTO contoso.audit (actor, actor_id, action, subject)
SELECT @actor, @actor_id, 'view', @id
WHERE @id = @everything
OR EXISTS (SELECT 1 FROM contoso.conversation WHERE id = @id AND state = 'ended')`

// auditView writes a row when an agent is about to be shown what was said in a
// conversation that has ended; no id is all of them.
func (a *App) auditView(c *gin.Context, id string) error {
	t := traceOf(c, "", auditView, cmp.Or(id, everything))
	_, err := a.DB.Exec(c.Request.Context(), auditViewSQL, pgx.NamedArgs{
		"actor": t.Actor, "actor_id": t.ActorID, "id": t.Subject, "everything": everything,
	})
	if err != nil {
		return storable(fmt.Errorf("write audit: %w", err))
	}
	return nil
}

const auditsSQL = `
SELECT at, actor, actor_id, action, subject
FROM contoso.audit
ORDER BY id DESC
LIMIT 100`

// getAudit returns the last hundred rows, the newest first.
func (a *App) getAudit(c *gin.Context) error {
	rows, err := a.DB.Query(c.Request.Context(), auditsSQL)
	if err != nil {
		return fmt.Errorf("read audit: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[trace])
	if err != nil {
		return fmt.Errorf("read audit: %w", err)
	}
	c.JSON(http.StatusOK, gin.H{"audit": append([]trace{}, all...)})
	return nil
}
