package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/liaison-skill/liaison/directline"
	"github.com/liaison-skill/liaison/livechat"
)

// DB is a pgx pool, connection or transaction.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// An ID names a relay.
type ID int64

// A State says who has control of a conversation.
type State string

// States of a relay.
const (
	Copilot State = "copilot"
	Passing State = "passing" // the copilot has let go, and the hub was asked to take over
	People  State = "people"
	Ended   State = "ended"
)

// A row is a relay as the database has it.
type row struct {
	ID           ID
	Hub          string
	Conversation livechat.ConversationID
	State        State
	Turn         int64
	User         livechat.User
	Known        map[string]any // what a copilot that begins anew is told
	Unsaid       *unsaid        // nil: nothing
	Choices      *offered       // nil: none
	Talk         int64
	Token        *directline.State // without what was heard; nil: there is no conversation with the copilot
	Introduced   bool
	Heard        heard
	Awake        bool
	Epoch        int64
	Silent       time.Duration // since somebody last talked, at At
	At           time.Time     // when it was asked for
}

// heard is the part of a [directline.State] that the listener writes.
type heard struct {
	Watermark string   `json:"watermark,omitempty"`
	Heard     []string `json:"heard,omitempty"`
	Said      []string `json:"said,omitempty"`
}

// state is the whole of what resumes the conversation with the copilot.
func (w row) state() directline.State {
	s := *w.Token
	s.Watermark, s.Heard, s.Said = w.Heard.Watermark, w.Heard.Heard, w.Heard.Said
	return s
}

const columns = `
	r.id, r.hub, r.hub_conversation, r.state, r.turn, r.user_id, r.profile, r.known, r.unsaid, r.choices,
	r.talk, r.token, r.introduced, r.heard, r.awake, r.epoch, now() - r.spoke_at`

// scan reads the columns.
func scan(from pgx.CollectableRow) (row, error) {
	var w row
	var user string
	var profile, known, unsaid, choices, token, heard []byte
	err := from.Scan(&w.ID, &w.Hub, &w.Conversation, &w.State, &w.Turn, &user, &profile, &known, &unsaid, &choices,
		&w.Talk, &token, &w.Introduced, &heard, &w.Awake, &w.Epoch, &w.Silent)
	if err != nil {
		return row{}, fmt.Errorf("read relay: %w", err)
	}
	for _, part := range []struct {
		raw []byte
		out any
	}{{profile, &w.User}, {known, &w.Known}, {unsaid, &w.Unsaid}, {choices, &w.Choices}, {token, &w.Token}, {heard, &w.Heard}} {
		if part.raw == nil {
			continue
		}
		if err := json.Unmarshal(part.raw, part.out); err != nil {
			return row{}, fmt.Errorf("read relay %d: %w", w.ID, err)
		}
	}
	w.User.ID = user
	return w, nil
}

// one runs a query for one relay; none is nil.
func one(ctx context.Context, db DB, sql string, args pgx.NamedArgs) (*row, error) {
	began := time.Now()
	rows, err := db.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("find relay: %w", err)
	}
	w, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // none is no failure
	}
	if err != nil {
		return nil, fmt.Errorf("find relay: %w", err)
	}
	w.At = began
	return &w, nil
}

const getSQL = `
	SELECT ` + columns + `
	FROM relay AS r
	WHERE id = @id`

// get returns a relay as it is now, or nil.
func get(ctx context.Context, db DB, id ID) (*row, error) {
	return one(ctx, db, getSQL, pgx.NamedArgs{"id": id})
}

const lockSQL = getSQL + `
	FOR NO KEY UPDATE`

// lock returns a relay that nobody else changes meanwhile, or nil.
func lock(ctx context.Context, db DB, id ID) (*row, error) {
	return one(ctx, db, lockSQL, pgx.NamedArgs{"id": id})
}

const lockByHubSQL = `
	SELECT ` + columns + `
	FROM relay AS r
	WHERE hub = @hub
	  AND hub_conversation = @conversation
	FOR NO KEY UPDATE`

// lockByHub is lock by the hub's id.
func lockByHub(ctx context.Context, db DB, hub string, c livechat.ConversationID) (*row, error) {
	return one(ctx, db, lockByHubSQL, pgx.NamedArgs{"hub": hub, "conversation": c})
}

// A repeat of what the hub said of its user replaces it; saying nothing does not.
// Where listening failed, who speaks now does not wait for the next try.
const takeSQL = `
	INSERT INTO relay AS r (hub, hub_conversation, user_id, profile, asked_at)
	VALUES (@hub, @conversation, @user, @profile, CASE WHEN @asked::bool THEN now() END)
	ON CONFLICT (hub_conversation, hub) DO UPDATE
	SET spoke_at = now(),
		asked_at = coalesce(r.asked_at, EXCLUDED.asked_at),
		listen_until = CASE WHEN r.listener IS NOT NULL THEN r.listen_until END,
		user_id = CASE WHEN @silent::bool THEN r.user_id ELSE EXCLUDED.user_id END,
		profile = CASE WHEN @silent::bool THEN r.profile ELSE EXCLUDED.profile END
	RETURNING ` + columns

// take locks the relay of a hub's conversation in which somebody has just talked,
// and makes it if it is new.
func take(ctx context.Context, db DB, hub string, e livechat.CanvasEvent) (*row, error) {
	id := e.User.ID
	e.User.ID = ""
	profile, err := json.Marshal(e.User)
	if err != nil {
		return nil, fmt.Errorf("encode user: %w", err)
	}
	return one(ctx, db, takeSQL, pgx.NamedArgs{
		"hub": hub, "conversation": e.Conversation, "user": id, "profile": string(profile),
		"silent": id == "" && e.User == livechat.User{},
		"asked":  e.Kind == livechat.CanvasAsked || len(e.Pending) > 0,
	})
}
