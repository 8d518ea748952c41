package mapping

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const lockOverSQL = `
	SELECT ` + columns + `, m.closed_at
	FROM mapping AS m
	WHERE m.closed_at < now() - @keep::interval
	  AND (m.closed_at, m.id) > (@at::timestamptz, @id::bigint)
	ORDER BY m.closed_at, m.id
	LIMIT @limit
	FOR UPDATE SKIP LOCKED`

// A Page is where [LockOver] goes on. The zero Page is the beginning.
type Page struct {
	at time.Time
	id ID
}

// LockOver locks and returns at most limit mappings that are over for longer than
// keep, the oldest first, and the next page; none is the last. It waits for
// nobody's lock.
func LockOver(ctx context.Context, db DB, keep time.Duration, p Page, limit int) ([]Mapping, Page, error) {
	rows, err := db.Query(ctx, lockOverSQL, pgx.NamedArgs{"keep": keep, "at": p.at, "id": p.id, "limit": limit})
	if err != nil {
		return nil, p, fmt.Errorf("lock mappings that are over: %w", err)
	}
	over, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Mapping, error) {
		var m Mapping
		err := row.Scan(append(m.fields(), &p.at)...)
		p.id = m.ID
		return m, err
	})
	if err != nil {
		return nil, p, fmt.Errorf("lock mappings that are over: %w", err)
	}
	return over, p, nil
}

// An empty user is nobody, not everybody without an id.
const ofUserSQL = `
	SELECT ` + columns + `
	FROM mapping AS m
	WHERE @user <> ''
	  AND (m.user_id = @user OR m.teams -> 'user' ->> 'aadObjectId' = @user)
	ORDER BY m.id
	FOR NO KEY UPDATE OF m`

// LockOfUser locks and returns all mappings of a user, in any state, in order. The
// user is named by their channel's id or by their object id in Entra ID.
func LockOfUser(ctx context.Context, db DB, user string) ([]Mapping, error) {
	rows, err := db.Query(ctx, ofUserSQL, pgx.NamedArgs{"user": user})
	if err != nil {
		return nil, fmt.Errorf("lock mappings of a user: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Mapping, error) { return one(row) })
	if err != nil {
		return nil, fmt.Errorf("lock mappings of a user: %w", err)
	}
	return all, nil
}

const directorySQL = `
	SELECT DISTINCT teams -> 'user' ->> 'aadObjectId'
	FROM mapping
	WHERE @user <> ''
	  AND user_id = @user
	  AND teams -> 'user' ->> 'aadObjectId' <> ''`

// DirectoryIDs returns the object ids in Entra ID of the user that the channel
// knows by an id, as far as their mappings tell.
func DirectoryIDs(ctx context.Context, db DB, user string) ([]string, error) {
	rows, err := db.Query(ctx, directorySQL, pgx.NamedArgs{"user": user})
	if err != nil {
		return nil, fmt.Errorf("find a user's object ids: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("find a user's object ids: %w", err)
	}
	return ids, nil
}

const (
	eraseSQL = `
		DELETE FROM entry
		WHERE mapping = ANY (@ids)`

	deleteSQL = `
		DELETE FROM mapping
		WHERE id = ANY (@ids)
		  AND closed_at IS NOT NULL`
)

// Erase deletes what was said in mappings, in any state, and reports how many
// entries that were.
func Erase(ctx context.Context, db DB, ids ...ID) (int64, error) {
	tag, err := db.Exec(ctx, eraseSQL, pgx.NamedArgs{"ids": ids})
	if err != nil {
		return 0, fmt.Errorf("erase entries: %w", err)
	}
	return tag.RowsAffected(), nil
}

// Delete deletes those of ids that are over, and reports how many that were.
func Delete(ctx context.Context, db DB, ids ...ID) (int64, error) {
	tag, err := db.Exec(ctx, deleteSQL, pgx.NamedArgs{"ids": ids})
	if err != nil {
		return 0, fmt.Errorf("delete mappings: %w", err)
	}
	return tag.RowsAffected(), nil
}

const goingSQL = `
	SELECT state, count(*)
	FROM mapping
	WHERE closed_at IS NULL
	GROUP BY state`

// CountGoing counts the mappings that are not over, by state. States that none is
// in are there as well.
func CountGoing(ctx context.Context, db DB) (map[State]int64, error) {
	rows, err := db.Query(ctx, goingSQL)
	if err != nil {
		return nil, fmt.Errorf("count mappings: %w", err)
	}
	counts := map[State]int64{Opening: 0, Waiting: 0, Active: 0, Ending: 0}
	var state State
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&state, &n}, func() error {
		counts[state] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count mappings: %w", err)
	}
	return counts, nil
}
