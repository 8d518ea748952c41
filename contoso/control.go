package contoso

import (
	"context"
	"fmt"
	"net/http"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

// Where a conversation takes place: with a caller of the API, or on our own page,
// where a copilot answers first.
const (
	originAPI    = "api"
	originCanvas = "canvas"
)

var (
	errCopilot  = &web.Error{Status: http.StatusConflict, Text: "the copilot has control: take the conversation over first"}
	errPeople   = &web.Error{Status: http.StatusConflict, Text: "people have control"}
	errNoFiles  = &web.Error{Status: http.StatusConflict, Text: "the copilot takes no files"}
	errHeard    = &web.Error{Status: http.StatusConflict, Text: "the copilot has heard it already"}
	errNowhere  = &web.Error{Status: http.StatusConflict, Text: "the conversation has no copilot to return to"}
	errNoCanvas = &web.Error{Status: http.StatusNotFound, Text: "no such conversation on our own page"}
	errGone     = &web.Error{Status: http.StatusGone, Text: errEnded.Text}
)

const originSQL = `
SELECT origin = 'canvas'
FROM contoso.conversation
WHERE id = @id`

// onCanvas reports whether a conversation that is known takes place on our page.
func onCanvas(ctx context.Context, tx pgx.Tx, id string) (canvas bool, err error) {
	if err := tx.QueryRow(ctx, originSQL, pgx.NamedArgs{"id": id}).Scan(&canvas); err != nil {
		return false, fmt.Errorf("find origin of conversation: %w", err)
	}
	return canvas, nil
}

const peopleSQL = `
UPDATE contoso.conversation
SET people_from = (SELECT coalesce(max(position), 0) FROM contoso.line WHERE conversation_id = @id),
    people_at = coalesce(people_at, now()),
    returned_at = NULL,
    copilot_typing_at = NULL,
    user_typing_at = NULL
WHERE id = @id`

// takeOver prepares a locked conversation of which a copilot has control for
// people; one of theirs stays as it is. What the copilot has not heard yet waits:
// no webhook of the conversation is claimed while people have control.
func takeOver(ctx context.Context, tx pgx.Tx, id, state string) error {
	if state != stateCopilot {
		return nil
	}
	if _, err := tx.Exec(ctx, peopleSQL, pgx.NamedArgs{"id": id}); err != nil {
		return fmt.Errorf("take control from copilot: %w", err)
	}
	return nil
}

// A first attempt that is under way may have arrived: it is made to its end.
const forgetSQL = `
DELETE FROM contoso.webhook
WHERE conversation_id = @id
AND state <> 'sent'
AND (attempts = 0 OR failure <> '')`

// forget gives up what the copilot had not heard when people took over. They have
// read it; what they leave unanswered is told by the return.
func forget(ctx context.Context, tx pgx.Tx, id string) error {
	if _, err := tx.Exec(ctx, forgetSQL, pgx.NamedArgs{"id": id}); err != nil {
		return fmt.Errorf("give up webhooks: %w", err)
	}
	return nil
}

const giveBackSQL = `
WITH quiet AS (
    DELETE FROM contoso.typing
    WHERE conversation_id = @id)
UPDATE contoso.conversation
SET state = 'copilot', agent = '', told_place = 0, user_typing_at = NULL, agent_typing_at = NULL, returned_at = now()
WHERE id = @id`

// giveBack returns control to the copilot and tells it, with a reason and a
// summary. To give back what the copilot has is no change.
func giveBack(ctx context.Context, tx pgx.Tx, l line) error {
	l.Event, l.From, l.Text = eventReturned, bySystem, l.Sender+" returned the conversation to the copilot"
	state, earlier, err := begin(ctx, tx, l)
	if err != nil || earlier != nil || state == stateCopilot {
		return err
	}
	canvas, err := onCanvas(ctx, tx, l.ConversationID)
	if err != nil {
		return err
	}
	if !canvas {
		return errNowhere
	}
	if err := forget(ctx, tx, l.ConversationID); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, giveBackSQL, pgx.NamedArgs{"id": l.ConversationID}); err != nil {
		return fmt.Errorf("return conversation: %w", err)
	}
	if err := tell(ctx, tx, &l); err != nil {
		return err
	}
	return record(ctx, tx, l.ConversationID, l.ID)
}

func doReturn(ctx context.Context, tx pgx.Tx, d deed, l line) error {
	l.Reason, l.Summary = d.Reason, d.Summary
	return giveBack(ctx, tx, l)
}
