package contoso

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const recordSQL = `
WITH step AS (
    UPDATE contoso.event_counter
    SET value = value + cardinality(@lines::text[])
    RETURNING value)
INSERT INTO contoso.event (seq, conversation_id, line_id)
SELECT step.value - cardinality(@lines::text[]) + l.ordinality, @conversation, nullif(l.id, '')
FROM step, unnest(@lines::text[]) WITH ORDINALITY AS l (id, ordinality)`

// record numbers what a transaction changed: one event for each line, "" for the
// conversation's own facts. It must be the transaction's last statement, because
// it holds up every other writer until the commit.
func record(ctx context.Context, tx pgx.Tx, conversation string, lines ...string) error {
	_, err := tx.Exec(ctx, recordSQL, pgx.NamedArgs{"conversation": conversation, "lines": lines})
	if err != nil {
		return fmt.Errorf("record event: %w", err)
	}
	return nil
}

// A lastLine is what the desk's list shows of a conversation's newest line.
type lastLine struct {
	From   string `json:"from"`
	Sender string `json:"sender"`
	Text   string `json:"message"`
}

// A conversation is what the desk shows beside the lines.
type conversation struct {
	ID           string     `db:"id" json:"id"`
	State        string     `db:"state" json:"state"`
	User         person     `db:"person" json:"user"`
	Problem      string     `db:"problem" json:"problem"`
	Channel      string     `db:"channel" json:"channel"`
	Reference    string     `db:"reference" json:"reference"`
	Variables    variables  `db:"variables" json:"variables"`
	Summary      string     `db:"summary" json:"summary,omitempty"`
	Skills       []string   `db:"skills" json:"skills"`
	Priority     int        `db:"priority" json:"priority"`
	Queue        string     `db:"queue" json:"queue"`
	Agent        string     `db:"agent" json:"agent"`
	Score        int        `db:"rating_score" json:"ratingScore,omitempty"` // 0 is none
	Comment      string     `db:"rating_comment" json:"ratingComment,omitempty"`
	Typing       bool       `db:"user_typing" json:"userTyping"`
	StartedAt    time.Time  `db:"started_at" json:"startedAt"`
	EndedAt      *time.Time `db:"ended_at" json:"endedAt"`
	EndedBy      string     `db:"ended_by" json:"endedBy,omitempty"`
	Unread       int        `db:"unread" json:"unread"`
	Notes        int        `db:"notes" json:"notes"` // how many agents have written
	Unreachable  bool       `db:"unreachable" json:"unreachable,omitempty"`
	AgentsTyping []string   `db:"agents_typing" json:"agentsTyping,omitempty"`
	WaitingSince *time.Time `db:"waiting_since" json:"waitingSince"` // nil when it is the user's turn
	LastFrom     string     `db:"last_author" json:"-"`
	LastSender   string     `db:"last_sender" json:"-"`
	LastText     string     `db:"last_body" json:"-"`
	LastAt       time.Time  `db:"last_at" json:"lastAt"`
	Origin       string     `db:"origin" json:"origin"` // where it takes place: originAPI or originCanvas
	Last         *lastLine  `db:"-" json:"lastLine"`    // nil before the first line
}

// An event is one number of the stream: the conversation as it is now and, if a
// line is what changed, the line as it is now. Both replace what a reader had.
type event struct {
	Seq          int64        `json:"seq"`
	Conversation conversation `json:"conversation"`
	Line         *line        `json:"line,omitempty"`
}

// eventBatch bounds what one read of the stream returns.
const eventBatch = 200

const eventsSQL = `
SELECT seq, conversation_id, coalesce(line_id, '') AS line_id
FROM contoso.event
WHERE seq > @after
ORDER BY seq
LIMIT @limit`

type recorded struct {
	Seq          int64  `db:"seq"`
	Conversation string `db:"conversation_id"`
	Line         string `db:"line_id"`
}

// eventsAfter returns what was recorded after a number, at most eventBatch.
func eventsAfter(ctx context.Context, tx pgx.Tx, after int64) ([]event, error) {
	rows, err := tx.Query(ctx, eventsSQL, pgx.NamedArgs{"after": after, "limit": eventBatch})
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	marks, err := pgx.CollectRows(rows, pgx.RowToStructByName[recorded])
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	if len(marks) == 0 {
		return nil, nil
	}
	return fill(ctx, tx, marks)
}

// fill looks up what the events are about.
func fill(ctx context.Context, tx pgx.Tx, marks []recorded) ([]event, error) {
	conversationIDs, lineIDs := make([]string, len(marks)), make([]string, len(marks))
	for i, m := range marks {
		conversationIDs[i], lineIDs[i] = m.Conversation, m.Line
	}
	conversations, err := conversationsByID(ctx, tx, conversationIDs)
	if err != nil {
		return nil, err
	}
	lines, err := linesByID(ctx, tx, lineIDs)
	if err != nil {
		return nil, err
	}
	events := make([]event, len(marks))
	for i, m := range marks {
		events[i] = event{Seq: m.Seq, Conversation: conversations[m.Conversation]}
		if l, ok := lines[m.Line]; ok {
			events[i].Line = &l
		}
	}
	return events, nil
}

const conversationsByIDSQL = `
SELECT id, state, person, problem, channel, reference, variables, started_at, ended_at, ended_by,
       summary, skills, priority, queue, agent, rating_score, rating_comment, user_typing,
       unread, notes, unreachable, agents_typing, waiting_since, last_author, last_sender, last_body, last_at, origin
FROM contoso.conversation_at_desk
WHERE id = ANY (@ids)`

func conversationsByID(ctx context.Context, tx pgx.Tx, ids []string) (map[string]conversation, error) {
	list, err := collectConversations(tx.Query(ctx, conversationsByIDSQL, pgx.NamedArgs{"ids": ids}))
	if err != nil {
		return nil, err
	}
	byID := make(map[string]conversation, len(list))
	for _, c := range list {
		byID[c.ID] = c
	}
	return byID, nil
}

// collectConversations takes a query's two results, so that it wraps the call.
func collectConversations(rows pgx.Rows, err error) ([]conversation, error) {
	if err != nil {
		return nil, fmt.Errorf("read conversations: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[conversation])
	if err != nil {
		return nil, fmt.Errorf("read conversations: %w", err)
	}
	for i := range list {
		if c := &list[i]; c.LastFrom != "" {
			c.Last = &lastLine{From: c.LastFrom, Sender: c.LastSender, Text: c.LastText}
		}
	}
	return list, nil
}

const linesByIDSQL = `
SELECT id, conversation_id, position, event, author, sender, body, reason, about, recipient, note, summary,
       place, wait_seconds, edited, deleted, files, key, state, failure, report, report_reason, report_settled, created_at, format, choices, value
FROM contoso.line_shown
WHERE id = ANY (@ids)`

func linesByID(ctx context.Context, tx pgx.Tx, ids []string) (map[string]line, error) {
	list, err := collectLines(tx.Query(ctx, linesByIDSQL, pgx.NamedArgs{"ids": ids}))
	if err != nil {
		return nil, err
	}
	byID := make(map[string]line, len(list))
	for _, l := range list {
		byID[l.ID] = l
	}
	return byID, nil
}
