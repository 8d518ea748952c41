package contoso

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/liaison-skill/liaison/internal/web"
)

const (
	// maxBody bounds a request body in bytes: far above the longest message any
	// channel carries, with room for variables.
	maxBody = 256 << 10
	// maxOpening bounds a start's body, which may bring a transcript.
	maxOpening = 1 << 20
	// supportSender signs an agent's words that come without a name.
	supportSender = "Contoso Support"
	keyHeader     = "Idempotency-Key"
)

// write runs f in a transaction and, once it is committed, wakes who waits for
// what it changed.
func (a *App) write(ctx context.Context, f func(pgx.Tx) error) error {
	if err := pgx.BeginFunc(ctx, a.DB, f); err != nil {
		return storable(err)
	}
	a.changed.wake()
	a.queued.wake()
	return nil
}

// storable turns the database's refusal of a text into a 400. JSON can hold a NUL
// character, Postgres can not; as a 500 the caller would repeat it for ever.
func storable(err error) error {
	const inText, inJSON = "22021", "22P05" // https://www.postgresql.org/docs/current/errcodes-appendix.html
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && (e.Code == inText || e.Code == inJSON) {
		return &web.Error{Status: http.StatusBadRequest, Text: "a NUL character cannot be stored", Err: err}
	}
	return err
}

func (a *App) postStart(c *gin.Context) error {
	o := opening{}
	body, err := web.Body(c, maxOpening)
	if err != nil {
		return err
	}
	// The contract lets a start come without a body.
	if len(bytes.TrimSpace(body)) > 0 {
		if err := json.Unmarshal(body, &o); err != nil {
			return &web.Error{Status: http.StatusBadRequest, Text: "body is not the expected JSON", Err: err}
		}
	}
	o.Key = c.GetHeader(keyHeader)
	var id string
	err = a.write(c.Request.Context(), func(tx pgx.Tx) error {
		id, err = start(c.Request.Context(), tx, o)
		return err
	})
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, gin.H{"conversationId": id})
	return nil
}

// A message is the body of receive and send.
type message struct {
	ConversationID string    `json:"conversationId"`
	Message        string    `json:"message"`
	Sender         string    `json:"sender"`
	ID             string    `json:"id"` // the sender's own; dedupes like the Idempotency-Key header
	Problem        string    `json:"problem"`
	Variables      variables `json:"variables"`
}

// decodeMessage reads a message and the key that tells its repetitions.
func decodeMessage(c *gin.Context) (m message, key string, err error) {
	if err := web.Decode(c, maxBody, &m); err != nil {
		return message{}, "", err
	}
	if strings.TrimSpace(m.Message) == "" {
		return message{}, "", web.BadRequest("message is empty")
	}
	m.Sender = strings.TrimSpace(m.Sender)
	if key = c.GetHeader(keyHeader); key == "" {
		key = m.ID
	}
	return m, key, nil
}

func (a *App) postReceive(c *gin.Context) error {
	m, key, err := decodeMessage(c)
	if err != nil {
		return err
	}
	words := line{ConversationID: m.ConversationID, Sender: m.Sender, Text: m.Message, Key: key}
	err = a.write(c.Request.Context(), func(tx pgx.Tx) error {
		words, err = hear(c.Request.Context(), tx, words, facts{Name: m.Sender, Problem: m.Problem, Variables: m.Variables})
		return err
	})
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, gin.H{"message": "Message received successfully", "messageId": words.ID})
	return nil
}

func (a *App) postSend(c *gin.Context) error {
	m, key, err := decodeMessage(c)
	if err != nil {
		return err
	}
	m.Sender = cmp.Or(agentName(c), m.Sender)
	words, err := a.answer(c.Request.Context(), m, key)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, gin.H{
		"message": "Message sent successfully", "messageId": words.ID, "timestamp": words.Timestamp,
		"sender": words.Sender, "conversationId": words.ConversationID,
	})
	return nil
}

// answer stores an agent's words.
func (a *App) answer(ctx context.Context, m message, key string) (line, error) {
	words := line{ConversationID: m.ConversationID, Sender: m.Sender, Text: m.Message, Key: key}
	if words.Sender == "" {
		words.Sender = supportSender
	}
	err := a.write(ctx, func(tx pgx.Tx) (err error) {
		words, err = say(ctx, tx, words)
		return err
	})
	return words, err
}

func (a *App) postEnd(c *gin.Context) error {
	var in struct {
		ConversationID string `json:"conversationId"`
		Key            string `json:"key"` // the Idempotency-Key of the start, for who never learnt the id
		Reason         string `json:"reason"`
	}
	if err := web.Decode(c, maxBody, &in); err != nil {
		return err
	}
	if in.ConversationID == "" && in.Key == "" {
		return web.BadRequest("conversationId is missing")
	}
	ctx := c.Request.Context()
	err := a.write(ctx, func(tx pgx.Tx) error {
		e := ending{By: byUser, Reason: in.Reason}
		if in.ConversationID == "" {
			return endByKey(ctx, tx, in.Key, e)
		}
		return end(ctx, tx, in.ConversationID, e)
	})
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, gin.H{"message": "Conversation ended successfully"})
	return nil
}

// A said is a line as the API returns it.
type said struct {
	ConversationID string    `json:"conversationId"`
	ID             string    `json:"id"`
	Sequence       int64     `json:"sequence"` // the conversation's order
	Message        string    `json:"message"`
	Sender         string    `json:"sender"`
	Timestamp      time.Time `json:"timestamp"`
	From           string    `json:"from"`
	State          string    `json:"state,omitempty"`
	Event          string    `json:"event,omitempty"` // empty for words
	Reason         string    `json:"reason,omitempty"`
	About          string    `json:"messageId,omitempty"` // the message that was edited or deleted
	To             string    `json:"to,omitempty"`
	Summary        string    `json:"summary,omitempty"`
	Position       int       `json:"position,omitempty"` // in the queue
	WaitSeconds    int       `json:"waitSeconds,omitempty"`
	Edited         bool      `json:"edited,omitempty"`
	Deleted        bool      `json:"deleted,omitempty"`
	Files          []file    `json:"attachments,omitempty"`
	Report         string    `json:"report,omitempty"` // see postReport
	ReportReason   string    `json:"reportReason,omitempty"`
}

// getMessages returns what was said. What happened is returned only with
// ?system=true, because callers of the plain contract count messages; and with
// ?since=, a sequence number or a time, which returns all that a caller who was
// away has missed of one conversation, a batch at a time.
func (a *App) getMessages(c *gin.Context) error {
	ctx, conversation := c.Request.Context(), c.Query("conversationId")
	read := func(tx pgx.Tx) ([]line, error) { return messages(ctx, tx, conversation, c.Query("system") == "true") }
	if text := c.Query("since"); text != "" {
		after, err := parseMoment(text)
		if err != nil {
			return err
		}
		if conversation == "" {
			return web.BadRequest("since goes with a conversationId")
		}
		read = func(tx pgx.Tx) ([]line, error) { return since(ctx, tx, conversation, after) }
	}
	var lines []line
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) (err error) {
		lines, err = read(tx)
		return err
	})
	if err != nil {
		return storable(err)
	}
	if _, isAgent := c.Value(agentContext).(agent); isAgent {
		if err := a.auditView(c, conversation); err != nil {
			return err
		}
	}
	out := make([]said, len(lines))
	for i, l := range lines {
		if err := a.links().sign(ctx, l.Files); err != nil {
			return err
		}
		out[i] = shown(l)
	}
	c.JSON(http.StatusOK, out)
	return nil
}

func shown(l line) said {
	s := said{
		ConversationID: l.ConversationID, ID: l.ID, Sequence: l.Position, Message: l.Text, Sender: l.Sender,
		Timestamp: l.Timestamp.UTC(), From: l.From, State: l.State, Reason: l.Reason,
		About: l.About, To: l.To, Summary: l.Summary, Position: l.Place, WaitSeconds: l.WaitSeconds,
		Edited: l.Edited, Deleted: l.Deleted, Files: l.Files, Report: l.Report, ReportReason: l.ReportReason,
	}
	if l.Event != eventMessage {
		s.Event = l.Event
	}
	return s
}
