package contoso

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// A deskList is the desk's list and the number of the last event it contains:
// the list plus the events after Seq is the list as it is now.
type deskList struct {
	Seq           int64          `json:"seq"`
	Counts        counts         `json:"counts"`
	Conversations []conversation `json:"conversations"`
}

// counts are of all conversations, listed or not.
type counts struct {
	Waiting int `db:"waiting" json:"waiting"`
	Active  int `db:"active" json:"active"`
	Ended   int `db:"ended" json:"ended"`
}

// A deskThread is everything the desk shows of one conversation.
type deskThread struct {
	Seq          int64        `json:"seq"`
	Conversation conversation `json:"conversation"`
	Lines        []line       `json:"lines"`
	Past         past         `json:"past"`
}

// snapshot is how the desk's queries see one state of the database: a number and
// what belongs to it.
func snapshot() pgx.TxOptions {
	return pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
}

const seqSQL = `
SELECT value
FROM contoso.event_counter`

func lastSeq(ctx context.Context, tx pgx.Tx) (int64, error) {
	var seq int64
	if err := tx.QueryRow(ctx, seqSQL).Scan(&seq); err != nil {
		return 0, fmt.Errorf("read event counter: %w", err)
	}
	return seq, nil
}

const listSQL = `
SELECT id, state, person, problem, channel, reference, variables, started_at, ended_at, ended_by,
       summary, skills, priority, queue, agent, rating_score, rating_comment, user_typing,
       unread, notes, unreachable, agents_typing, waiting_since, last_author, last_sender, last_body, last_at, origin
FROM contoso.conversation_at_desk
WHERE id IN (
    SELECT id FROM contoso.conversation WHERE state IN ('waiting', 'active')
    UNION ALL
    (SELECT id FROM contoso.conversation WHERE state = 'copilot' ORDER BY started_at DESC LIMIT 200)
    UNION ALL
    (SELECT id FROM contoso.conversation WHERE state = 'ended' ORDER BY ended_at DESC LIMIT 200))
ORDER BY state = 'waiting' DESC, last_at DESC`

const countsSQL = `
SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting,
       count(*) FILTER (WHERE state = 'active') AS active,
       count(*) FILTER (WHERE state = 'ended') AS ended
FROM contoso.conversation`

// list returns all conversations that people have, waiting ones first, the last to
// begin with a copilot, and the last to end.
func list(ctx context.Context, tx pgx.Tx) (deskList, error) {
	seq, err := lastSeq(ctx, tx)
	if err != nil {
		return deskList{}, err
	}
	conversations, err := collectConversations(tx.Query(ctx, listSQL))
	if err != nil {
		return deskList{}, err
	}
	rows, err := tx.Query(ctx, countsSQL)
	if err != nil {
		return deskList{}, fmt.Errorf("count conversations: %w", err)
	}
	n, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[counts])
	if err != nil {
		return deskList{}, fmt.Errorf("count conversations: %w", err)
	}
	return deskList{Seq: seq, Counts: n, Conversations: conversations}, nil
}

// thread returns one conversation with all its lines. An unknown id is a 404.
func thread(ctx context.Context, tx pgx.Tx, id string) (deskThread, error) {
	seq, err := lastSeq(ctx, tx)
	if err != nil {
		return deskThread{}, err
	}
	found, err := conversationsByID(ctx, tx, []string{id})
	if err != nil {
		return deskThread{}, err
	}
	c, ok := found[id]
	if !ok {
		return deskThread{}, errUnknown
	}
	lines, err := messages(ctx, tx, id, true)
	if err != nil {
		return deskThread{}, err
	}
	before, err := pastOf(ctx, tx, id)
	if err != nil {
		return deskThread{}, err
	}
	return deskThread{Seq: seq, Conversation: c, Lines: lines, Past: before}, nil
}
