package files

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrNotFound means that there is no such file, or not any more. It is permanent.
var ErrNotFound error = notFoundError{}

type notFoundError struct{}

func (notFoundError) Error() string   { return "no such file" }
func (notFoundError) Permanent() bool { return true }

// DB is a pgx pool, connection or transaction.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// An ID names a file.
type ID int64

// A Direction says who the file is for.
type Direction string

// Directions.
const (
	ToAgent Direction = "to_agent"
	ToUser  Direction = "to_user"
)

// A State says whether the content is there.
type State string

// States of a file: pending → ready or failed.
const (
	Pending State = "pending"
	Ready   State = "ready"
	Failed  State = "failed"
)

// A File is what is known of a file besides its content.
type File struct {
	ID          ID
	Owner       string
	Direction   Direction
	Name        string // safe to show and to save under
	ClaimedType string // what the sender said, or ""
	State       State
	Failure     Failure // why it failed
	Type        string  // found in the content, harmless; "" until it is ready
	Size        int64   // what the sender said until it is ready; -1 when unknown
	SHA256      []byte
	CreatedAt   time.Time
	ExpiresAt   time.Time // it is deleted after it
}

const fileSQL = `
	SELECT id, owner, direction, name, claimed_type, state, COALESCE(failure, '') AS failure,
		COALESCE(type, '') AS type, COALESCE(size, claimed_size, -1) AS size, sha256, created_at, expires_at
	FROM file
	WHERE id = @id`

// Get returns a file, or [ErrNotFound].
func Get(ctx context.Context, db DB, id ID) (File, error) {
	rows, err := db.Query(ctx, fileSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return File{}, fmt.Errorf("find file: %w", err)
	}
	f, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[File])
	if errors.Is(err, pgx.ErrNoRows) {
		return File{}, ErrNotFound
	}
	if err != nil {
		return File{}, fmt.Errorf("find file: %w", err)
	}
	return f, nil
}

const (
	failSQL = `
		UPDATE file
		SET state = 'failed', failure = @failure, source = ''
		WHERE id = @id
		  AND state = 'pending'`

	clearSQL = `
		DELETE FROM file_part
		USING file
		WHERE file_part.file = @id
		  AND file.id = @id
		  AND file.state = 'failed'`
)

// Fail gives a pending file up, in the caller's transaction: who fetched it has no
// more tries. One that is ready or failed stays as it is.
func Fail(ctx context.Context, db DB, id ID, why Failure) error {
	// In this order, and not in one statement: a part that is being written holds
	// the file's row, and must be seen by what comes after.
	for _, sql := range []string{failSQL, clearSQL} {
		if _, err := db.Exec(ctx, sql, pgx.NamedArgs{"id": id, "failure": why}); err != nil {
			return fmt.Errorf("fail file: %w", err)
		}
	}
	return nil
}

const releaseSQL = `
	UPDATE file
	SET expires_at = LEAST(expires_at, GREATEST(now(), linked_until))
	WHERE id = @id`

// Release says that the other side has the file, or has been told that it gets
// none: it is kept no longer than links to it are good.
func Release(ctx context.Context, db DB, id ID) error {
	if _, err := db.Exec(ctx, releaseSQL, pgx.NamedArgs{"id": id}); err != nil {
		return fmt.Errorf("release file: %w", err)
	}
	return nil
}

const deleteOwnedSQL = `
	DELETE FROM file
	WHERE owner = ANY (@owners)`

// DeleteOwned deletes all files of the owners, in any state, and reports how many
// there were. A fetch under way ends with [ErrNotFound], a stream in the middle.
func DeleteOwned(ctx context.Context, db DB, owners ...string) (int64, error) {
	tag, err := db.Exec(ctx, deleteOwnedSQL, pgx.NamedArgs{"owners": owners})
	if err != nil {
		return 0, fmt.Errorf("delete files: %w", err)
	}
	return tag.RowsAffected(), nil
}

const pruneSQL = `
	DELETE FROM file
	WHERE id = ANY (ARRAY(
		SELECT id
		FROM file
		WHERE expires_at < now()
		ORDER BY expires_at
		LIMIT @limit
		FOR UPDATE SKIP LOCKED))`

// Prune deletes at most limit files that have expired, and reports how many there
// were. It waits for nobody's lock.
func Prune(ctx context.Context, db DB, limit int) (int64, error) {
	tag, err := db.Exec(ctx, pruneSQL, pgx.NamedArgs{"limit": limit})
	if err != nil {
		return 0, fmt.Errorf("prune files: %w", err)
	}
	return tag.RowsAffected(), nil
}
