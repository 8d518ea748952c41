package contoso

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

const (
	// pieceSize is how much of a file is in memory at once.
	pieceSize = 256 << 10
	// uploadTimeout bounds how long a file may take to come.
	uploadTimeout = 2 * time.Minute
	// pieceTimeout bounds how long a piece may take into the database.
	pieceTimeout = 30 * time.Second
	maxFileName  = 200 // bytes
)

// postAttach takes a file of the user's.
func (a *App) postAttach(c *gin.Context) error {
	l, err := a.upload(c, line{ConversationID: c.Query("conversationId"), From: byUser, Sender: c.Query("sender")})
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, gin.H{"message": "File received successfully", "messageId": l.ID})
	return nil
}

// postAgentFile takes a file of an agent's.
func (a *App) postAgentFile(c *gin.Context) error {
	sender := cmp.Or(agentName(c), strings.TrimSpace(c.Query("sender")), supportSender)
	l, err := a.upload(c, line{ConversationID: c.Param("id"), From: byAgent, Sender: sender})
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, l)
	return nil
}

// upload stores a request's body as a file and says it in the conversation. The
// body is read outside any transaction: it takes as long as its sender likes.
func (a *App) upload(c *gin.Context, l line) (line, error) {
	ctx := c.Request.Context()
	l.Event, l.Key = eventMessage, c.GetHeader(keyHeader)
	name := fileName(c.Query("name"))
	if name == "" {
		return line{}, web.BadRequest("name is missing or cannot be a file's")
	}
	var earlier *line
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		state, first, err := begin(ctx, tx, l)
		if earlier = first; err != nil || earlier != nil {
			return err
		}
		return takesFiles(state, l.From)
	})
	if err != nil {
		return line{}, storable(err)
	}
	if earlier != nil {
		return *earlier, nil
	}
	f := file{Name: name, ContentType: contentType(c.GetHeader("Content-Type")), Size: a.Config.FileLimit, visitor: visitorIn(c).ID}
	if length := c.Request.ContentLength; length >= 0 {
		f.Size = min(f.Size, length)
	}
	if err := a.reserve(ctx, &f); err != nil {
		return line{}, err
	}
	if l, err = a.give(c, l, &f); err != nil || !slices.ContainsFunc(l.Files, func(kept file) bool { return kept.ID == f.ID }) {
		a.drop(ctx, f.ID) // it was refused, or is a repetition
	}
	return l, err
}

// give receives a file for which there is room, and says it in the conversation.
func (a *App) give(c *gin.Context, l line, f *file) (line, error) {
	if err := a.receive(c, f); err != nil {
		return line{}, err
	}
	ctx := c.Request.Context()
	l.Files = []file{*f}
	err := a.write(ctx, func(tx pgx.Tx) (err error) {
		if l.From == byUser {
			l, err = hear(ctx, tx, l, facts{Name: l.Sender})
		} else {
			l, err = say(ctx, tx, l)
		}
		return err
	})
	return l, err
}

// takesFiles refuses a file before it is received, where nobody would get it.
func takesFiles(state string, from string) error {
	switch {
	case state != stateCopilot:
		return nil
	case from == byUser:
		return errNoFiles
	}
	return errCopilot
}

// receive stores a body as a file piece by piece, and what is known of it then.
func (a *App) receive(c *gin.Context, f *file) error {
	conn := http.NewResponseController(c.Writer)
	_ = conn.SetReadDeadline(time.Now().Add(uploadTimeout)) // a recorder has none
	_ = conn.SetWriteDeadline(time.Now().Add(uploadTimeout + time.Minute))
	if err := a.storeContent(c.Request.Context(), f, http.MaxBytesReader(c.Writer, c.Request.Body, a.Config.FileLimit)); err != nil {
		return err
	}
	_ = conn.SetReadDeadline(time.Time{}) // else it would cancel what follows
	switch {
	case f.Size == 0:
		return web.BadRequest("the file is empty")
	case !digestMatches(c.GetHeader("Content-Digest"), f.sum):
		return web.BadRequest("the content does not match its Content-Digest")
	}
	return nil
}

// storeContent stores what comes until its end, and notes its size and sum.
func (a *App) storeContent(ctx context.Context, f *file, content io.Reader) error {
	f.Size = 0
	sum := sha256.New()
	var piece bytes.Buffer
	for number := 0; ; number++ {
		piece.Reset()
		n, readErr := io.CopyN(&piece, content, pieceSize)
		if readErr != nil && !errors.Is(readErr, io.EOF) {
			return uploadError(readErr)
		}
		if n > 0 {
			if err := a.storePiece(ctx, f.ID, number, piece.Bytes()); err != nil {
				return err
			}
		}
		sum.Write(piece.Bytes())
		f.Size += n
		if readErr != nil {
			f.sum = sum.Sum(nil)
			return nil
		}
	}
}

const insertPieceSQL = `
INSERT INTO contoso.file_piece (file_id, number, data)
VALUES (@id, @number, @data)`

// storePiece stores a piece to its end, though its sender may leave meanwhile: a
// statement this long that is cut in the middle keeps its connection for 15 s.
func (a *App) storePiece(ctx context.Context, file string, number int, data []byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pieceTimeout)
	defer cancel()
	_, err := a.DB.Exec(ctx, insertPieceSQL, pgx.NamedArgs{"id": file, "number": number, "data": data})
	if err != nil {
		return fmt.Errorf("insert piece of file: %w", err)
	}
	return nil
}

func uploadError(err error) error {
	if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
		text := fmt.Sprintf("the file is larger than %d bytes", tooLong.Limit)
		return &web.Error{Status: http.StatusRequestEntityTooLarge, Text: text}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &web.Error{Status: http.StatusRequestTimeout, Text: "the file did not come in time", Err: err}
	}
	return &web.Error{Status: http.StatusBadRequest, Text: "the file could not be read", Err: err}
}

// fileName returns the last part of a path, whoever's it is, without what a
// screen cannot show; "" for what names no file.
func fileName(text string) string {
	text = path.Base(strings.ReplaceAll(strings.TrimSpace(text), `\`, "/"))
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	if text == "." || text == ".." || text == "/" || len(text) > maxFileName {
		return ""
	}
	return text
}

// contentType returns a media type that is safe to send back.
func contentType(header string) string {
	kind, _, err := mime.ParseMediaType(header)
	if err != nil || !strings.Contains(kind, "/") {
		return "application/octet-stream"
	}
	return kind
}

// digestMatches checks a Content-Digest (RFC 9530), if there is one of the kind
// we know.
func digestMatches(header string, sum []byte) bool {
	for field := range strings.SplitSeq(header, ",") {
		if encoded, ok := strings.CutPrefix(strings.TrimSpace(field), "sha-256="); ok {
			want, err := base64.StdEncoding.DecodeString(strings.Trim(encoded, ":"))
			return err == nil && bytes.Equal(want, sum)
		}
	}
	return true
}
