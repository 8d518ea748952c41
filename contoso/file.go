package contoso

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/internal/web"
)

// A file is one that came with a line. Its URL is for whoever reads the API or a
// webhook: it needs no key and expires.
type file struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	ContentType string `json:"contentType"`
	Size        int64  `json:"size"`
	URL         string `json:"url,omitempty"`
	sum         []byte
	visitor     string // whose it is, of our own page's; "" for anybody else's
}

const keepSQL = `
UPDATE contoso.file
SET line_id = @line, size = @size, sha256 = @sum
WHERE id = @id`

// keep ties the files of a line just inserted to it: from now on they can be
// read.
func keep(ctx context.Context, tx pgx.Tx, l line) error {
	for _, f := range l.Files {
		_, err := tx.Exec(ctx, keepSQL, pgx.NamedArgs{"id": f.ID, "line": l.ID, "size": f.Size, "sum": f.sum})
		if err != nil {
			return fmt.Errorf("keep file: %w", err)
		}
	}
	return nil
}

// links signs addresses of files.
type links struct {
	db   *pgxpool.Pool
	base string
	life time.Duration
}

const linkKeySQL = `
SELECT key
FROM contoso.link_key`

func (l links) key(ctx context.Context) (key []byte, err error) {
	if err := l.db.QueryRow(ctx, linkKeySQL).Scan(&key); err != nil {
		return nil, fmt.Errorf("read link key: %w", err)
	}
	return key, nil
}

// sign gives each file an address that works for a while.
func (l links) sign(ctx context.Context, files []file) error {
	if len(files) == 0 {
		return nil
	}
	key, err := l.key(ctx)
	if err != nil {
		return err
	}
	expires := strconv.FormatInt(time.Now().Add(l.life).Unix(), 10)
	for i, f := range files {
		query := url.Values{"expires": {expires}, "signature": {hex.EncodeToString(linkSum(key, f.ID, expires))}}
		files[i].URL = l.base + "/api/files/" + url.PathEscape(f.ID) + "?" + query.Encode()
	}
	return nil
}

// check returns a 403 for a link that was not signed like this or has expired.
func (l links) check(ctx context.Context, id string, query url.Values) error {
	key, err := l.key(ctx)
	if err != nil {
		return err
	}
	expires, signature := query.Get("expires"), query.Get("signature")
	got, _ := hex.DecodeString(signature)
	until, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || !hmac.Equal(got, linkSum(key, id, expires)) || time.Now().Unix() > until {
		return &web.Error{Status: http.StatusForbidden, Text: "the link is wrong or has expired"}
	}
	return nil
}

func linkSum(key []byte, id, expires string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + expires))
	return mac.Sum(nil)
}

func (a *App) links() links {
	return links{db: a.DB, base: a.Config.PublicURL, life: a.Config.FileLinkLife}
}

// getFile serves a file to whoever has a link.
func (a *App) getFile(c *gin.Context) error {
	err := a.limited(c, "links", a.links().check(c.Request.Context(), c.Param("id"), c.Request.URL.Query()))
	if err != nil {
		return err
	}
	return a.serveFile(c)
}

const conversationOfFileSQL = `
SELECT l.conversation_id
FROM contoso.file f
JOIN contoso.line l ON l.id = f.line_id
WHERE f.id = @id`

// getDeskFile serves a file to an agent.
func (a *App) getDeskFile(c *gin.Context) error {
	var id string
	err := a.DB.QueryRow(c.Request.Context(), conversationOfFileSQL, pgx.NamedArgs{"id": c.Param("id")}).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return errNoFile
	}
	if err != nil {
		return storable(fmt.Errorf("find conversation of file: %w", err))
	}
	if err := a.auditView(c, id); err != nil {
		return err
	}
	return a.serveFile(c)
}

var errNoFile = &web.Error{Status: http.StatusNotFound, Text: "no such file"}

const fileSQL = `
SELECT name, content_type, size
FROM contoso.file
WHERE id = @id
AND line_id IS NOT NULL`

const pieceSQL = `
SELECT data
FROM contoso.file_piece
WHERE file_id = @id
AND number = @number`

// serveFile sends a file, never as something a browser would show or run.
func (a *App) serveFile(c *gin.Context) error {
	ctx, id := c.Request.Context(), c.Param("id")
	var f file
	err := a.DB.QueryRow(ctx, fileSQL, pgx.NamedArgs{"id": id}).Scan(&f.Name, &f.ContentType, &f.Size)
	if errors.Is(err, pgx.ErrNoRows) {
		return errNoFile
	}
	if err != nil {
		return storable(fmt.Errorf("find file: %w", err))
	}
	h := c.Writer.Header()
	h.Set("Content-Type", f.ContentType)
	h.Set("Content-Length", strconv.FormatInt(f.Size, 10))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	unkept(c)
	for number, sent := 0, int64(0); sent < f.Size; number++ {
		var piece []byte
		if err := a.DB.QueryRow(ctx, pieceSQL, pgx.NamedArgs{"id": id, "number": number}).Scan(&piece); err != nil {
			a.Log.WarnContext(ctx, "file ended early", "file", id, "err", err)
			return nil // it is shorter than its length says: the reader knows
		}
		if _, err := c.Writer.Write(piece); err != nil {
			return nil // the reader is gone
		}
		sent += int64(len(piece))
	}
	return nil
}
