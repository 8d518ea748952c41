package contoso

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

// An ownConversation is what a visitor sees of theirs beside the lines.
type ownConversation struct {
	ID     string `db:"id" json:"id"`
	State  string `db:"state" json:"state"`
	Agent  string `db:"agent" json:"agent,omitempty"`
	Typing bool   `db:"typing" json:"typing"` // the copilot, or an agent
	Place  int    `db:"told_place" json:"place,omitempty"`
	Seen   int64  `db:"read_through" json:"seen"` // position of the last line an agent has seen
	Score  int    `db:"score" json:"score,omitempty"`
	Reason string `db:"reason" json:"reason,omitempty"` // why an agent ended it
}

const ownSQL = `
SELECT id, state, agent, told_place, read_through, coalesce(rating_score, 0) AS score,
       coalesce(greatest(copilot_typing_at, agent_typing_at) > now() - interval '6 seconds', false) AS typing,
       CASE WHEN ended_by = 'agent' THEN coalesce((
           SELECT l.reason
           FROM contoso.line l
           WHERE l.conversation_id = @id AND l.event = 'ended'
           ORDER BY l.position DESC
           LIMIT 1), '') ELSE '' END AS reason
FROM contoso.conversation
WHERE id = @id`

func ownByID(ctx context.Context, tx pgx.Tx, id string) (ownConversation, error) {
	rows, err := tx.Query(ctx, ownSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return ownConversation{}, fmt.Errorf("read visitor's conversation: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[ownConversation])
	if errors.Is(err, pgx.ErrNoRows) {
		return ownConversation{}, errUnknown
	}
	return c, wrapped("read visitor's conversation", err)
}

// An ownLine is what a visitor sees of a line: nothing that is among agents.
type ownLine struct {
	ID        string    `json:"id"`
	Position  int64     `json:"position"`
	Event     string    `json:"event"`
	From      string    `json:"from"`
	Sender    string    `json:"sender"`
	Text      string    `json:"message"`
	Format    string    `json:"format,omitempty"`
	Choices   []choice  `json:"choices,omitempty"`
	To        string    `json:"to,omitempty"`
	Edited    bool      `json:"edited,omitempty"`
	Deleted   bool      `json:"deleted,omitempty"`
	Files     []file    `json:"attachments,omitempty"`
	Key       string    `json:"key,omitempty"`   // of their own words
	State     string    `json:"state,omitempty"` // of their own words on the way to the copilot
	Timestamp time.Time `json:"timestamp"`
}

func (l line) forVisitor() *ownLine {
	own := ownLine{
		ID: l.ID, Position: l.Position, Event: l.Event, From: l.From, Sender: l.Sender, Format: l.Format,
		Choices: l.Choices, To: l.To, Edited: l.Edited, Deleted: l.Deleted, Files: l.Files, Timestamp: l.Timestamp,
	}
	if l.From != bySystem {
		own.Text = l.Text
	}
	if l.From == byUser {
		own.Key, own.State = l.Key, l.State
	}
	return &own
}

// told reports whether a line is for the visitor's eyes. Changes show at what was
// changed, a place in the queue at the conversation.
func (l line) told() bool {
	switch l.Event {
	case eventEdited, eventDeleted, eventQueued, eventOpened:
		return false
	}
	return true
}

// An ownThread is everything a visitor sees of a conversation, and the number of
// the last event it contains.
type ownThread struct {
	Seq          int64            `json:"seq"`
	Conversation *ownConversation `json:"conversation"` // nil: none yet
	Lines        []*ownLine       `json:"lines"`
}

func own(ctx context.Context, tx pgx.Tx, id string) (t ownThread, err error) {
	if t.Seq, err = lastSeq(ctx, tx); err != nil {
		return ownThread{}, err
	}
	c, err := ownByID(ctx, tx, id)
	if err != nil {
		return ownThread{}, err
	}
	lines, err := messages(ctx, tx, id, true)
	if err != nil {
		return ownThread{}, err
	}
	t.Conversation, t.Lines = &c, []*ownLine{}
	for _, l := range lines {
		if l.told() {
			t.Lines = append(t.Lines, l.forVisitor())
		}
	}
	return t, nil
}

// getLatest returns the conversation that a browser had last, and none for one
// that had none.
func (a *App) getLatest(c *gin.Context) error {
	v, err := a.visitorOf(c)
	if err != nil {
		return err
	}
	if v == nil || v.Latest == "" {
		if over := a.visitors.stranger(c); over != nil {
			return over
		}
		c.JSON(http.StatusOK, ownThread{Lines: []*ownLine{}})
		return nil
	}
	if err := a.limiter.Admit("visitor " + v.ID); err != nil {
		return err
	}
	return a.showOwn(c, v.Latest)
}

func (a *App) getOwn(c *gin.Context) error { return a.showOwn(c, c.Param("conversation")) }

func (a *App) showOwn(c *gin.Context, id string) error {
	ctx := c.Request.Context()
	var t ownThread
	err := pgx.BeginTxFunc(ctx, a.DB, snapshot(), func(tx pgx.Tx) (err error) {
		t, err = own(ctx, tx, id)
		return err
	})
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, t)
	return nil
}

// An ownEvent is an event of a visitor's conversation.
type ownEvent struct {
	Seq          int64           `json:"seq"`
	Conversation ownConversation `json:"conversation"`
	Line         *ownLine        `json:"line,omitempty"`
}

const ownEventsSQL = `
SELECT seq, conversation_id, coalesce(line_id, '') AS line_id
FROM contoso.event
WHERE conversation_id = @conversation
AND seq > @after
ORDER BY seq
LIMIT @limit`

// ownEventsAfter returns what was recorded of a conversation after a number, at
// most eventBatch.
func ownEventsAfter(ctx context.Context, tx pgx.Tx, id string, after int64) ([]ownEvent, error) {
	rows, err := tx.Query(ctx, ownEventsSQL, pgx.NamedArgs{"conversation": id, "after": after, "limit": eventBatch})
	if err != nil {
		return nil, fmt.Errorf("read visitor's events: %w", err)
	}
	marks, err := pgx.CollectRows(rows, pgx.RowToStructByName[recorded])
	if err != nil {
		return nil, fmt.Errorf("read visitor's events: %w", err)
	}
	if len(marks) == 0 {
		return nil, nil
	}
	c, err := ownByID(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(marks))
	for i, m := range marks {
		ids[i] = m.Line
	}
	lines, err := linesByID(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	events := make([]ownEvent, len(marks))
	for i, m := range marks {
		events[i] = ownEvent{Seq: m.Seq, Conversation: c}
		if l, ok := lines[m.Line]; ok && l.told() {
			events[i].Line = l.forVisitor()
		}
	}
	return events, nil
}

const visitorTypingSQL = `
UPDATE contoso.conversation c
SET user_typing_at = now()
WHERE id = @id
AND state <> 'ended'
AND coalesce(user_typing_at < now() - interval '2 seconds', true)
AND (state <> 'copilot' OR NOT EXISTS (SELECT 1 FROM contoso.webhook w WHERE w.conversation_id = c.id AND w.state = 'queued'))
RETURNING state`

const personSQL = `
SELECT person
FROM contoso.conversation
WHERE id = @id`

// postVisitorTyping tells whoever has control that the visitor is typing. The
// copilot is told once in a while, and not while words are on their way.
func (a *App) postVisitorTyping(c *gin.Context) error {
	ctx, id := c.Request.Context(), c.Param("conversation")
	d := due{ConversationID: id, Origin: originCanvas}
	var state string
	err := a.write(ctx, func(tx pgx.Tx) (err error) {
		if state, err = typedAt(ctx, tx, visitorTypingSQL, id); err != nil || state == "" {
			return err
		}
		if err := tx.QueryRow(ctx, personSQL, pgx.NamedArgs{"id": id}).Scan(&d.User); err != nil {
			return fmt.Errorf("read visitor: %w", err)
		}
		return record(ctx, tx, id, "")
	})
	if err != nil {
		return err
	}
	if state == stateCopilot {
		a.tellTyping(ctx, d)
	}
	c.Status(http.StatusNoContent)
	return nil
}

// getOwnEvents streams what happens in a conversation after the last event that
// the reader saw.
func (a *App) getOwnEvents(c *gin.Context) error {
	id, after := c.Param("conversation"), web.LastEventID(c)
	goes, err := a.visitors.crowd.enter(visitorIn(c).ID)
	if err != nil {
		return err
	}
	defer goes()
	stream, err := web.NewStream(c)
	if err != nil {
		return nil // the reader is gone
	}
	news, leave := a.visited.follow(id)
	defer leave()
	follow(c.Request.Context(), a, stream, follower[ownEvent]{
		after: after,
		read: func(ctx context.Context, tx pgx.Tx, after int64) ([]ownEvent, error) {
			return ownEventsAfter(ctx, tx, id, after)
		},
		watch: func() (<-chan struct{}, <-chan struct{}) { return news, nil },
		stays: func() bool { return true },
	})
	return nil
}
