package contoso

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"
)

// A board is what a supervisor sees at one moment. Seq is the number of the last
// event that it contains.
type board struct {
	Seq     int64     `json:"seq"`
	Figures figures   `json:"figures"`
	Hours   []anHour  `json:"hours"`
	Agents  []atWork  `json:"agents"`
	Open    []running `json:"open"` // who has waited longest for a change first
	limits
}

// limits are when the pages mark a conversation, in minutes; 0 is never.
type limits struct {
	Wait int `json:"waitMinutes"`
	Idle int `json:"idleMinutes"`
}

// figures are of now and of the day so far. Medians are nil before there is one.
type figures struct {
	Waiting      int        `db:"waiting" json:"waiting"`
	Active       int        `db:"active" json:"active"`
	WaitingSince *time.Time `db:"waiting_since" json:"waitingSince"` // of who waits longest
	Wait         *float64   `db:"wait" json:"medianWaitSeconds"`     // of those accepted today
	Handling     *float64   `db:"handling" json:"medianHandlingSeconds"`
}

// An anHour is how many conversations began and ended within an hour.
type anHour struct {
	At     time.Time `db:"at" json:"at"`
	Opened int       `db:"opened" json:"opened"`
	Ended  int       `db:"ended" json:"ended"`
}

// An atWork is an agent and what they have to do.
type atWork struct {
	Name    string `db:"name" json:"name"`
	State   string `db:"state" json:"state"` // online, away, offline
	Open    int    `db:"open" json:"open"`
	Accepts int    `db:"accepts" json:"accepts"` // at most so many by themselves; 0: they pick
}

// A running is an open conversation.
type running struct {
	ID        string    `db:"id" json:"id"`
	User      string    `db:"name" json:"user"`
	State     string    `db:"state" json:"state"`
	Queue     string    `db:"queue" json:"queue"`
	Agent     string    `db:"agent" json:"agent"`
	StartedAt time.Time `db:"started_at" json:"startedAt"`
	Since     time.Time `db:"since" json:"since"` // the last line, or when the user began to wait
}

// maxRunning bounds how many open conversations one answer holds.
const maxRunning = 5000

// getBoard returns the board; the day is that of the time zone "zone", UTC
// without one.
func (a *App) getBoard(c *gin.Context) error {
	zone, err := time.LoadLocation(c.Query("zone"))
	if err != nil {
		return invalid("zone", "expected a time zone, like Europe/Berlin")
	}
	ctx := c.Request.Context()
	var b board
	err = pgx.BeginTxFunc(ctx, a.DB, snapshot(), func(tx pgx.Tx) (err error) {
		b, err = readBoard(ctx, tx, hoursOf(time.Now().In(zone)))
		return err
	})
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, b)
	return nil
}

// hoursOf returns when the hours of the day begin that a moment is in, and last
// when the day ends. Where clocks are changed it has 23 hours or 25.
func hoursOf(now time.Time) []time.Time {
	y, m, d := now.Date()
	end := time.Date(y, m, d+1, 0, 0, 0, 0, now.Location())
	var all []time.Time
	for at := time.Date(y, m, d, 0, 0, 0, 0, now.Location()); at.Before(end); at = at.Add(time.Hour) {
		all = append(all, at)
	}
	return append(all, end)
}

const boardLimitsSQL = `
SELECT wait_minutes, idle_minutes
FROM contoso.settings`

func readBoard(ctx context.Context, tx pgx.Tx, day []time.Time) (b board, err error) {
	if b.Seq, err = lastSeq(ctx, tx); err != nil {
		return board{}, err
	}
	if err := tx.QueryRow(ctx, boardLimitsSQL).Scan(&b.Wait, &b.Idle); err != nil {
		return board{}, fmt.Errorf("read settings: %w", err)
	}
	today, err := collectBoard[figures](tx.Query(ctx, figuresSQL, pgx.NamedArgs{"today": day[0]}))
	if err != nil {
		return board{}, err
	}
	b.Figures = today[0]
	last := len(day) - 1
	if b.Hours, err = collectBoard[anHour](tx.Query(ctx, hoursSQL, pgx.NamedArgs{"from": day[:last], "to": day[1:]})); err != nil {
		return board{}, err
	}
	if b.Agents, err = collectBoard[atWork](tx.Query(ctx, agentsSQL)); err != nil {
		return board{}, err
	}
	b.Open, err = collectBoard[running](tx.Query(ctx, runningSQL, pgx.NamedArgs{"limit": maxRunning}))
	return b, err
}

const figuresSQL = `
SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting,
       count(*) FILTER (WHERE state = 'active') AS active,
       min(queued_at) FILTER (WHERE state = 'waiting') AS waiting_since,
       (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM accepted_at - coalesce(people_at, started_at)))
        FROM contoso.conversation
        WHERE accepted_at >= @today) AS wait,
       (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM coalesce(returned_at, ended_at) - accepted_at))
        FROM contoso.conversation
        WHERE state = 'ended' AND ended_at >= @today AND accepted_at IS NOT NULL) AS handling
FROM contoso.conversation
WHERE state <> 'ended'`

const hoursSQL = `
SELECT h.at,
       (SELECT count(*) FROM contoso.conversation WHERE started_at >= h.at AND started_at < h.until) AS opened,
       (SELECT count(*) FROM contoso.conversation WHERE state = 'ended' AND ended_at >= h.at AND ended_at < h.until) AS ended
FROM unnest(@from::timestamptz[], @to::timestamptz[]) AS h (at, until)
ORDER BY h.at`

// Whoever has a conversation is shown, though they have gone.
const agentsSQL = `
SELECT coalesce(p.name, c.agent) AS name,
       CASE WHEN p.online THEN 'online' WHEN p.away THEN 'away' ELSE 'offline' END AS state,
       coalesce(c.open, 0) AS open,
       coalesce(p.accepts, 0) AS accepts
FROM (
    SELECT name,
           bool_or(NOT away AND seen_at > now() - interval '1 minute') AS online,
           bool_or(away AND seen_at > now() - interval '1 minute') AS away,
           max(accepts) AS accepts
    FROM contoso.presence
    GROUP BY name) p
FULL JOIN (
    SELECT agent, count(*) AS open
    FROM contoso.conversation
    WHERE state = 'active' AND agent <> ''
    GROUP BY agent) c ON c.agent = p.name
ORDER BY 1`

const runningSQL = `
SELECT c.id, coalesce(nullif(c.person ->> 'name', ''), c.person ->> 'email', '') AS name,
       c.state, c.queue, c.agent, c.started_at,
       CASE c.state WHEN 'waiting' THEN c.queued_at ELSE coalesce(newest.created_at, c.answered_at, c.started_at) END AS since
FROM contoso.conversation c
LEFT JOIN LATERAL (
    SELECT l.created_at
    FROM contoso.line l
    WHERE l.conversation_id = c.id
    ORDER BY l.position DESC
    LIMIT 1) newest ON true
WHERE c.state IN ('waiting', 'active')
ORDER BY c.state = 'waiting' DESC, since, c.id
LIMIT @limit`

// collectBoard takes a query's two results, so that it wraps the call. None is
// [], not null.
func collectBoard[T any](rows pgx.Rows, err error) ([]T, error) {
	if err != nil {
		return nil, fmt.Errorf("read board: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
	if err != nil {
		return nil, fmt.Errorf("read board: %w", err)
	}
	return append([]T{}, all...), nil
}
