package handoff

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Why a token is refused.
var (
	// ErrUsed means that the conversation went on already.
	ErrUsed = errors.New("handoff was redeemed before")

	// ErrExpired means that the user came too late.
	ErrExpired = errors.New("handoff has expired")

	// ErrUnknown means that there is no such token, or that it is for somebody else:
	// which, nobody learns.
	ErrUnknown = errors.New("unknown handoff")

	// ErrTooBig means that a context is longer than [MaxContext].
	ErrTooBig = errors.New("context of a handoff is too big")
)

// MaxContext is the longest context, as JSON, in bytes.
const MaxContext = 256 << 10

// remembered is how long a token that is over is told from one that never was.
const remembered = 24 * time.Hour

// DB is a pgx pool, connection or transaction.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// A Holder is who may redeem a token.
type Holder struct {
	Tenant string
	User   string // in Entra ID; "" for anybody of the tenant
	Bot    string // its app id
}

// args are the holder's columns. Ids of Entra ID are told apart without regard to
// case.
func (h Holder) args(more pgx.NamedArgs) pgx.NamedArgs {
	more["tenant"] = strings.ToLower(h.Tenant)
	more["user"] = strings.ToLower(h.User)
	more["bot"] = strings.ToLower(h.Bot)
	return more
}

const makeSQL = `
	INSERT INTO handoff (token_hash, tenant_id, user_id, bot_app_id, context, expires_at)
	SELECT made.hash, @tenant, @user, @bot, made.context::jsonb, now() + @ttl::interval
	FROM unnest(@hashes::bytea[], @contexts::text[]) AS made (hash, context)`

// Make keeps contexts for ttl and returns a token for each.
func Make(ctx context.Context, db DB, h Holder, ttl time.Duration, contexts ...Context) ([]Token, error) {
	tokens, hashes, texts := make([]Token, len(contexts)), make([][]byte, len(contexts)), make([]string, len(contexts))
	for i, c := range contexts {
		encoded, err := json.Marshal(c.storable())
		if err != nil {
			return nil, fmt.Errorf("encode context: %w", err)
		}
		if len(encoded) > MaxContext {
			return nil, ErrTooBig
		}
		tokens[i], texts[i] = newToken(), string(encoded)
		hashes[i] = tokens[i].hash()
	}
	if _, err := db.Exec(ctx, makeSQL, h.args(pgx.NamedArgs{"hashes": hashes, "contexts": texts, "ttl": ttl})); err != nil {
		return nil, fmt.Errorf("make handoffs: %w", err)
	}
	return tokens, nil
}

// ofHolderSQL finds the token's row, for its holder alone.
const ofHolderSQL = `h.token_hash = @hash
	  AND h.tenant_id = @tenant
	  AND h.bot_app_id = @bot
	  AND h.user_id IN ('', @user)`

// Whoever comes at the same time waits for the row and finds it redeemed.
const redeemSQL = `
	UPDATE handoff AS h
	SET redeemed_at = now(), context = NULL
	FROM handoff AS before
	WHERE ` + ofHolderSQL + `
	  AND before.token_hash = h.token_hash
	  AND h.redeemed_at IS NULL
	  AND h.expires_at > now()
	RETURNING before.context`

const refusedSQL = `
	SELECT h.redeemed_at IS NOT NULL
	FROM handoff AS h
	WHERE ` + ofHolderSQL

// Redeem returns the token's context, once, or [ErrUsed], [ErrExpired] or
// [ErrUnknown]. In a transaction it is undone with it.
func Redeem(ctx context.Context, db DB, t Token, h Holder) (Context, error) {
	hash := t.hash()
	if hash == nil {
		return Context{}, ErrUnknown
	}
	var c Context
	err := db.QueryRow(ctx, redeemSQL, h.args(pgx.NamedArgs{"hash": hash})).Scan(&c)
	if !errors.Is(err, pgx.ErrNoRows) {
		return c, wrap("redeem handoff", err)
	}
	var used bool
	err = db.QueryRow(ctx, refusedSQL, h.args(pgx.NamedArgs{"hash": hash})).Scan(&used)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Context{}, ErrUnknown
	case err != nil:
		return Context{}, fmt.Errorf("find handoff: %w", err)
	case used:
		return Context{}, ErrUsed
	}
	return Context{}, ErrExpired
}

const (
	forgetSQL = `
		UPDATE handoff
		SET context = NULL
		WHERE expires_at <= now()
		  AND context IS NOT NULL`

	sweepSQL = `
		DELETE FROM handoff
		WHERE expires_at <= now() - @remembered::interval`
)

// Sweep deletes the contexts nobody came for in time, and reports how many there
// were, and what is left of handoffs a day later.
func Sweep(ctx context.Context, db DB) (expired int64, err error) {
	tag, err := db.Exec(ctx, forgetSQL)
	if err != nil {
		return 0, fmt.Errorf("forget contexts: %w", err)
	}
	_, err = db.Exec(ctx, sweepSQL, pgx.NamedArgs{"remembered": remembered})
	return tag.RowsAffected(), wrap("sweep handoffs", err)
}

const deleteUserSQL = `
	DELETE FROM handoff
	WHERE user_id = @user
	  AND user_id <> ''`

// DeleteOfUser deletes the handoffs made for a user of Entra ID and reports how
// many there were.
func DeleteOfUser(ctx context.Context, db DB, user string) (int64, error) {
	tag, err := db.Exec(ctx, deleteUserSQL, pgx.NamedArgs{"user": strings.ToLower(user)})
	return tag.RowsAffected(), wrap("delete handoffs of a user", err)
}

// wrap says what was being done when err happened, if one did.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
