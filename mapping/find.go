package mapping

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/livechat"
)

const getSQL = `
	SELECT ` + columns + `
	FROM mapping AS m
	WHERE m.id = @id`

// Get returns a mapping in any state.
func Get(ctx context.Context, db DB, id ID) (Mapping, error) {
	m, err := one(db.QueryRow(ctx, getSQL, pgx.NamedArgs{"id": id}))
	if err != nil {
		return Mapping{}, fmt.Errorf("get mapping: %w", err)
	}
	return m, nil
}

// Lock returns a mapping in any state and locks it.
func Lock(ctx context.Context, db DB, id ID) (Mapping, error) {
	m, err := one(db.QueryRow(ctx, getSQL+" FOR NO KEY UPDATE", pgx.NamedArgs{"id": id}))
	if err != nil {
		return Mapping{}, fmt.Errorf("lock mapping: %w", err)
	}
	return m, nil
}

// A Search says which mapping an activity belongs to. The user's conversation
// decides. When it finds nothing, the hub conversation that the copilot names
// does, provided that tenant and user agree: guessing somebody else's finds
// nothing.
type Search struct {
	Key    Key
	Tenant string
	User   string
	Hub    livechat.ConversationID // may be empty
}

// The newest of a search is looked for by itself, which no statistics can turn
// into a join with everything that is open.
const lockOpenSQL = `
	WITH inp AS (
		SELECT *
		FROM unnest(@bot::text[], @conversation::text[], @tenant::text[], @user::text[], @hub::text[])
			WITH ORDINALITY AS t (bot, conversation, tenant, usr, hub, ord)
	), found AS MATERIALIZED (
		SELECT inp.ord, COALESCE(
			(SELECT max(m.id)
			 FROM mapping AS m
			 WHERE m.bot_app_id = inp.bot
			   AND m.conversation_id = inp.conversation
			   AND m.state = ANY(@states)),
			(SELECT max(m.id)
			 FROM mapping AS m
			 WHERE inp.hub <> ''
			   AND m.hub_conversation = inp.hub
			   AND m.bot_app_id = inp.bot
			   AND m.tenant_id = inp.tenant
			   AND m.user_id = inp.usr
			   AND ` + stateApart + ` = ANY(@states))) AS id
		FROM inp
	)
	SELECT found.ord, ` + columns + `
	FROM found JOIN mapping AS m USING (id)
	WHERE ` + stateApart + ` = ANY(@states)
	ORDER BY m.id
	FOR NO KEY UPDATE OF m`

// LockAll finds the newest mapping in one of states for each search and locks
// what it finds, in order. The result has an entry per search: nil, none found.
func LockAll(ctx context.Context, db DB, searches []Search, states ...State) ([]*Mapping, error) {
	n := len(searches)
	bot, conversation := make([]string, n), make([]string, n)
	tenant, user, hub := make([]string, n), make([]string, n), make([]string, n)
	for i, s := range searches {
		bot[i], conversation[i] = s.Key.BotAppID, string(s.Key.Conversation)
		tenant[i], user[i], hub[i] = s.Tenant, s.User, string(s.Hub)
	}
	return lockEach(ctx, db, n, lockOpenSQL, pgx.NamedArgs{
		"bot": bot, "conversation": conversation, "tenant": tenant, "user": user, "hub": hub, "states": states,
	})
}

const lockByHubSQL = `
	SELECT inp.ord, ` + columns + `
	FROM unnest(@conversations::text[]) WITH ORDINALITY AS inp (conversation, ord)
	JOIN mapping AS m ON m.hub = @hub AND m.hub_conversation = inp.conversation
	ORDER BY m.id
	FOR NO KEY UPDATE OF m`

// LockByHub finds the mapping of each hub conversation, in any state, and locks
// what it finds, in order. The result has an entry per conversation.
func LockByHub(ctx context.Context, db DB, hub string, conversations []livechat.ConversationID) ([]*Mapping, error) {
	return lockEach(ctx, db, len(conversations), lockByHubSQL, pgx.NamedArgs{"hub": hub, "conversations": conversations})
}

func lockEach(ctx context.Context, db DB, n int, sql string, args pgx.NamedArgs) ([]*Mapping, error) {
	rows, err := db.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("lock mappings: %w", err)
	}
	found := make([]*Mapping, n)
	var ord int64
	var m Mapping
	_, err = pgx.ForEachRow(rows, append([]any{&ord}, m.fields()...), func() error {
		locked := m
		found[ord-1] = &locked
		m.Host = nil // the next row gets its own
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("lock mappings: %w", err)
	}
	return found, nil
}

const anyOpeningSQL = `
	SELECT EXISTS (
		SELECT FROM mapping
		WHERE hub = @hub
		  AND state = 'opening')`

// AnyOpening reports whether a conversation is being opened at hub.
func AnyOpening(ctx context.Context, db DB, hub string) (bool, error) {
	var opening bool
	err := db.QueryRow(ctx, anyOpeningSQL, pgx.NamedArgs{"hub": hub}).Scan(&opening)
	if err != nil {
		return false, fmt.Errorf("find opening mappings: %w", err)
	}
	return opening, nil
}

const connectorSQL = `
	SELECT COALESCE(
		(SELECT connector
		 FROM mapping
		 WHERE bot_app_id = @bot AND conversation_id = @conversation AND COALESCE(connector, '') <> ''
		 ORDER BY id DESC
		 LIMIT 1),
		(SELECT connector
		 FROM mapping
		 WHERE tenant_id = @tenant AND tenant_id <> '' AND connector IS NOT NULL
		 ORDER BY id DESC
		 LIMIT 1),
		'')`

// Connector returns the last Bot Connector URL seen for the conversation, else
// for the tenant, else "".
func Connector(ctx context.Context, db DB, key Key, tenant string) (string, error) {
	var seen string
	err := db.QueryRow(ctx, connectorSQL, pgx.NamedArgs{
		"bot": key.BotAppID, "conversation": key.Conversation, "tenant": tenant,
	}).Scan(&seen)
	if err != nil {
		return "", fmt.Errorf("find connector: %w", err)
	}
	return seen, nil
}
