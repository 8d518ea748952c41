package mapping

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/livechat"
)

// A Question is what the user was asked about their wait.
type Question string

// Questions. The empty one is none.
const (
	AsksChoice  Question = "choice"  // go on waiting, leave a message, or go back
	AsksMessage Question = "message" // their next words are the message to leave
)

// A Watch is an open mapping with what its waits depend on. Times are the
// database's, zero for never.
type Watch struct {
	Mapping

	Now        time.Time
	WaitingAt  time.Time // since when nobody has the user
	JoinedAt   time.Time
	SaidAt     time.Time // when user or agent last said something
	Queue      livechat.QueueState
	QueueNews  bool // the user was not told of Queue yet
	ToldAt     time.Time
	OfferedAt  time.Time
	RemindedAt time.Time
}

const dueSQL = `
	SELECT id
	FROM mapping
	WHERE wake_at <= now()
	ORDER BY wake_at
	LIMIT @limit`

// Due returns mappings that are to be looked at, the longest due first.
func Due(ctx context.Context, db DB, limit int) ([]ID, error) {
	rows, err := db.Query(ctx, dueSQL, pgx.NamedArgs{"limit": limit})
	if err != nil {
		return nil, fmt.Errorf("find due mappings: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[ID])
	if err != nil {
		return nil, fmt.Errorf("find due mappings: %w", err)
	}
	return ids, nil
}

const lockDueSQL = `
	SELECT ` + columns + `, now(), COALESCE(m.waiting_at, m.opened_at), m.joined_at,
		(SELECT e.said_at
		 FROM entry AS e
		 WHERE e.mapping = m.id AND e.side IN ('user', 'agent')
		 ORDER BY e.id DESC
		 LIMIT 1),
		COALESCE(m.queue, '{}'), m.queue_news, m.told_at, m.offered_at, m.reminded_at
	FROM mapping AS m
	WHERE m.id = @id AND m.wake_at <= now()
	FOR NO KEY UPDATE OF m SKIP LOCKED`

// LockDue locks a mapping that is due. It returns [ErrNotFound] when somebody else
// has it or was faster.
func LockDue(ctx context.Context, db DB, id ID) (Watch, error) {
	var w Watch
	var joined, said, told, offered, reminded *time.Time
	fields := append(w.fields(), &w.Now, &w.WaitingAt, &joined, &said,
		&w.Queue, &w.QueueNews, &told, &offered, &reminded)
	err := db.QueryRow(ctx, lockDueSQL, pgx.NamedArgs{"id": id}).Scan(fields...)
	if err != nil {
		return Watch{}, fmt.Errorf("lock due mapping: %w", notFound(err))
	}
	w.JoinedAt, w.SaidAt = orZero(joined), orZero(said)
	w.ToldAt, w.OfferedAt, w.RemindedAt = orZero(told), orZero(offered), orZero(reminded)
	return w, nil
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

const lookedSQL = `
	UPDATE mapping
	SET wake_at = @wake, asks = NULLIF(@asks, ''), queue_news = @news,
		told_at = @told, offered_at = @offered, reminded_at = @reminded
	WHERE id = @id`

// Looked records what was done about a locked mapping's waits, and when to look
// again: zero, not before something happens.
func Looked(ctx context.Context, db DB, w Watch, next time.Time) error {
	return transition(ctx, db, "record waits", lookedSQL, pgx.NamedArgs{
		"id": w.ID, "asks": w.Asks, "news": w.QueueNews, "wake": orNull(next),
		"told": orNull(w.ToldAt), "offered": orNull(w.OfferedAt), "reminded": orNull(w.RemindedAt),
	})
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

const (
	queuedSQL = `
		UPDATE mapping
		SET queue = @queue, queue_news = true, wake_at = now()
		WHERE id = @id AND queue IS DISTINCT FROM @queue`

	askedSQL = `
		UPDATE mapping
		SET asks = NULLIF(@asks, ''), wake_at = now(),
			waiting_at = CASE WHEN @asks = '' THEN now() ELSE waiting_at END
		WHERE id = @id`

	overdueSQL = `
		UPDATE mapping
		SET overdue_at = now()
		WHERE id = @id AND (overdue_at IS NULL OR overdue_at < @since)`

	typingSQL = `
		UPDATE mapping
		SET typing_at = now()
		WHERE id = @id AND (typing_at IS NULL OR typing_at < now() - @every::interval)`
)

// Queued records how the user waits, as the hub says.
func Queued(ctx context.Context, db DB, id ID, q livechat.QueueState) error {
	return transition(ctx, db, "record queue", queuedSQL, pgx.NamedArgs{"id": id, "queue": q})
}

const answeredSQL = `
	UPDATE mapping
	SET followed_at = NULL
	WHERE id = ANY (@ids)`

// Answered records that a person wrote the first words to users who had followed a
// link.
func Answered(ctx context.Context, db DB, ids ...ID) error {
	if len(ids) == 0 {
		return nil
	}
	if _, err := db.Exec(ctx, answeredSQL, pgx.NamedArgs{"ids": ids}); err != nil {
		return fmt.Errorf("record first words: %w", err)
	}
	return nil
}

const queueOfSQL = `
	SELECT COALESCE(queue, '{}')
	FROM mapping
	WHERE id = @id`

// QueueOf returns how the mapping's user waits, as the hub last said.
func QueueOf(ctx context.Context, db DB, id ID) (livechat.QueueState, error) {
	var q livechat.QueueState
	if err := db.QueryRow(ctx, queueOfSQL, pgx.NamedArgs{"id": id}).Scan(&q); err != nil {
		return q, fmt.Errorf("read queue: %w", notFound(err))
	}
	return q, nil
}

// Asked records what the user was asked last; the empty question means that they
// answered, and wait anew.
func Asked(ctx context.Context, db DB, id ID, q Question) error {
	return transition(ctx, db, "record question", askedSQL, pgx.NamedArgs{"id": id, "asks": q})
}

// Overdue notes that the user is told of words that have not arrived since a
// moment. It reports false when they were told after it.
func Overdue(ctx context.Context, db DB, id ID, since time.Time) (bool, error) {
	return guarded(ctx, db, "note overdue words", overdueSQL, pgx.NamedArgs{"id": id, "since": since})
}

// Typing notes that an agent's typing is shown. It reports false when it was
// shown within every.
func Typing(ctx context.Context, db DB, id ID, every time.Duration) (bool, error) {
	return guarded(ctx, db, "note typing", typingSQL, pgx.NamedArgs{"id": id, "every": every})
}

// guarded reports whether an UPDATE found its row as it has to be.
func guarded(ctx context.Context, db DB, op, sql string, args pgx.NamedArgs) (bool, error) {
	tag, err := db.Exec(ctx, sql, args)
	if err != nil {
		return false, fmt.Errorf("%s: %w", op, err)
	}
	return tag.RowsAffected() == 1, nil
}
