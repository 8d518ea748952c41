package delivery

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// receiptKey finds in a Send's context where its receipt is kept.
type receiptKey struct{}

func receiving(ctx context.Context, receipt *string) context.Context {
	return context.WithValue(ctx, receiptKey{}, receipt)
}

// Receive keeps the peer's own id of what it took, for [ReceiptOf]. It is called
// within a Send, with its context; elsewhere it does nothing.
func Receive(ctx context.Context, receipt string) {
	if kept, ok := ctx.Value(receiptKey{}).(*string); ok {
		*kept = receipt
	}
}

const receiptSQL = `
	SELECT a.receipt
	FROM delivery AS d
	JOIN attempt AS a USING (destination, conversation, seq)
	WHERE d.key = @key
	  AND d.destination = @destination
	  AND d.conversation = @conversation
	  AND a.receipt <> ''
	ORDER BY d.seq DESC, a.began_at DESC
	LIMIT 1`

// ReceiptOf returns the receipt of the delivery with a key, or "": it is not
// delivered, or its receipt is not known.
func ReceiptOf(ctx context.Context, pool *pgxpool.Pool, p Peer, conversation, key string) (string, error) {
	if key == "" {
		return "", nil
	}
	var receipt string
	err := pool.QueryRow(ctx, receiptSQL, pgx.NamedArgs{
		"destination": p.erase().name, "conversation": conversation, "key": key,
	}).Scan(&receipt)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("find receipt: %w", err)
	}
	return receipt, nil
}
