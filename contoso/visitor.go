package contoso

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

const (
	visitorContext = "visitor"
	visitorCookie  = "contoso_visitor"
	// visitorLife is how long a visitor is known who does not come back.
	visitorLife = 30 * 24 * time.Hour
)

// A visitor is who chats on our own page, known by a cookie alone.
type visitor struct {
	ID     string `db:"id"`
	Latest string `db:"latest"` // the conversation begun last; "" before the first
	Open   bool   `db:"open"`   // it has not ended
	Idle   bool   `db:"idle"`   // not seen for an hour
	Name   string `db:"-"`      // as told for the conversation at hand; may be empty
}

const visitorSQL = `
SELECT v.id,
       coalesce((
           SELECT c.id
           FROM contoso.conversation c
           WHERE c.visitor_id = v.id
           ORDER BY c.started_at DESC, c.id
           LIMIT 1), '') AS latest,
       EXISTS (SELECT 1 FROM contoso.conversation c WHERE c.visitor_id = v.id AND c.state <> 'ended') AS open,
       v.seen_at < now() - interval '1 hour' AS idle
FROM contoso.visitor v
WHERE v.token_hash = @token
AND v.seen_at > now() - @life::interval`

const seeVisitorSQL = `
UPDATE contoso.visitor
SET seen_at = now()
WHERE id = @id`

// visitorOf returns whose cookie a request carries, nil for none that is known.
func (a *App) visitorOf(c *gin.Context) (*visitor, error) {
	cookie, err := c.Request.Cookie(a.Config.visitorCookie())
	if err != nil || cookie.Value == "" {
		return nil, nil
	}
	ctx := c.Request.Context()
	rows, err := a.DB.Query(ctx, visitorSQL, pgx.NamedArgs{"token": hash(cookie.Value), "life": visitorLife})
	if err != nil {
		return nil, fmt.Errorf("find visitor: %w", err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[visitor])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find visitor: %w", err)
	}
	if v.Idle {
		if _, err := a.DB.Exec(ctx, seeVisitorSQL, pgx.NamedArgs{"id": v.ID}); err != nil {
			return nil, fmt.Errorf("prolong visitor: %w", err)
		}
		a.setVisitor(c, cookie.Value)
	}
	return v, nil
}

const ownsSQL = `
SELECT coalesce(person ->> 'name', '')
FROM contoso.conversation
WHERE id = @conversation
AND visitor_id = @visitor`

// admitVisitor lets in whose conversation it is. That of somebody else is as
// unknown as none.
func (a *App) admitVisitor(c *gin.Context) error {
	unkept(c)
	v, err := a.visitorOf(c)
	if err != nil {
		return err
	}
	if v == nil {
		return a.limiter.Refuse(c, &web.Error{Status: http.StatusUnauthorized, Text: "start a conversation first"})
	}
	args := pgx.NamedArgs{"conversation": c.Param("conversation"), "visitor": v.ID}
	err = a.DB.QueryRow(c.Request.Context(), ownsSQL, args).Scan(&v.Name)
	if errors.Is(err, pgx.ErrNoRows) {
		return errUnknown
	}
	if err != nil {
		return storable(fmt.Errorf("find visitor's conversation: %w", err))
	}
	c.Set(visitorContext, *v)
	if err := a.limiter.Admit("visitor " + v.ID); err != nil {
		return err
	}
	return a.visitors.act(c, v.ID)
}

// visitorIn is whose request it is, nobody for those that are not a visitor's.
func visitorIn(c *gin.Context) visitor {
	v, _ := c.Value(visitorContext).(visitor)
	return v
}

const insertVisitorSQL = `
INSERT INTO contoso.visitor (token_hash)
VALUES (@token)
RETURNING id`

// newVisitor returns a visitor nobody was before, and the value of their cookie.
func newVisitor(ctx context.Context, tx pgx.Tx) (v visitor, token string, err error) {
	token = rand.Text() // 130 bits
	if err := tx.QueryRow(ctx, insertVisitorSQL, pgx.NamedArgs{"token": hash(token)}).Scan(&v.ID); err != nil {
		return visitor{}, "", fmt.Errorf("insert visitor: %w", err)
	}
	return v, token, nil
}

// setVisitor gives the browser its cookie. In a frame of another site it comes
// only with one that is partitioned: for each site its own.
func (a *App) setVisitor(c *gin.Context, token string) {
	cookie := http.Cookie{
		Name: a.Config.visitorCookie(), Value: token, Path: "/", MaxAge: int(visitorLife.Seconds()),
		HttpOnly: true, Secure: a.Config.secure(), SameSite: http.SameSiteStrictMode,
	}
	if cookie.Secure && len(a.Config.Canvas.EmbedOrigins) > 0 {
		cookie.SameSite, cookie.Partitioned = http.SameSiteNoneMode, true
	}
	http.SetCookie(c.Writer, &cookie)
}
