package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// copiesWithin is how long after an answer that was not heard a copy under
// another key is expected.
const copiesWithin = time.Minute

const unheardSQL = `
	INSERT INTO unheard (scope, likeness, key)
	VALUES (@scope, @likeness, @key)
	ON CONFLICT DO NOTHING`

// Unheard notes that the sender of (scope, key) may not have heard whether it was
// accepted. If it was, the first that is like it within a minute is a repeat,
// whatever its key. If it was not, the note changes nothing.
func (o *Outbox) Unheard(ctx context.Context, scope, likeness, key string) error {
	_, err := o.pool.Exec(ctx, unheardSQL, pgx.NamedArgs{"scope": scope, "likeness": likeness, "key": key})
	if err != nil {
		return fmt.Errorf("note an answer not heard: %w", err)
	}
	return nil
}

const pruneUnheardSQL = `
	DELETE FROM unheard
	WHERE at < now() - @age::interval`

func pruneUnheard(ctx context.Context, tx pgx.Tx, age time.Duration) (Pruned, int64, error) {
	if _, err := tx.Exec(ctx, pruneUnheardSQL, pgx.NamedArgs{"age": age}); err != nil {
		return Pruned{}, 0, fmt.Errorf("answers not heard: %w", err)
	}
	return Pruned{}, 0, nil // they are few
}
