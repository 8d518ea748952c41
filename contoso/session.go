package contoso

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

// sessionLife bounds a session that is used without a pause.
const sessionLife = 24 * time.Hour

// errIdle says that a session was left alone for too long. The page knows it by
// its text.
var errIdle = &web.Error{Status: http.StatusUnauthorized, Text: "signed out for doing nothing; sign in again"}

// An agent is who has signed in.
type agent struct {
	Subject    string `db:"subject"` // the issuer's id of the person
	Name       string `db:"name"`    // what users see
	Supervisor bool   `db:"supervisor"`
	Idle       bool   `db:"idle"` // not seen for a minute
	Gone       bool   `db:"gone"` // not seen for Config.SessionIdle
}

const sweepSessionsSQL = `
DELETE FROM contoso.session
WHERE id_hash = @old
OR created_at < now() - @life::interval`

const startSessionSQL = `
INSERT INTO contoso.session (id_hash, subject, name, supervisor)
VALUES (@id, @subject, @name, @supervisor)`

// startSession opens a session with an id nobody had before, and ends the one the
// browser had. It also clears away what has expired.
func startSession(ctx context.Context, tx pgx.Tx, old string, who agent) (id string, err error) {
	_, err = tx.Exec(ctx, sweepSessionsSQL, pgx.NamedArgs{"old": hash(old), "life": sessionLife})
	if err != nil {
		return "", fmt.Errorf("sweep sessions: %w", err)
	}
	id = rand.Text() // 130 bits
	_, err = tx.Exec(ctx, startSessionSQL, pgx.NamedArgs{
		"id": hash(id), "subject": who.Subject, "name": who.Name, "supervisor": who.Supervisor,
	})
	if err != nil {
		return "", fmt.Errorf("insert session: %w", err)
	}
	return id, nil
}

const sessionSQL = `
SELECT subject, name, supervisor,
       seen_at < now() - interval '1 minute' AS idle,
       seen_at < now() - @idle::interval AS gone
FROM contoso.session
WHERE id_hash = @id
AND created_at >= now() - @life::interval`

// session returns whose session an id is, nil for one that is unknown or over,
// errIdle for one that was left alone.
func (a *App) session(ctx context.Context, id string) (*agent, error) {
	rows, err := a.DB.Query(ctx, sessionSQL, pgx.NamedArgs{"id": hash(id), "idle": a.Config.SessionIdle, "life": sessionLife})
	if err != nil {
		return nil, fmt.Errorf("find session: %w", err)
	}
	who, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[agent])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find session: %w", err)
	}
	if who.Gone {
		return nil, errIdle
	}
	return who, nil
}

const seeSessionSQL = `
UPDATE contoso.session
SET seen_at = now()
WHERE id_hash = @id`

// see remembers that the agent is there.
func (a *App) see(ctx context.Context, id string) error {
	if _, err := a.DB.Exec(ctx, seeSessionSQL, pgx.NamedArgs{"id": hash(id)}); err != nil {
		return fmt.Errorf("prolong session: %w", err)
	}
	return nil
}

const endSessionSQL = `
DELETE FROM contoso.session
WHERE id_hash = @id`

func (a *App) endSession(ctx context.Context, id string) error {
	if _, err := a.DB.Exec(ctx, endSessionSQL, pgx.NamedArgs{"id": hash(id)}); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// hash is what is kept of a session's id. The id is random enough to need no
// salt and no slow function.
func hash(id string) []byte {
	sum := sha256.Sum256([]byte(id))
	return sum[:]
}
