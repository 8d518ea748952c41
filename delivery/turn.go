package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const takeTurnSQL = `
	INSERT INTO pace AS p (name, next_at)
	VALUES (@name, now() + @every::interval)
	ON CONFLICT (name) DO UPDATE
	SET next_at = now() + @every::interval
	WHERE p.next_at <= now()
	RETURNING name`

// TakeTurn reports whether it is this replica's turn to do what is done by one of
// them in every span of time. A turn that is taken is not given back.
func TakeTurn(ctx context.Context, pool *pgxpool.Pool, name string, every time.Duration) (bool, error) {
	err := pool.QueryRow(ctx, takeTurnSQL, pgx.NamedArgs{"name": "turn|" + name, "every": every}).Scan(&name)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("take turn: %w", err)
	}
	return true, nil
}
