package delivery

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

const acceptSQL = `
	INSERT INTO accepted (scope, key)
	VALUES (@scope, @key)
	ON CONFLICT DO NOTHING`

// Accept takes a key as [Tx.Enqueue] does, for what may lead to several
// deliveries or to none. It reports whether the key is new; an empty one always
// is.
func (tx *Tx) Accept(ctx context.Context, scope, key string) (bool, error) {
	if key == "" {
		return true, nil
	}
	tag, err := tx.Exec(ctx, acceptSQL, pgx.NamedArgs{"scope": scope, "key": key})
	if err != nil {
		return false, fmt.Errorf("accept: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}
