package contoso

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"
)

const (
	// maxExport bounds an export, in days.
	maxExport = 366
	// exportBatch is how many rows are read at a time, exportTimeout how long a
	// reader may take for them.
	exportBatch   = 1000
	exportTimeout = time.Minute
)

// An exported is a row of an export: a conversation without its words.
type exported struct {
	ID         string     `db:"id"`
	Reference  string     `db:"reference"`
	User       string     `db:"name"`
	Queue      string     `db:"queue"`
	Agent      string     `db:"agent"`
	State      string     `db:"state"`
	StartedAt  time.Time  `db:"started_at"`
	AcceptedAt *time.Time `db:"accepted_at"`
	EndedAt    *time.Time `db:"ended_at"`
	EndedBy    string     `db:"ended_by"`
	Reason     string     `db:"reason"`

	// The time people had it, without that of a copilot.
	WaitFrom     time.Time  `db:"wait_from"`
	HandledUntil *time.Time `db:"handled_until"`
}

// A span of days, from the first moment to the one after the last.
type days struct {
	from, until time.Time
	name        string
}

// parseDays reads days from=2026-11-01 to=2026-11-30 in a zone.
func parseDays(c *gin.Context) (days, error) {
	zone, err := time.LoadLocation(c.Query("zone"))
	if err != nil {
		return days{}, invalid("zone", "expected a time zone, like Europe/Berlin")
	}
	from, err := time.ParseInLocation(time.DateOnly, c.Query("from"), zone)
	if err != nil {
		return days{}, invalid("from", "expected a day, like 2026-11-01")
	}
	to, err := time.ParseInLocation(time.DateOnly, c.Query("to"), zone)
	if err != nil {
		return days{}, invalid("to", "expected a day, like 2026-11-30")
	}
	d := days{from: from, until: to.AddDate(0, 0, 1), name: c.Query("from") + "-" + c.Query("to")}
	switch {
	case to.Before(from):
		return days{}, invalid("to", "is before from")
	case d.until.After(from.AddDate(0, 0, maxExport)):
		return days{}, invalid("to", "more than %d days after from", maxExport)
	}
	return d, nil
}

// getExport writes the conversations that began within days as CSV (RFC 4180), the
// oldest first. A byte order mark comes first: without it Excel reads UTF-8 as
// something else. A cell that a spreadsheet would take for a formula begins with
// an apostrophe.
func (a *App) getExport(c *gin.Context) error {
	d, err := parseDays(c)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	if err := audit(ctx, a.DB, traceOf(c, c.Query("sender"), auditExport, d.name)); err != nil {
		return err
	}
	rows, err := a.exportAfter(ctx, d, exported{StartedAt: d.from})
	if err != nil {
		return err
	}
	c.Header("Content-Type", "text/csv; charset=utf-8; header=present")
	c.Header("Content-Disposition", `attachment; filename="conversations-`+d.name+`.csv"`)
	c.Header("X-Content-Type-Options", "nosniff")
	if err := a.writeExport(c, d, rows); err != nil && ctx.Err() == nil {
		a.Log.WarnContext(ctx, "export ended early", "err", err)
		cut(c)
	}
	return nil
}

// cut lets the end of an answer not be written, so that nobody takes a part for the
// whole.
func cut(c *gin.Context) {
	_ = http.NewResponseController(c.Writer).SetWriteDeadline(time.Unix(0, 0)) // a recorder has none
}

// writeExport writes the head and the rows, batch by batch: no reader holds a
// connection of the database.
func (a *App) writeExport(c *gin.Context, d days, rows []exported) error {
	if _, err := io.WriteString(c.Writer, "\ufeff"); err != nil {
		return err
	}
	w := csv.NewWriter(c.Writer)
	w.UseCRLF = true
	conn := http.NewResponseController(c.Writer)
	if err := w.Write([]string{
		"id", "reference", "user", "queue", "agent", "state", "opened", "accepted", "ended",
		"wait_seconds", "handling_seconds", "ended_by", "reason",
	}); err != nil {
		return err
	}
	for {
		_ = conn.SetWriteDeadline(time.Now().Add(exportTimeout)) // a recorder has none
		for _, row := range rows {
			if err := w.Write(row.cells(d.from.Location())); err != nil {
				return err
			}
		}
		w.Flush()
		if err := w.Error(); err != nil || len(rows) < exportBatch {
			return err
		}
		var err error
		if rows, err = a.exportAfter(c.Request.Context(), d, rows[len(rows)-1]); err != nil {
			return err
		}
	}
}

const exportSQL = `
SELECT c.id, c.reference, coalesce(nullif(c.person ->> 'name', ''), c.person ->> 'email', '') AS name,
       c.queue, c.agent, c.state, c.started_at, c.accepted_at, c.ended_at,
       coalesce(c.people_at, c.started_at) AS wait_from,
       coalesce(c.returned_at, c.ended_at) AS handled_until,
       coalesce(c.ended_by, '') AS ended_by,
       coalesce((
           SELECT l.reason
           FROM contoso.line l
           WHERE l.conversation_id = c.id AND l.event = 'ended'
           ORDER BY l.position DESC
           LIMIT 1), '') AS reason
FROM contoso.conversation c
WHERE (c.started_at, c.id) > (@after::timestamptz, @id::text)
AND c.started_at < @until
ORDER BY c.started_at, c.id
LIMIT @limit`

func (a *App) exportAfter(ctx context.Context, d days, last exported) ([]exported, error) {
	rows, err := a.DB.Query(ctx, exportSQL, pgx.NamedArgs{
		"after": last.StartedAt, "id": last.ID, "until": d.until, "limit": exportBatch,
	})
	if err != nil {
		return nil, fmt.Errorf("read export: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[exported])
	if err != nil {
		return nil, fmt.Errorf("read export: %w", err)
	}
	return all, nil
}

func (e exported) cells(zone *time.Location) []string {
	moment := func(at *time.Time) string {
		if at == nil {
			return ""
		}
		return at.In(zone).Format(time.RFC3339)
	}
	return []string{
		inert(e.ID), inert(e.Reference), inert(e.User), inert(e.Queue), inert(e.Agent), e.State,
		moment(&e.StartedAt), moment(e.AcceptedAt), moment(e.EndedAt),
		seconds(&e.WaitFrom, e.AcceptedAt), seconds(e.AcceptedAt, e.HandledUntil), e.EndedBy, inert(e.Reason),
	}
}

// seconds is how long it took, "" unless both ends are known.
func seconds(from, to *time.Time) string {
	if from == nil || to == nil {
		return ""
	}
	return strconv.Itoa(int(to.Sub(*from).Round(time.Second).Seconds()))
}

// formula begins what a spreadsheet calculates, in both widths
// (https://owasp.org/www-community/attacks/CSV_Injection).
const formula = "=+-@\t\r＝＋－＠"

// inert is a cell that no spreadsheet calculates: some look past what is not seen.
func inert(cell string) string {
	first := strings.TrimLeftFunc(cell, func(r rune) bool {
		return r != '\t' && r != '\r' && (unicode.IsSpace(r) || !unicode.IsPrint(r))
	})
	if first != "" && strings.ContainsRune(formula, []rune(first)[0]) {
		return "'" + cell
	}
	return cell
}
