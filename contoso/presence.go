package contoso

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

// A colleague is an agent as others at the desk see them.
type colleague struct {
	Name string `db:"name" json:"name"`
	Away bool   `db:"away" json:"away"`
}

const seePresenceSQL = `
INSERT INTO contoso.presence (agent, name, away, accepts)
VALUES (@agent, @name, @away, @accepts)
ON CONFLICT (agent) DO UPDATE
SET name = excluded.name, away = excluded.away, accepts = excluded.accepts, seen_at = now()`

const sweepPresenceSQL = `
WITH typed AS (
    DELETE FROM contoso.typing
    WHERE at < now() - interval '1 hour')
DELETE FROM contoso.presence
WHERE seen_at < now() - interval '1 day'`

const colleaguesSQL = `
SELECT name, away
FROM contoso.presence
WHERE seen_at > now() - interval '1 minute'
ORDER BY name`

// maxAccepts bounds how many conversations an agent is given.
const maxAccepts = 20

// postPresence says that an agent is at the desk, away or not, and how many
// conversations they take without being asked, and returns who else is. The page repeats it; who is not heard of for a minute has gone.
func (a *App) postPresence(c *gin.Context) error {
	var in struct {
		Sender  string `json:"sender"`
		Away    bool   `json:"away"`
		Accepts int    `json:"accepts"`
	}
	if err := web.Decode(c, maxBody, &in); err != nil {
		return err
	}
	name := cmp.Or(agentName(c), strings.TrimSpace(in.Sender), supportSender)
	who, _ := c.Value(agentContext).(agent)
	ctx := c.Request.Context()
	here := []colleague{}
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sweepPresenceSQL); err != nil {
			return fmt.Errorf("sweep presence: %w", err)
		}
		_, err := tx.Exec(ctx, seePresenceSQL, pgx.NamedArgs{
			"agent": cmp.Or(who.Subject, name), "name": name, "away": in.Away, "accepts": max(0, min(in.Accepts, maxAccepts)),
		})
		if err != nil {
			return fmt.Errorf("store presence: %w", err)
		}
		rows, err := tx.Query(ctx, colleaguesSQL)
		if err != nil {
			return fmt.Errorf("read presence: %w", err)
		}
		here, err = pgx.CollectRows(rows, pgx.RowToStructByName[colleague])
		return err
	})
	if err != nil {
		return storable(err)
	}
	c.JSON(http.StatusOK, gin.H{"agents": here})
	return nil
}

// When the hub is open.
const (
	openAuto   = "auto"   // unless every agent who is known has gone away
	openAgents = "agents" // while an agent is at the desk and not away
	openAlways = "always"
)

// An availability says whether a user who asks for an agent now would find one.
type availability struct {
	Open     bool       `json:"open"`
	Reason   string     `json:"reason,omitempty"`
	NextOpen *time.Time `json:"nextOpen,omitempty"`
	place
}

const availabilitySQL = `
SELECT (SELECT count(*) + 1 FROM contoso.conversation WHERE queue = @queue AND state = 'waiting') AS place,
       coalesce((
           SELECT extract(epoch FROM avg(waited))
           FROM (
               SELECT waited
               FROM contoso.conversation
               WHERE queue = @queue AND answered_at > now() - interval '1 day'
               ORDER BY answered_at DESC
               LIMIT 20) last), 0)::integer AS wait_seconds,
       EXISTS (SELECT 1 FROM contoso.presence WHERE NOT away AND seen_at > now() - interval '1 minute') AS online,
       EXISTS (SELECT 1 FROM contoso.presence WHERE away AND seen_at > now() - interval '1 day') AS away,
       coalesce((SELECT hours FROM contoso.queue WHERE name = @queue), (SELECT hours FROM contoso.settings)) AS hours`

// getAvailability answers by the business hours first, then by who is there.
func (a *App) getAvailability(c *gin.Context) error {
	var v availability
	var online, away bool
	var hours *timetable
	err := a.DB.QueryRow(c.Request.Context(), availabilitySQL, pgx.NamedArgs{"queue": c.Query("queue")}).
		Scan(&v.Place, &v.WaitSeconds, &online, &away, &hours)
	if err != nil {
		return storable(fmt.Errorf("read availability: %w", err))
	}
	closed, err := a.closed(hours, time.Now())
	if err != nil {
		return err
	}
	if closed != nil {
		c.JSON(http.StatusOK, closed)
		return nil
	}
	if v.Open = isOpen(a.Config.Open, online, away); !v.Open {
		v = availability{Reason: "no agent is at the desk"}
	}
	c.JSON(http.StatusOK, v)
	return nil
}

// closed says that nobody answers at a moment, whoever is there; nil if that is
// not so. The next opening is one of the business hours after the operator's.
func (a *App) closed(t *timetable, now time.Time) (*availability, error) {
	schedule, err := t.schedule("hours")
	if err != nil {
		return nil, fmt.Errorf("read business hours: %w", err)
	}
	reason := "outside of the business hours"
	if now.Before(a.Config.ClosedUntil) {
		now, reason = a.Config.ClosedUntil, "the desk is closed"
	} else if schedule.At(now).Open {
		return nil, nil
	}
	v := &availability{Reason: reason}
	switch at := schedule.At(now); {
	case at.Open:
		v.NextOpen = &now
	case !at.NextOpen.IsZero():
		v.NextOpen = &at.NextOpen
	}
	return v, nil
}

func isOpen(mode string, online, away bool) bool {
	switch mode {
	case openAlways:
		return true
	case openAgents:
		return online
	}
	return online || !away
}
