package contoso

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

// States of a webhook.
const (
	webhookQueued = "queued"
	webhookSent   = "sent"
	webhookFailed = "failed"
)

const (
	attemptTimeout = 10 * time.Second
	// attemptLease is how long an attempt keeps others from trying: longer than
	// the attempt and its record can take. After a crash it is the longest pause.
	attemptLease = attemptTimeout + 5*time.Second
	// webhookPoll finds what is due after a back-off, and what crashed or other
	// processes left.
	webhookPoll = 250 * time.Millisecond
	firstDelay  = 500 * time.Millisecond
	lastDelay   = 30 * time.Second
	// longestAsked bounds the Retry-After that is honoured.
	longestAsked = time.Hour
	// maxAttempts bounds how many conversations are served at once.
	maxAttempts = 32
)

// A due is a webhook claimed for one attempt. Its members are the wire's, which
// are Pascal case; receivers match them without regard to case.
type due struct {
	ConversationID string    `db:"conversation_id" json:"ConversationId"`
	ID             string    `db:"id" json:"Id"`
	Message        string    `db:"message" json:"Message"` // empty unless Event is "message" or "edited"
	Sender         string    `db:"sender" json:"Sender"`
	Timestamp      time.Time `db:"created_at" json:"Timestamp"`
	Event          string    `db:"event" json:"Event"`
	Reason         string    `db:"reason" json:"Reason,omitempty"`
	About          string    `db:"about" json:"MessageId,omitempty"` // the message that is said, edited or deleted
	To             string    `db:"recipient" json:"To,omitempty"`
	Summary        string    `db:"summary" json:"Summary,omitempty"`
	Position       int       `db:"place" json:"Position,omitempty"` // in the queue, from 1
	WaitSeconds    int       `db:"wait_seconds" json:"WaitSeconds,omitempty"`
	Files          []file    `db:"files" json:"Attachments,omitempty"`
	Attempt        int       `db:"attempts" json:"-"`

	// Of a conversation on our own page; see canvasPost.
	Origin  string   `db:"origin" json:"-"`
	User    person   `db:"person" json:"-"`
	Value   string   `db:"value" json:"-"`
	Pending []string `db:"pending" json:"-"`
}

// A sender keeps the promises in contoso.webhook.
type sender struct {
	db      *pgxpool.Pool
	log     *slog.Logger
	client  *http.Client
	api     target
	canvas  target
	links   links
	queued  *signal
	changed *signal
}

func newSender(a *App) *sender {
	return &sender{
		db: a.DB, log: a.Log,
		client: jsonhttp.NewClient(attemptTimeout, nil),
		api:    target{url: a.Config.WebhookURL, secrets: signingKeys(a.Config.WebhookSecret)},
		canvas: target{url: a.Config.Canvas.WebhookURL, secrets: signingKeys(cmp.Or(a.Config.Canvas.WebhookSecret, a.Config.WebhookSecret))},
		links:  a.links(),
		queued: &a.queued, changed: &a.changed,
	}
}

// run sends what is due until ctx ends, then waits for the attempts in flight.
func (s *sender) run(ctx context.Context) error {
	defer s.client.CloseIdleConnections()
	var attempts sync.WaitGroup
	defer attempts.Wait()
	slots := make(chan struct{}, maxAttempts)
	poll := time.NewTicker(webhookPoll)
	defer poll.Stop()
	for ctx.Err() == nil {
		queued := s.queued.next()
		claimed, err := s.claim(ctx, cap(slots)-len(slots))
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "webhooks not claimed", "err", err)
		}
		for _, d := range claimed {
			slots <- struct{}{}
			attempts.Go(func() {
				s.attempt(ctx, d)
				<-slots
				s.queued.wake() // the conversation's next one may be due now
			})
		}
		select {
		case <-ctx.Done():
		case <-queued:
		case <-poll.C:
		}
	}
	return nil
}

const claimSQL = `
UPDATE contoso.webhook w
SET attempts = w.attempts + 1, due_at = now() + @lease
FROM contoso.line_shown l
JOIN contoso.conversation c ON c.id = l.conversation_id
WHERE l.id = w.line_id
AND w.line_id IN (
    SELECT head.line_id
    FROM contoso.webhook head
    WHERE head.state = 'queued'
    AND head.due_at <= now()
    AND NOT EXISTS (
        SELECT 1
        FROM contoso.webhook earlier
        WHERE earlier.conversation_id = head.conversation_id
        AND earlier.state = 'queued'
        AND earlier.position < head.position)
    AND NOT EXISTS (
        SELECT 1
        FROM contoso.conversation held -- by people: the copilot is told when they return it
        WHERE held.id = head.conversation_id
        AND held.origin = 'canvas'
        AND held.state IN ('waiting', 'active'))
    ORDER BY head.due_at
    LIMIT @free
    FOR UPDATE SKIP LOCKED)
RETURNING w.conversation_id, l.id, CASE WHEN l.author <> 'system' THEN l.body ELSE '' END AS message,
          l.sender, l.created_at,
          -- What was taken back before it was told is not told.
          CASE WHEN l.deleted THEN 'deleted' ELSE l.event END AS event,
          CASE l.event WHEN 'message' THEN l.id ELSE l.about END AS about,
          l.reason, l.recipient, l.summary, l.place, l.wait_seconds, l.files, w.attempts,
          c.origin, c.person, l.value,
          -- What nobody has answered: neither an agent, nor the copilot, who was not told.
          CASE l.event WHEN 'returned' THEN ARRAY(
              SELECT u.body
              FROM contoso.line u
              WHERE u.conversation_id = l.conversation_id
              AND u.author = 'user' AND u.event = 'message' AND u.body <> ''
              AND u.position < l.position
              AND NOT EXISTS (SELECT 1 FROM contoso.webhook told WHERE told.line_id = u.id)
              AND u.position > coalesce((
                  SELECT max(a.position)
                  FROM contoso.line a
                  LEFT JOIN contoso.webhook told ON told.line_id = a.id
                  WHERE a.conversation_id = l.conversation_id
                  AND a.position < l.position
                  AND (a.author = 'agent' AND a.event = 'message' OR a.event = 'returned' AND told.line_id IS NOT NULL)), 0)
              ORDER BY u.position) END AS pending`

// claim takes the first queued webhook of each conversation where it is due, at
// most free of them. Nobody else takes them while the lease holds.
func (s *sender) claim(ctx context.Context, free int) ([]due, error) {
	if free == 0 {
		return nil, nil
	}
	// A claim that is given up halfway may have been made: it outlives the signal
	// to end, but not by more than the drain.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	rows, err := s.db.Query(ctx, claimSQL, pgx.NamedArgs{"lease": attemptLease, "free": free})
	if err != nil {
		return nil, fmt.Errorf("claim webhooks: %w", err)
	}
	claimed, err := pgx.CollectRows(rows, pgx.RowToStructByName[due])
	if err != nil {
		return nil, fmt.Errorf("claim webhooks: %w", err)
	}
	return claimed, nil
}

// attempt makes one attempt and writes down what came of it.
func (s *sender) attempt(ctx context.Context, d due) {
	// The attempt outlives the signal to end, but not by more than the drain.
	attemptCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(drain, cancel) })
	defer stop()
	err := s.post(attemptCtx, d)
	o := judge(err, d.Attempt)
	if attemptCtx.Err() != nil {
		o = outcome{State: webhookQueued} // cut short by us: due at once for whoever comes next
	}
	if o.Failure != "" {
		s.log.WarnContext(ctx, "webhook not delivered", "hub_conversation", d.ConversationID, "line", d.ID,
			"attempt", d.Attempt, "state", o.State, "err", err)
	}
	recordCtx, cancelRecord := context.WithTimeout(context.WithoutCancel(ctx), attemptLease-attemptTimeout)
	defer cancelRecord()
	if err := s.settle(recordCtx, d, o); err != nil {
		s.log.ErrorContext(ctx, "webhook attempt not recorded", "line", d.ID, "err", err)
	}
}

func (s *sender) post(ctx context.Context, d due) error {
	d.Timestamp = d.Timestamp.UTC()
	if err := s.links.sign(ctx, d.Files); err != nil {
		return &jsonhttp.Error{Status: http.StatusServiceUnavailable} // our database's, and as passing
	}
	to, post := s.api, any(d)
	if d.Origin == originCanvas {
		to, post = s.canvas, d.canvas()
	}
	body, err := json.Marshal(post)
	if err != nil {
		return fmt.Errorf("encode webhook: %w", err)
	}
	return jsonhttp.Do(ctx, s.client, jsonhttp.Request{
		URL:    to.url,
		Header: signatureHeader(to.secrets, d.ID, time.Now(), body),
		In:     json.RawMessage(body), // goes out byte for byte: it is compact and escaped already
	})
}

const settleSQL = `
UPDATE contoso.webhook
SET state = @state, failure = @failure, due_at = now() + @delay
WHERE line_id = @line
AND state = 'queued'
AND attempts = @attempt`

// settle writes an attempt's outcome unless a later attempt has begun.
func (s *sender) settle(ctx context.Context, d due, o outcome) error {
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, settleSQL, pgx.NamedArgs{
			"state": o.State, "failure": o.Failure, "delay": o.Delay, "line": d.ID, "attempt": d.Attempt,
		})
		if err != nil {
			return fmt.Errorf("settle webhook: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return nil
		}
		return record(ctx, tx, d.ConversationID, d.ID)
	})
	if err != nil {
		return err
	}
	s.changed.wake()
	return nil
}
