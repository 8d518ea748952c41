package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A Late is a lane whose first pending delivery waits for long.
type Late struct {
	Conversation string
	Since        time.Time // when that delivery was enqueued
}

const overdueSQL = `
	SELECT l.conversation, d.created_at
	FROM lane AS l
	JOIN delivery AS d
		ON (d.destination, d.conversation, d.seq) = (l.destination, l.conversation, l.acked_seq + 1)
	WHERE l.destination = @destination
	  AND l.ready_at IS NOT NULL
	  AND l.acked_seq < l.last_seq
	  AND d.created_at < now() - @age::interval
	ORDER BY d.created_at`

// Overdue returns the lanes of a destination whose first pending delivery waits
// for longer than age, the longest first. Lanes that are parked are not meant to
// move.
func Overdue(ctx context.Context, pool *pgxpool.Pool, p Peer, age time.Duration) ([]Late, error) {
	rows, err := pool.Query(ctx, overdueSQL, pgx.NamedArgs{"destination": p.erase().name, "age": age})
	if err != nil {
		return nil, fmt.Errorf("find overdue deliveries: %w", err)
	}
	late, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Late])
	if err != nil {
		return nil, fmt.Errorf("find overdue deliveries: %w", err)
	}
	return late, nil
}
