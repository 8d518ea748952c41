package contoso

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

// settings are what supervisors set for everybody.
type settings struct {
	Version     int64        `db:"version" json:"version"`
	ChangedBy   string       `db:"changed_by" json:"changedBy"`
	ChangedAt   time.Time    `db:"changed_at" json:"changedAt"`
	Hours       *timetable   `db:"hours" json:"hours"`              // nil: at any time
	WaitMinutes int          `db:"wait_minutes" json:"waitMinutes"` // then a user who waits is overdue; 0: never
	IdleMinutes int          `db:"idle_minutes" json:"idleMinutes"` // then a conversation is idle; 0: never
	Queues      []queueEntry `db:"-" json:"queues"`
}

// A queueEntry is a queue that agents are offered.
type queueEntry struct {
	ID    int64      `db:"id" json:"id"` // 0: it is to be added
	Name  string     `db:"name" json:"name"`
	Hours *timetable `db:"hours" json:"hours"` // nil: those of the settings
	Open  int        `db:"open" json:"open"`   // its conversations
}

const settingsSQL = `
SELECT version, changed_by, changed_at, hours, wait_minutes, idle_minutes
FROM contoso.settings`

const queuesSQL = `
SELECT q.id, q.name, q.hours, (SELECT count(*) FROM contoso.conversation c WHERE c.queue = q.name AND c.state <> 'ended') AS open
FROM contoso.queue q
ORDER BY q.name`

// readSettings returns the settings as they are. A transaction that goes on to
// change them has locked them.
func readSettings(ctx context.Context, tx pgx.Tx) (settings, error) {
	rows, err := tx.Query(ctx, settingsSQL)
	if err != nil {
		return settings{}, fmt.Errorf("read settings: %w", err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[settings])
	if err != nil {
		return settings{}, fmt.Errorf("read settings: %w", err)
	}
	rows, err = tx.Query(ctx, queuesSQL)
	if err != nil {
		return settings{}, fmt.Errorf("read queues: %w", err)
	}
	queues, err := pgx.CollectRows(rows, pgx.RowToStructByName[queueEntry])
	if err != nil {
		return settings{}, fmt.Errorf("read queues: %w", err)
	}
	s.Queues = append([]queueEntry{}, queues...)
	return s, nil
}

// getSettings is for all agents: the desk marks by it who waits too long, and
// offers the queues.
func (a *App) getSettings(c *gin.Context) error {
	ctx := c.Request.Context()
	var s settings
	err := pgx.BeginTxFunc(ctx, a.DB, snapshot(), func(tx pgx.Tx) (err error) {
		s, err = readSettings(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, s)
	return nil
}

// putSettings replaces the settings by those of the body, which names the version
// it is a change of. Queues are told by their ids.
func (a *App) putSettings(c *gin.Context) error {
	var in struct {
		settings
		Sender string `json:"sender"`
	}
	if err := web.Decode(c, maxBody, &in); err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	ctx := c.Request.Context()
	var now settings
	err := a.write(ctx, func(tx pgx.Tx) (err error) {
		now, err = changeSettings(ctx, tx, in.settings, traceOf(c, in.Sender, auditSettings, ""))
		return err
	})
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, now)
	return nil
}

// maxMinutes bounds the times after which the desk marks a conversation: a day.
const maxMinutes = 24 * 60

// check returns what is wrong with settings by themselves, and trims the names.
func (s *settings) check() error {
	if _, err := s.Hours.schedule("hours"); err != nil {
		return err
	}
	if s.WaitMinutes < 0 || s.WaitMinutes > maxMinutes {
		return invalid("waitMinutes", "expected 0 to %d", maxMinutes)
	}
	if s.IdleMinutes < 0 || s.IdleMinutes > maxMinutes {
		return invalid("idleMinutes", "expected 0 to %d", maxMinutes)
	}
	return checkQueues(s.Queues)
}

const lockSettingsSQL = `
SELECT
FROM contoso.settings
FOR UPDATE`

const updateSettingsSQL = `
UPDATE contoso.settings
SET version = version + 1, changed_by = @by, changed_at = now(),
    hours = @hours, wait_minutes = @wait, idle_minutes = @idle`

// changeSettings stores the settings, and who did, unless they are as they were.
func changeSettings(ctx context.Context, tx pgx.Tx, next settings, t trace) (settings, error) {
	if _, err := tx.Exec(ctx, lockSettingsSQL); err != nil {
		return settings{}, fmt.Errorf("lock settings: %w", err)
	}
	was, err := readSettings(ctx, tx)
	if err != nil {
		return settings{}, err
	}
	if was.Version != next.Version {
		return settings{}, &web.Error{Status: http.StatusConflict, Text: was.changed()}
	}
	changes := was.differences(next)
	if len(changes) == 0 {
		return was, nil
	}
	t.Subject = strings.Join(changes, ", ")
	if err := audit(ctx, tx, t); err != nil {
		return settings{}, err
	}
	_, err = tx.Exec(ctx, updateSettingsSQL, pgx.NamedArgs{
		"by": t.Actor, "hours": next.Hours, "wait": next.WaitMinutes, "idle": next.IdleMinutes,
	})
	if err != nil {
		return settings{}, fmt.Errorf("update settings: %w", err)
	}
	if err := changeQueues(ctx, tx, was.Queues, next.Queues); err != nil {
		return settings{}, err
	}
	return readSettings(ctx, tx)
}

// changed says who was faster.
func (s settings) changed() string {
	by := s.ChangedBy
	if by == "" {
		by = "somebody"
	}
	return fmt.Sprintf("version: %s changed the settings at %s; read them again", by, s.ChangedAt.UTC().Format(time.RFC3339))
}

// differences names what is different in next.
func (s settings) differences(next settings) []string {
	var all []string
	add := func(what string, differs bool) {
		if differs {
			all = append(all, what)
		}
	}
	add("business hours", !reflect.DeepEqual(s.Hours, next.Hours))
	add("waiting time", s.WaitMinutes != next.WaitMinutes)
	add("idle time", s.IdleMinutes != next.IdleMinutes)
	return append(all, queueDifferences(s.Queues, next.Queues)...)
}
