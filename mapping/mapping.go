// Package mapping remembers which conversation of a user with a copilot is tied
// to which hub conversation, in what state the tie is, and what both sides said
// while it held.
//
// It knows both sides' names and neither side's protocol. Functions take a [DB],
// so that the caller decides the transaction. Every change of state is one
// guarded UPDATE: repeating it, from whatever side, changes nothing.
package mapping

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/proactive"
)

// ErrNotFound means that no mapping in the wanted state exists.
var ErrNotFound = errors.New("no such mapping")

// DB is a pgx pool, connection or transaction.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// An ID names a mapping.
type ID int64

// A State says who has the conversation.
type State string

// States of a mapping: opening → waiting ⇄ active → ending → closed, and failed
// from opening.
const (
	Opening State = "opening" // the hub was asked
	Waiting State = "waiting" // the hub has it, no agent joined
	Active  State = "active"  // an agent joined or wrote
	Ending  State = "ending"  // the hub ended it, the copilot does not know yet
	Closed  State = "closed"
	Failed  State = "failed" // the hub could not be opened
)

// Open reports whether the hub has the conversation, or is about to.
func (s State) Open() bool { return s == Opening || s == Waiting || s == Active }

// A Closer says who closed a mapping.
type Closer string

// Who closes mappings.
const (
	ByUser        Closer = "user"
	ByAgent       Closer = "agent"
	ByIdle        Closer = "idle"
	ByCap         Closer = "cap"
	ByUnreachable Closer = "unreachable"
	ByOperator    Closer = "operator"
	ByHost        Closer = "host"
)

// A Key is the user's side of a mapping: the copilot by its verified app id and
// the user's conversation with it in the channel.
type Key struct {
	BotAppID     string // lower case
	Conversation activity.ConversationID
}

// A Mapping ties one conversation with a copilot to one hub conversation.
type Mapping struct {
	ID              ID
	State           State
	Key             Key
	Tenant          string
	User            string
	Hub             string                  // the hub's configured name
	HubConversation livechat.ConversationID // empty until it is open
	OpenKey         string                  // the idempotency key of the opening
	Teams           proactive.Target        // where the user is reached
	Connector       string                  // last Bot Connector URL seen; may be empty
	Host            *proactive.Target       // the skill host; nil when Teams calls us itself
	HostActive      bool                    // the host routes the user's words to us
	Unreachable     bool                    // the channel wants no more for the user until they write
	ClosedBy        Closer
	OpenedAt        time.Time
	Zone            string   // the user's time zone, IANA; may be empty
	Asks            Question // what the user was asked
	Agent           string   // who has the conversation, by name; may be empty
	Problem         string   // what it is about
	Reason          string   // why it ended, or was not begun; may be empty
	Summary         string   // what the agent made of it

	// Followed is when the user followed the link that made it, zero without one, and
	// once a person has written.
	Followed time.Time
}

const columns = `m.id, m.state, m.bot_app_id, m.conversation_id, m.tenant_id, m.user_id, m.hub,
	COALESCE(m.hub_conversation, ''), m.open_key::text, m.teams, COALESCE(m.connector, ''),
	m.host, m.host_active, m.unreachable_at IS NOT NULL, COALESCE(m.closed_by, ''), m.opened_at,
	m.zone, COALESCE(m.asks, ''), m.agent, m.problem, m.reason, m.summary, m.followed_at`

// stateApart is the state where a row is found by something else. In a form that
// no index has: statistics may be older than today's conversations, and then the
// planner takes the partial index on open mappings for empty and reads all of it.
const stateApart = `(m.state || '')`

func (m *Mapping) fields() []any {
	return []any{
		&m.ID, &m.State, &m.Key.BotAppID, &m.Key.Conversation, &m.Tenant, &m.User, &m.Hub,
		&m.HubConversation, &m.OpenKey, &m.Teams, &m.Connector,
		&m.Host, &m.HostActive, &m.Unreachable, &m.ClosedBy, &m.OpenedAt,
		&m.Zone, &m.Asks, &m.Agent, &m.Problem, &m.Reason, &m.Summary, (*zeroTime)(&m.Followed),
	}
}

// zeroTime is a time that is zero where the database has NULL.
type zeroTime time.Time

// ScanTimestamptz implements [pgtype.TimestamptzScanner].
func (t *zeroTime) ScanTimestamptz(v pgtype.Timestamptz) error {
	*t = zeroTime(v.Time)
	return nil
}

func one(row pgx.Row) (Mapping, error) {
	var m Mapping
	err := row.Scan(m.fields()...)
	return m, notFound(err)
}

// notFound tells a row that is not there in the package's own words.
func notFound(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	return err
}
