package contoso

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// How often what is over is pruned, for how long, and how much at once: a file has
// thousands of rows.
const (
	pruneEvery  = 5 * time.Minute
	pruneWithin = 2 * time.Minute
	prunePause  = 20 * time.Millisecond // the traffic's turn
	pruneBatch  = 100
	pruneFiles  = 10
	pruneRows   = 1000
)

// minRetention keeps whole what the board shows of today, wherever that is.
const minRetention = 48 * time.Hour

// retain prunes what ended longer ago than Config.Retention until ctx ends, at times
// of its own, so that replicas take turns. What is pruned is counted in the log.
func (a *App) retain(ctx context.Context) error {
	keep := time.Duration(a.Config.Retention)
	if keep <= 0 {
		return nil
	}
	for {
		did, err := a.prune(ctx, keep)
		if err != nil && ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) { // there is a next time
			a.Log.WarnContext(ctx, "prune", "err", err)
		}
		if did != (pruned{}) {
			a.Log.InfoContext(ctx, "pruned", "conversations", did.conversations, "files", did.files,
				"visitors", did.visitors, "start_keys", did.keys)
		}
		select {
		case <-time.After(pruneEvery/2 + rand.N(pruneEvery)):
		case <-ctx.Done():
			return nil
		}
	}
}

// pruned counts what is gone.
type pruned struct{ conversations, files, visitors, keys int64 }

const pruneVisitorsSQL = `
DELETE FROM contoso.visitor
WHERE id IN (
    SELECT v.id
    FROM contoso.visitor v
    WHERE v.seen_at < now() - @age::interval
    AND NOT EXISTS (SELECT 1 FROM contoso.conversation c WHERE c.visitor_id = v.id)
    LIMIT @limit
    FOR UPDATE SKIP LOCKED)`

const pruneKeysSQL = `
DELETE FROM contoso.start_key
WHERE key IN (
    SELECT k.key
    FROM contoso.start_key k
    WHERE k.used_at < now() - @age::interval
    AND NOT EXISTS (SELECT 1 FROM contoso.conversation c WHERE c.start_key = k.key)
    LIMIT @limit
    FOR UPDATE SKIP LOCKED)`

// prune deletes the conversations that ended longer than keep ago, batch by batch,
// and what they leave behind: visitors whose cookie is good no more, and keys of
// starts, whose repetitions are told for as long.
func (a *App) prune(ctx context.Context, keep time.Duration) (did pruned, err error) {
	ctx, cancel := context.WithTimeout(ctx, pruneWithin)
	defer cancel()
	if err := a.sweepFiles(ctx); err != nil { // they would keep their visitors
		return did, err
	}
	for more := true; more; {
		if more, err = a.pruneSome(ctx, keep, &did); err != nil {
			return did, err
		}
	}
	if did.visitors, err = a.deleteAll(ctx, pruneVisitorsSQL, pgx.NamedArgs{"age": visitorLife}, pruneRows); err != nil {
		return did, fmt.Errorf("delete visitors: %w", err)
	}
	if did.keys, err = a.deleteAll(ctx, pruneKeysSQL, pgx.NamedArgs{"age": keep}, pruneRows); err != nil {
		return did, fmt.Errorf("delete start keys: %w", err)
	}
	return did, nil
}

// deleteAll repeats a statement until it deletes less than its limit.
func (a *App) deleteAll(ctx context.Context, sql string, args pgx.NamedArgs, limit int64) (total int64, err error) {
	args["limit"] = limit
	for n := limit; n == limit; {
		tag, err := a.DB.Exec(ctx, sql, args)
		if err != nil {
			return total, err
		}
		n = tag.RowsAffected()
		total += n
		select {
		case <-time.After(prunePause):
		case <-ctx.Done():
			return total, ctx.Err()
		}
	}
	return total, nil
}

// What the webhook's receiver has not been told yet stays until it is.
const overSQL = `
SELECT c.id
FROM contoso.conversation c
WHERE c.state = 'ended'
AND c.ended_at < now() - @keep::interval
AND NOT EXISTS (SELECT 1 FROM contoso.webhook w WHERE w.conversation_id = c.id AND w.state = 'queued')
ORDER BY c.ended_at
LIMIT @limit`

const pruneFilesSQL = `
DELETE FROM contoso.file
WHERE id IN (
    SELECT f.id
    FROM contoso.file f
    JOIN contoso.line l ON l.id = f.line_id
    WHERE l.conversation_id = ANY (@ids)
    LIMIT @limit
    FOR UPDATE OF f SKIP LOCKED)`

// pruneSome deletes one batch of conversations, and reports whether there may be
// more.
func (a *App) pruneSome(ctx context.Context, keep time.Duration, did *pruned) (more bool, err error) {
	rows, err := a.DB.Query(ctx, overSQL, pgx.NamedArgs{"keep": keep, "limit": pruneBatch})
	if err != nil {
		return false, fmt.Errorf("find what is over: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(ids) == 0 {
		return false, wrapped("find what is over", err)
	}
	files, err := a.deleteAll(ctx, pruneFilesSQL, pgx.NamedArgs{"ids": ids}, pruneFiles)
	did.files += files
	if err != nil {
		return false, fmt.Errorf("delete files: %w", err)
	}
	var n int64
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) (err error) {
		n, err = pruneConversations(ctx, tx, ids)
		return err
	})
	did.conversations += n
	return n > 0 && len(ids) == pruneBatch, err // those that somebody has locked come another time
}

const lockOverSQL = `
SELECT id
FROM contoso.conversation
WHERE id = ANY (@ids)
FOR UPDATE SKIP LOCKED`

const pruneConversationsSQL = `
WITH typing AS (
    DELETE FROM contoso.typing
    WHERE conversation_id = ANY (@ids)
), note AS (
    DELETE FROM contoso.note
    WHERE conversation_id = ANY (@ids)
), event AS (
    DELETE FROM contoso.event
    WHERE conversation_id = ANY (@ids)
), webhook AS (
    DELETE FROM contoso.webhook
    WHERE conversation_id = ANY (@ids)
), line AS (
    DELETE FROM contoso.line
    WHERE conversation_id = ANY (@ids)
)
DELETE FROM contoso.conversation
WHERE id = ANY (@ids)`

// pruneConversations deletes those that nobody has locked.
func pruneConversations(ctx context.Context, tx pgx.Tx, ids []string) (int64, error) {
	rows, err := tx.Query(ctx, lockOverSQL, pgx.NamedArgs{"ids": ids})
	if err != nil {
		return 0, fmt.Errorf("lock what is over: %w", err)
	}
	locked, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return 0, fmt.Errorf("lock what is over: %w", err)
	}
	tag, err := tx.Exec(ctx, pruneConversationsSQL, pgx.NamedArgs{"ids": locked})
	if err != nil {
		return 0, fmt.Errorf("delete conversations: %w", err)
	}
	return tag.RowsAffected(), nil
}
