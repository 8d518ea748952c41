package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A Count is where everything is that was ever accepted for a destination:
//
//	Accepted = Delivered + Dead + Held + Pending
//
// Accepted and Delivered never fall, and Dead falls only where a letter is made
// pending once more.
type Count struct {
	Destination string
	Accepted    int64
	Delivered   int64
	Dead        int64         // given up, also where the letter was dropped or sent anew since
	Held        int64         // letters that wait for a decision, and all of parked lanes
	Pending     int64         // will be tried
	Oldest      time.Duration // how long the first pending one has waited; 0 for none
}

// countsSQL sees one moment. The tables are disjoint: a delivery is beyond its
// lane's cursor, or behind it and a letter, or behind it and delivered. The
// oldest one of a lane is looked up by itself, so that delivery is not read whole.
const countsSQL = `
	WITH lanes AS (
		SELECT destination, sum(last_seq) AS accepted,
			sum(last_seq - acked_seq) FILTER (WHERE parked_at IS NULL) AS pending,
			sum(last_seq - acked_seq) FILTER (WHERE parked_at IS NOT NULL) AS parked,
			min(CASE WHEN acked_seq < last_seq AND parked_at IS NULL THEN (
				SELECT d.created_at
				FROM delivery AS d
				WHERE (d.destination, d.conversation, d.seq) = (l.destination, l.conversation, l.acked_seq + 1)
			) END) AS oldest
		FROM lane AS l
		GROUP BY destination
	), letters AS (
		SELECT d.destination,
			count(*) FILTER (WHERE d.outcome = 'held') AS held,
			count(*) FILTER (WHERE d.outcome <> 'held') AS dead
		FROM delivery AS d JOIN lane AS l USING (destination, conversation)
		WHERE d.outcome IS NOT NULL
		  AND d.seq <= l.acked_seq
		GROUP BY d.destination
	), sums AS (
		SELECT destination,
			COALESCE(lanes.accepted, 0) + COALESCE(tally.accepted, 0) AS accepted,
			COALESCE(letters.dead, 0) + COALESCE(tally.dead, 0) AS dead,
			COALESCE(letters.held, 0) + COALESCE(lanes.parked, 0) AS held,
			COALESCE(lanes.pending, 0) AS pending,
			lanes.oldest
		FROM lanes
		FULL JOIN tally USING (destination)
		FULL JOIN letters USING (destination)
	)
	SELECT destination, accepted::bigint, (accepted - dead - held - pending)::bigint, dead::bigint, held::bigint,
		pending::bigint, GREATEST(COALESCE(now() - oldest, interval '0'), interval '0')
	FROM sums
	ORDER BY destination`

// Counts counts what the database knows, for each destination that ever had
// anything.
func Counts(ctx context.Context, pool *pgxpool.Pool) ([]Count, error) {
	rows, err := pool.Query(ctx, countsSQL)
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	counts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Count])
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	return counts, nil
}
