package contoso

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

const assignSQL = `
UPDATE contoso.conversation
SET state = 'active',
    agent = @agent,
    answered_at = CASE state WHEN 'waiting' THEN now() ELSE answered_at END,
    waited = CASE state WHEN 'waiting' THEN now() - queued_at ELSE waited END,
    accepted_at = coalesce(accepted_at, now()),
    told_place = 0
WHERE id = @id`

func assign(ctx context.Context, tx pgx.Tx, id, agent string) error {
	if _, err := tx.Exec(ctx, assignSQL, pgx.NamedArgs{"id": id, "agent": agent}); err != nil {
		return fmt.Errorf("assign conversation: %w", err)
	}
	return nil
}

// take gives a locked conversation to the line's sender and tells that they
// joined.
func take(ctx context.Context, tx pgx.Tx, l line) (line, error) {
	if err := assign(ctx, tx, l.ConversationID, l.Sender); err != nil {
		return line{}, err
	}
	l.Event, l.From, l.Text = eventJoined, bySystem, l.Sender+" joined the conversation"
	return l, tell(ctx, tx, &l)
}

// join is take for an agent who has nothing to say yet. Whoever has the
// conversation already joins nothing; from a copilot it is taken.
func join(ctx context.Context, tx pgx.Tx, l line) error {
	l.Event, l.From = eventJoined, bySystem
	state, earlier, err := begin(ctx, tx, l)
	if err != nil || earlier != nil {
		return err
	}
	if err := takeOver(ctx, tx, l.ConversationID, state); err != nil {
		return err
	}
	has, err := agentHaving(ctx, tx, l.ConversationID)
	if err != nil || has == l.Sender {
		return err
	}
	joined, err := take(ctx, tx, l)
	if err != nil {
		return err
	}
	return record(ctx, tx, l.ConversationID, joined.ID)
}

const havingSQL = `
SELECT agent
FROM contoso.conversation
WHERE id = @id`

func agentHaving(ctx context.Context, tx pgx.Tx, id string) (agent string, err error) {
	if err := tx.QueryRow(ctx, havingSQL, pgx.NamedArgs{"id": id}).Scan(&agent); err != nil {
		return "", fmt.Errorf("find agent of conversation: %w", err)
	}
	return agent, nil
}

const requeueSQL = `
UPDATE contoso.conversation
SET state = 'waiting', agent = '', queue = coalesce(@queue, queue), queued_at = now(), told_place = 0, agent_typing_at = NULL
WHERE id = @id`

// requeue makes the user wait again, in the same queue if queue is nil.
func requeue(ctx context.Context, tx pgx.Tx, id string, queue *string) error {
	if _, err := tx.Exec(ctx, requeueSQL, pgx.NamedArgs{"id": id, "queue": queue}); err != nil {
		return fmt.Errorf("queue conversation: %w", err)
	}
	return nil
}

// leave makes the user wait for another agent. Nobody leaves whom they wait for.
func leave(ctx context.Context, tx pgx.Tx, l line) error {
	l.Event, l.From, l.Text = eventLeft, bySystem, l.Sender+" left the conversation"
	state, earlier, err := begin(ctx, tx, l)
	if err != nil || earlier != nil || state != stateActive {
		return err
	}
	if err := requeue(ctx, tx, l.ConversationID, nil); err != nil {
		return err
	}
	if err := typed(ctx, tx, l); err != nil {
		return err
	}
	if err := tell(ctx, tx, &l); err != nil {
		return err
	}
	return record(ctx, tx, l.ConversationID, l.ID)
}

// transfer gives the conversation to the agent, or puts it at the end of the
// queue, that l names.
func transfer(ctx context.Context, tx pgx.Tx, l line, toQueue bool) error {
	l.Event, l.From = eventTransferred, bySystem
	state, earlier, err := begin(ctx, tx, l)
	if err != nil || earlier != nil {
		return err
	}
	if err := takeOver(ctx, tx, l.ConversationID, state); err != nil {
		return err
	}
	if toQueue {
		l.Text = l.Sender + " transferred the conversation to the queue " + l.To
		err = l.queue(ctx, tx)
	} else {
		l.Text = l.Sender + " transferred the conversation to " + l.To
		err = assign(ctx, tx, l.ConversationID, l.To)
	}
	if err != nil {
		return err
	}
	if err := tell(ctx, tx, &l); err != nil {
		return err
	}
	return record(ctx, tx, l.ConversationID, l.ID)
}

// queue puts the line's conversation at the end of the queue that it names, and
// notes the place there.
func (l *line) queue(ctx context.Context, tx pgx.Tx) error {
	if err := requeue(ctx, tx, l.ConversationID, &l.To); err != nil {
		return err
	}
	p, err := placeOf(ctx, tx, l.ConversationID)
	if err == nil && p != nil {
		l.Place, l.WaitSeconds = p.Place, p.WaitSeconds
	}
	return err
}

// A deed is the body of what an agent does beside speaking.
type deed struct {
	Sender  string `json:"sender"`
	Reason  string `json:"reason"`
	Summary string `json:"summary"`
	Agent   string `json:"agent"`
	Queue   string `json:"queue"`
	Note    string `json:"note"`
}

// decodeDeed reads a deed and begins its line. An empty body is none in
// particular.
func decodeDeed(c *gin.Context) (deed, line, error) {
	var d deed
	if c.Request.ContentLength != 0 {
		if err := web.Decode(c, maxBody, &d); err != nil {
			return deed{}, line{}, err
		}
	}
	d.Sender = cmp.Or(agentName(c), strings.TrimSpace(d.Sender), supportSender)
	return d, line{ConversationID: c.Param("id"), Sender: d.Sender, Key: c.GetHeader(keyHeader)}, nil
}

// perform is the handler of a deed.
func (a *App) perform(do func(context.Context, pgx.Tx, deed, line) error) gin.HandlerFunc {
	return a.route(func(c *gin.Context) error {
		d, l, err := decodeDeed(c)
		if err != nil {
			return err
		}
		ctx := c.Request.Context()
		if err := a.write(ctx, func(tx pgx.Tx) error { return do(ctx, tx, d, l) }); err != nil {
			return err
		}
		c.Status(http.StatusNoContent)
		return nil
	})
}

func doJoin(ctx context.Context, tx pgx.Tx, _ deed, l line) error  { return join(ctx, tx, l) }
func doLeave(ctx context.Context, tx pgx.Tx, _ deed, l line) error { return leave(ctx, tx, l) }

func doTransfer(ctx context.Context, tx pgx.Tx, d deed, l line) error {
	agent, queue := strings.TrimSpace(d.Agent), strings.TrimSpace(d.Queue)
	if (agent == "") == (queue == "") {
		return web.BadRequest("name an agent or a queue")
	}
	l.To, l.Note = cmp.Or(agent, queue), d.Note
	return transfer(ctx, tx, l, agent == "")
}

func doEnd(ctx context.Context, tx pgx.Tx, d deed, l line) error {
	return end(ctx, tx, l.ConversationID, ending{By: byAgent, Sender: l.Sender, Reason: d.Reason, Summary: d.Summary})
}
