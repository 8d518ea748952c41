package contoso

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

// A passing is what a copilot tells people who take over from it.
type passing struct {
	ConversationID string    `json:"conversationId"`
	Problem        string    `json:"problem"`
	Summary        string    `json:"summary"`
	Note           string    `json:"note"` // for agents alone
	Queue          string    `json:"queue"`
	Skills         []string  `json:"skills"`
	Language       string    `json:"language"` // BCP 47
	Variables      variables `json:"variables"`
	Transcript     []spoken  `json:"transcript"`
	Key            string    `json:"-"`
}

const passSQL = `
UPDATE contoso.conversation
SET problem = coalesce(nullif(@problem, ''), problem),
    summary = coalesce(nullif(@summary, ''), summary),
    queue = coalesce(nullif(@queue, ''), queue),
    skills = coalesce(@skills::text[], skills),
    variables = variables || @variables,
    person = CASE @language WHEN '' THEN person ELSE person || jsonb_build_object('locale', @language::text) END,
    transcript = coalesce(@transcript::jsonb, transcript)
WHERE id = @id`

// pass gives control to people: the user waits for an agent. Repeating the key is
// no change; where people have control already, they learn what the copilot tells.
func pass(ctx context.Context, tx pgx.Tx, p passing) error {
	l := line{
		ConversationID: p.ConversationID, Event: eventPassed, From: bySystem, Sender: copilotSender,
		Text: "The copilot handed the conversation over", Key: p.Key,
	}
	state, earlier, err := turnTo(ctx, tx, l)
	if err != nil || earlier != nil {
		return err
	}
	if err := p.learn(ctx, tx); err != nil {
		return err
	}
	if err := insert(ctx, tx, &l); err != nil {
		return err
	}
	if state == stateCopilot {
		if err := takeOver(ctx, tx, p.ConversationID, state); err != nil {
			return err
		}
		if err := requeue(ctx, tx, p.ConversationID, nil); err != nil {
			return err
		}
	}
	return record(ctx, tx, p.ConversationID, l.ID)
}

// learn keeps what people should know.
func (p passing) learn(ctx context.Context, tx pgx.Tx) error {
	if p.Variables == nil {
		p.Variables = variables{}
	}
	var transcript any // none leaves what there is
	if len(p.Transcript) > 0 {
		transcript = p.Transcript
	}
	_, err := tx.Exec(ctx, passSQL, pgx.NamedArgs{
		"id": p.ConversationID, "problem": p.Problem, "summary": p.Summary, "queue": p.Queue, "skills": p.Skills,
		"variables": p.Variables, "language": p.Language, "transcript": transcript,
	})
	if err != nil {
		return fmt.Errorf("keep what copilot passed: %w", err)
	}
	if strings.TrimSpace(p.Note) == "" {
		return nil
	}
	_, err = tx.Exec(ctx, insertNoteSQL, pgx.NamedArgs{
		"conversation": p.ConversationID, "agent": copilotSender, "body": p.Note, "key": p.Key,
	})
	if err != nil {
		return fmt.Errorf("insert note: %w", err)
	}
	return nil
}

func (a *App) postBotPass(c *gin.Context) error {
	var in passing
	if err := web.Decode(c, maxOpening, &in); err != nil {
		return err
	}
	in.Key = c.GetHeader(keyHeader)
	ctx := c.Request.Context()
	if err := a.write(ctx, func(tx pgx.Tx) error { return pass(ctx, tx, in) }); err != nil {
		return err
	}
	c.JSON(http.StatusOK, gin.H{"message": "Conversation passed successfully"})
	return nil
}
