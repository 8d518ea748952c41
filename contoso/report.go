package contoso

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

// What a caller reports: of an agent's message, and of the way to the user.
const (
	reportFailed      = "failed"  // the user did not get it
	reportUnknown     = "unknown" // the user may have got it
	reportUnreachable = "unreachable"
	reportReachable   = "reachable"
)

// What an agent makes of a report.
const (
	settledLeft  = "left"  // they leave it
	settledAgain = "again" // they have said it again
)

// A report is what became of an agent's message behind the webhook, or of the way
// to the user.
type report struct {
	ConversationID string `json:"conversationId"`
	MessageID      string `json:"messageId"`
	Report         string `json:"report"`
	Reason         string `json:"reason"`
}

// postReport shows a report at the desk, also after the end. Twice is no change,
// and what has failed is not unknown any more.
func (a *App) postReport(c *gin.Context) error {
	var r report
	if err := web.Decode(c, maxBody, &r); err != nil {
		return err
	}
	store := r.storeOfUser
	switch r.Report {
	case reportFailed, reportUnknown:
		store = r.storeOfMessage
	case reportUnreachable, reportReachable:
	default:
		return web.BadRequest("report is not failed, unknown, unreachable or reachable")
	}
	ctx := c.Request.Context()
	err := a.write(ctx, func(tx pgx.Tx) error {
		if _, err := lock(ctx, tx, r.ConversationID); err != nil {
			return err
		}
		return store(ctx, tx)
	})
	if err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

const unreachableSQL = `
UPDATE contoso.conversation
SET unreachable = @unreachable
WHERE id = @id
AND unreachable <> @unreachable`

func (r report) storeOfUser(ctx context.Context, tx pgx.Tx) error {
	tag, err := tx.Exec(ctx, unreachableSQL, pgx.NamedArgs{"id": r.ConversationID, "unreachable": r.Report == reportUnreachable})
	if err != nil {
		return fmt.Errorf("store report of user: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	return record(ctx, tx, r.ConversationID, "")
}

const reportSQL = `
UPDATE contoso.line
SET report = @report, report_reason = @reason
WHERE id = @line`

func (r report) storeOfMessage(ctx context.Context, tx pgx.Tx) error {
	said, err := reported(ctx, tx, r.ConversationID, r.MessageID)
	if err != nil || said.Report == r.Report || said.Report == reportFailed {
		return err
	}
	if _, err := tx.Exec(ctx, reportSQL, pgx.NamedArgs{"line": said.ID, "report": r.Report, "reason": r.Reason}); err != nil {
		return fmt.Errorf("store report of message: %w", err)
	}
	return record(ctx, tx, r.ConversationID, said.ID)
}

const reportedSQL = `
SELECT id, body, report, report_settled
FROM contoso.line
WHERE id = @line
AND conversation_id = @conversation
AND author = 'agent'
AND event = 'message'`

// reported returns an agent's message of a locked conversation and what was
// reported of it.
func reported(ctx context.Context, tx pgx.Tx, conversation, id string) (said line, err error) {
	err = tx.QueryRow(ctx, reportedSQL, pgx.NamedArgs{"conversation": conversation, "line": id}).
		Scan(&said.ID, &said.Text, &said.Report, &said.ReportSettled)
	if errors.Is(err, pgx.ErrNoRows) {
		return line{}, &web.Error{Status: http.StatusNotFound, Text: "no such message"}
	}
	if err != nil {
		return line{}, fmt.Errorf("find message: %w", err)
	}
	return said, nil
}

// postAgain says once more what may not have arrived: as a new message, whose
// agent is whoever says it.
func (a *App) postAgain(c *gin.Context) error {
	_, l, err := decodeDeed(c)
	if err != nil {
		return err
	}
	return a.settleReport(c, func(ctx context.Context, tx pgx.Tx, said line) error {
		if said.Text == "" {
			return &web.Error{Status: http.StatusConflict, Text: "there are no words to say again"}
		}
		l.Text, l.Key = said.Text, "again "+said.ID
		if _, err := say(ctx, tx, l); err != nil {
			return err
		}
		return settle(ctx, tx, l.ConversationID, said, settledAgain)
	})
}

// postLeave takes note that an agent leaves a report as it is.
func (a *App) postLeave(c *gin.Context) error {
	return a.settleReport(c, func(ctx context.Context, tx pgx.Tx, said line) error {
		return settle(ctx, tx, c.Param("id"), said, settledLeft)
	})
}

// settleReport lets an agent decide what to make of a report. It is decided once.
func (a *App) settleReport(c *gin.Context, decide func(ctx context.Context, tx pgx.Tx, said line) error) error {
	ctx := c.Request.Context()
	err := a.write(ctx, func(tx pgx.Tx) error {
		if _, err := lock(ctx, tx, c.Param("id")); err != nil {
			return err
		}
		said, err := reported(ctx, tx, c.Param("id"), c.Param("line"))
		if err != nil || said.ReportSettled != "" {
			return err
		}
		if said.Report == "" {
			return &web.Error{Status: http.StatusConflict, Text: "nothing was reported of this message"}
		}
		return decide(ctx, tx, said)
	})
	if err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

const settleReportSQL = `
UPDATE contoso.line
SET report_settled = @settled
WHERE id = @line`

func settle(ctx context.Context, tx pgx.Tx, conversation string, said line, how string) error {
	if _, err := tx.Exec(ctx, settleReportSQL, pgx.NamedArgs{"line": said.ID, "settled": how}); err != nil {
		return fmt.Errorf("settle report: %w", err)
	}
	return record(ctx, tx, conversation, said.ID)
}
