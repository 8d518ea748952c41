package contoso

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

// Bounds, in characters, of what visitors say and tell about themselves.
const (
	maxQuestion = 4000
	maxComment  = 1000
	maxFact     = 200
)

const (
	ownRoute       = "/api/canvas/conversations/:conversation"
	ownTypingRoute = ownRoute + "/typing"
)

// mountCanvas mounts the copilot's side of the API and, where a copilot is told of
// them, our own page for users and its API.
func (a *App) mountCanvas(r *gin.Engine, chat *gin.RouterGroup) {
	chat.POST("/bot/say", a.route(a.postBotSay))
	chat.POST("/bot/typing", a.route(a.postBotTyping))
	chat.POST("/bot/pass", a.route(a.postBotPass))
	chat.POST("/bot/end", a.route(a.postBotEnd))
	if a.Config.Canvas.WebhookURL == "" {
		return
	}
	r.GET("/api/canvas/conversation", unkept, a.route(a.getLatest))
	r.POST("/api/canvas/start", unkept, a.route(a.postCanvasStart))
	own := r.Group(ownRoute, a.route(a.admitVisitor))
	own.GET("", a.route(a.getOwn))
	own.GET("/events", a.route(a.getOwnEvents))
	own.POST("/messages", a.route(a.postAsked))
	own.PUT("/messages/:line", a.route(a.putAsked))
	own.DELETE("/messages/:line", a.route(a.deleteAsked))
	own.POST("/messages/:line/retry", a.route(a.postAskAgain))
	own.POST("/typing", a.route(a.postVisitorTyping))
	own.POST("/files", a.route(a.postVisitorFile))
	own.GET("/files/:id", a.route(a.getVisitorFile))
	own.POST("/end", a.route(a.postVisitorEnd))
	own.POST("/rate", a.route(a.postVisitorRate))
	mountChatPage(r, a.Config.Canvas.EmbedOrigins)
}

const openCanvasSQL = `
INSERT INTO contoso.conversation (state, origin, visitor_id, person, channel)
VALUES ('copilot', 'canvas', @visitor, @person, 'webchat')
ON CONFLICT (visitor_id) WHERE state <> 'ended' DO NOTHING
RETURNING id`

const openOfSQL = `
SELECT id
FROM contoso.conversation
WHERE visitor_id = @visitor
AND state <> 'ended'`

// openCanvas opens a visitor's conversation, with the copilot in control, or
// returns the one that is open.
func openCanvas(ctx context.Context, tx pgx.Tx, p person) (id string, err error) {
	args := pgx.NamedArgs{"visitor": p.ID, "person": p}
	err = tx.QueryRow(ctx, openCanvasSQL, args).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		err = tx.QueryRow(ctx, openOfSQL, args).Scan(&id)
		return id, wrapped("find open conversation", err)
	}
	if err != nil {
		return "", fmt.Errorf("insert conversation: %w", err)
	}
	l := line{ConversationID: id, Event: eventOpened, From: bySystem, Text: "The user opened the chat"}
	if err := tell(ctx, tx, &l); err != nil {
		return "", err
	}
	return id, record(ctx, tx, id, l.ID)
}

// wrapped names the operation of an error, if there is one.
func wrapped(operation string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return nil
}

// postCanvasStart begins a conversation, or goes on with the one that is open.
// Whoever has no cookie yet gets one.
func (a *App) postCanvasStart(c *gin.Context) error {
	if err := a.visitors.stranger(c); err != nil {
		return err
	}
	var p person
	if err := web.Decode(c, maxBody, &p); err != nil {
		return err
	}
	known, err := a.visitorOf(c)
	if err != nil {
		return err
	}
	if err := a.mayBegin(c, known); err != nil {
		return err
	}
	ctx := c.Request.Context()
	var id, token string
	err = a.write(ctx, func(tx pgx.Tx) (err error) {
		var v visitor
		if known != nil {
			v = *known
		} else if v, token, err = newVisitor(ctx, tx); err != nil {
			return err
		}
		id, err = openCanvas(ctx, tx, person{
			ID: v.ID, Client: "web", Name: fact(p.Name), Email: fact(p.Email), Locale: fact(p.Locale), TimeZone: fact(p.TimeZone),
		})
		return err
	})
	if err != nil {
		return err
	}
	if token != "" {
		a.setVisitor(c, token)
	}
	return a.showOwn(c, id)
}

// mayBegin counts a start: of who goes on with what is open as one of their deeds,
// of anybody else as a new conversation, too.
func (a *App) mayBegin(c *gin.Context, known *visitor) error {
	if known != nil {
		if err := a.visitors.act(c, known.ID); err != nil || known.Open {
			return err
		}
	}
	return a.visitors.open(c)
}

// fact is what a visitor tells about themselves, within bounds.
func fact(text string) string {
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > maxFact {
		return string([]rune(text)[:maxFact])
	}
	return text
}

// postAsked takes what the visitor says to whoever has control.
func (a *App) postAsked(c *gin.Context) error {
	if err := a.visitors.stranger(c); err != nil {
		return err
	}
	var in struct {
		Message string `json:"message"`
		Value   string `json:"value"` // of the choice that was pressed
	}
	if err := web.Decode(c, maxBody, &in); err != nil {
		return err
	}
	if err := sayable(in.Message); err != nil {
		return err
	}
	ctx := c.Request.Context()
	l := line{ConversationID: c.Param("conversation"), Sender: visitorIn(c).Name, Text: in.Message, Value: in.Value, Key: c.GetHeader(keyHeader)}
	err := a.write(ctx, func(tx pgx.Tx) (err error) {
		l, err = hear(ctx, tx, l, facts{})
		return err
	})
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, l.forVisitor())
	return nil
}

func sayable(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return web.BadRequest("message is empty")
	case utf8.RuneCountInString(text) > maxQuestion:
		return &web.Error{Status: http.StatusRequestEntityTooLarge, Text: fmt.Sprintf("message has more than %d characters", maxQuestion)}
	}
	return nil
}

// ownChange is a change of what the visitor said.
func ownChange(c *gin.Context) change {
	return change{ConversationID: c.Param("conversation"), ID: c.Param("line"), By: byUser}
}

func (a *App) putAsked(c *gin.Context) error {
	var in change
	if err := web.Decode(c, maxBody, &in); err != nil {
		return err
	}
	if err := sayable(in.Text); err != nil {
		return err
	}
	what := ownChange(c)
	what.Text = in.Text
	return a.amend(c, what, edit)
}

func (a *App) deleteAsked(c *gin.Context) error { return a.amend(c, ownChange(c), remove) }

// postAskAgain tells the copilot once more what was refused on its way.
func (a *App) postAskAgain(c *gin.Context) error {
	if err := a.visitors.stranger(c); err != nil {
		return err
	}
	ctx := c.Request.Context()
	err := a.write(ctx, func(tx pgx.Tx) error { return retry(ctx, tx, c.Param("conversation"), c.Param("line")) })
	if err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

// postVisitorFile takes a file for people.
func (a *App) postVisitorFile(c *gin.Context) error {
	if err := a.visitors.stranger(c); err != nil {
		return err
	}
	l, err := a.upload(c, line{ConversationID: c.Param("conversation"), From: byUser, Sender: visitorIn(c).Name})
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, l.forVisitor())
	return nil
}

const fileOfSQL = `
SELECT EXISTS (
    SELECT 1
    FROM contoso.file f
    JOIN contoso.line l ON l.id = f.line_id
    WHERE f.id = @file
    AND l.conversation_id = @conversation)`

func (a *App) getVisitorFile(c *gin.Context) error {
	var its bool
	args := pgx.NamedArgs{"file": c.Param("id"), "conversation": c.Param("conversation")}
	if err := a.DB.QueryRow(c.Request.Context(), fileOfSQL, args).Scan(&its); err != nil {
		return storable(fmt.Errorf("find file of conversation: %w", err))
	}
	if !its {
		return &web.Error{Status: http.StatusNotFound, Text: "no such file"}
	}
	return a.serveFile(c)
}

func (a *App) postVisitorEnd(c *gin.Context) error {
	ctx := c.Request.Context()
	err := a.write(ctx, func(tx pgx.Tx) error { return end(ctx, tx, c.Param("conversation"), ending{By: byUser}) })
	if err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

func (a *App) postVisitorRate(c *gin.Context) error {
	var in rating
	if err := web.Decode(c, maxBody, &in); err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	if utf8.RuneCountInString(in.Comment) > maxComment {
		return web.BadRequest(fmt.Sprintf("comment has more than %d characters", maxComment))
	}
	ctx := c.Request.Context()
	err := a.write(ctx, func(tx pgx.Tx) error { return rate(ctx, tx, c.Param("conversation"), in) })
	if err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}
