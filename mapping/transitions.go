package mapping

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/liaison-skill/liaison/livechat"
)

const (
	reserveSQL = `
		INSERT INTO mapping AS m (state, bot_app_id, conversation_id, tenant_id, user_id, hub, teams, connector, host, zone, problem, followed_at)
		VALUES ('opening', @bot, @conversation, @tenant, @user, @hub, @teams, NULLIF(@connector, ''), @host, @zone, @problem, @followed)
		ON CONFLICT (bot_app_id, conversation_id) WHERE state IN ('opening', 'waiting', 'active') DO NOTHING
		RETURNING ` + columns

	openByKeySQL = `
		SELECT ` + columns + `
		FROM mapping AS m
		WHERE m.bot_app_id = @bot
		  AND m.conversation_id = @conversation
		  AND m.state IN ('opening', 'waiting', 'active')
		FOR NO KEY UPDATE`
)

// Reserve makes an opening mapping for m.Key, or finds the one that is open
// already, and locks it. It reports whether it made one.
func Reserve(ctx context.Context, db DB, m Mapping) (Mapping, bool, error) {
	args := pgx.NamedArgs{
		"bot": m.Key.BotAppID, "conversation": m.Key.Conversation, "tenant": m.Tenant, "user": m.User,
		"hub": m.Hub, "teams": m.Teams, "connector": m.Connector, "host": m.Host, "zone": m.Zone, "problem": m.Problem,
		"followed": pgtype.Timestamptz{Time: m.Followed, Valid: !m.Followed.IsZero()},
	}
	// The open one that is in the way may be closed before it is locked; then
	// the way is free.
	for range 3 {
		made, err := one(db.QueryRow(ctx, reserveSQL, args))
		if err == nil {
			return made, true, nil
		}
		if errors.Is(err, ErrNotFound) {
			var found Mapping
			found, err = one(db.QueryRow(ctx, openByKeySQL, args))
			if err == nil {
				return found, false, nil
			}
		}
		if !errors.Is(err, ErrNotFound) {
			return Mapping{}, false, fmt.Errorf("reserve mapping: %w", err)
		}
	}
	return Mapping{}, false, fmt.Errorf("reserve mapping: %w", ErrNotFound)
}

const openedSQL = `
	UPDATE mapping
	SET hub_conversation = @hub, state = CASE WHEN state = 'opening' THEN 'waiting' ELSE state END,
		waiting_at = COALESCE(waiting_at, now()), wake_at = now(), queue = COALESCE(queue, @queue)
	WHERE id = @id
	  AND (hub_conversation IS NULL OR hub_conversation = @hub)`

// Opened records the hub's id for a mapping, which is then waiting unless it was
// closed meanwhile, and how it waits. It returns [ErrNotFound] for one that has
// another id.
func Opened(ctx context.Context, db DB, id ID, hub livechat.ConversationID, q livechat.QueueState) error {
	tag, err := db.Exec(ctx, openedSQL, pgx.NamedArgs{"id": id, "hub": hub, "queue": q})
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("record hub conversation: %w", err)
	}
	return nil
}

const refusedSQL = `
	UPDATE mapping AS m
	SET reason = @reason
	WHERE m.id = @id AND ` + stateApart + ` = 'opening'`

// Refused notes why a hub conversation is not going to be opened.
func Refused(ctx context.Context, db DB, id ID, reason string) error {
	return transition(ctx, db, "note refusal", refusedSQL, pgx.NamedArgs{"id": id, "reason": reason})
}

const crowdedSQL = `
	SELECT count(*) > @most::bigint
	FROM (
		SELECT
		FROM mapping
		WHERE state = 'opening'
		  AND closed_at IS NULL
		  AND hub = @hub
		LIMIT @most::bigint + 1
	) AS waiting`

// Crowded reports whether more than most mappings wait for a hub to open them. A
// few more may, that are made at the same time.
func Crowded(ctx context.Context, db DB, hub string, most int) (bool, error) {
	var crowded bool
	err := db.QueryRow(ctx, crowdedSQL, pgx.NamedArgs{"hub": hub, "most": most}).Scan(&crowded)
	if err != nil {
		return false, fmt.Errorf("count openings: %w", err)
	}
	return crowded, nil
}

const failSQL = `
	UPDATE mapping AS m
	SET state = 'failed', closed_at = now()
	WHERE m.id = @id AND ` + stateApart + ` = 'opening'`

// Fail ends a mapping whose hub conversation could not be opened.
func Fail(ctx context.Context, db DB, id ID) error {
	return transition(ctx, db, "fail mapping", failSQL, pgx.NamedArgs{"id": id})
}

const joinedSQL = `
	UPDATE mapping AS m
	SET state = 'active', joined_at = now(), asks = NULL, wake_at = now()
	WHERE m.id = ANY(@ids) AND ` + stateApart + ` = 'waiting'`

// Joined makes waiting mappings active: somebody is there.
func Joined(ctx context.Context, db DB, ids ...ID) error {
	return transition(ctx, db, "join mapping", joinedSQL, pgx.NamedArgs{"ids": ids})
}

const (
	assignedSQL = `
		UPDATE mapping
		SET agent = @agent
		WHERE id = @id`

	leftSQL = `
		UPDATE mapping AS m
		SET state = 'waiting', agent = '', waiting_at = now(), queue = NULL, queue_news = false, wake_at = now()
		WHERE m.id = @id AND ` + stateApart + ` = 'active'`
)

// Assigned records who has a conversation.
func Assigned(ctx context.Context, db DB, id ID, agent string) error {
	return transition(ctx, db, "record agent", assignedSQL, pgx.NamedArgs{"id": id, "agent": agent})
}

// Left makes an active mapping wait again: its agent is gone and nobody came.
func Left(ctx context.Context, db DB, id ID) error {
	return transition(ctx, db, "leave mapping", leftSQL, pgx.NamedArgs{"id": id})
}

const endSQL = `
	UPDATE mapping AS m
	SET state = 'ending', closed_by = @by, reason = @reason, summary = @summary, ended_at = now(), wake_at = NULL
	WHERE m.id = @id AND ` + stateApart + ` IN ('waiting', 'active')`

// An Outcome is what a conversation came to.
type Outcome struct {
	By      Closer
	Reason  string // in words or as a code, may be empty
	Summary string
}

// End takes control from the hub: the copilot is to be told.
func End(ctx context.Context, db DB, id ID, o Outcome) error {
	return transition(ctx, db, "end mapping", endSQL, pgx.NamedArgs{
		"id": id, "by": o.By, "reason": o.Reason, "summary": o.Summary,
	})
}

const closeSQL = `
	UPDATE mapping
	SET state = 'closed', closed_by = COALESCE(closed_by, @by), closed_at = now(),
		ended_at = COALESCE(ended_at, now()), host_active = false, wake_at = NULL
	WHERE id = @id AND state IN ('opening', 'waiting', 'active', 'ending')`

// Close ends a mapping for good. One that was ended before keeps who ended it.
func Close(ctx context.Context, db DB, id ID, by Closer) error {
	return transition(ctx, db, "close mapping", closeSQL, pgx.NamedArgs{"id": id, "by": by})
}

const takeSQL = `
	SELECT pg_advisory_xact_lock(hashtextextended(@bot || '|' || @conversation, 0))`

// Take keeps a conversation for the transaction: whoever else takes it waits. It is
// for those who must not miss a mapping that is just being made, which no lock on
// rows can tell them of. It comes before locks on mappings.
func Take(ctx context.Context, db DB, k Key) error {
	return transition(ctx, db, "take conversation", takeSQL, pgx.NamedArgs{
		"bot": k.BotAppID, "conversation": k.Conversation,
	})
}

const supersedeSQL = `
	UPDATE mapping
	SET state = 'closed', closed_at = now(), host_active = false
	WHERE bot_app_id = @bot
	  AND conversation_id = @conversation
	  AND state = 'ending'`

// Supersede closes what is ending in a conversation that begins anew: its copilot
// has control, and its end would be taken for the end of what begins.
func Supersede(ctx context.Context, db DB, k Key) error {
	return transition(ctx, db, "supersede mapping", supersedeSQL, pgx.NamedArgs{
		"bot": k.BotAppID, "conversation": k.Conversation,
	})
}

const (
	unreachableSQL = `
		UPDATE mapping
		SET unreachable_at = now()
		WHERE id = @id AND unreachable_at IS NULL`

	reachedSQL = `
		UPDATE mapping
		SET unreachable_at = NULL
		WHERE id = ANY(@ids) AND unreachable_at IS NOT NULL`
)

// Unreachable notes that the channel takes nothing more for the mapping's user.
func Unreachable(ctx context.Context, db DB, id ID) error {
	return transition(ctx, db, "mark unreachable", unreachableSQL, pgx.NamedArgs{"id": id})
}

// Reached takes the note back, for users who wrote again.
func Reached(ctx context.Context, db DB, ids ...ID) error {
	return transition(ctx, db, "mark reached", reachedSQL, pgx.NamedArgs{"ids": ids})
}

func transition(ctx context.Context, db DB, op, sql string, args pgx.NamedArgs) error {
	if _, err := db.Exec(ctx, sql, args); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}
