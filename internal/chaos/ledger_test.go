package chaos

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// All that the runs know of the service's tables stands in this file.

// A balance is the conservation of one destination: what was stored is delivered,
// or has another outcome, or is pending.
type balance struct {
	Destination string
	Stored      int // rows
	Numbered    int // by the lanes' own count
	Delivered   int // passed by the cursor, without another outcome
	Pending     int // beyond the cursor
	Dead        int
	Held        int
	Other       int // outcomes an operator makes
}

const balanceSQL = `
	SELECT d.destination,
		count(*) AS stored,
		max(n.numbered) AS numbered,
		count(*) FILTER (WHERE d.seq <= l.acked_seq AND d.outcome IS NULL) AS delivered,
		count(*) FILTER (WHERE d.seq > l.acked_seq) AS pending,
		count(*) FILTER (WHERE d.seq <= l.acked_seq AND d.outcome = 'dead') AS dead,
		count(*) FILTER (WHERE d.seq <= l.acked_seq AND d.outcome = 'held') AS held,
		count(*) FILTER (WHERE d.seq <= l.acked_seq AND d.outcome NOT IN ('dead', 'held')) AS other
	FROM delivery AS d
	JOIN lane AS l USING (destination, conversation)
	JOIN (SELECT destination, sum(last_seq) AS numbered FROM lane GROUP BY destination) AS n USING (destination)
	GROUP BY d.destination
	ORDER BY d.destination`

// balances reads the books, all of one moment.
func balances(ctx context.Context, db *pgxpool.Pool) ([]balance, error) {
	rows, err := db.Query(ctx, balanceSQL)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[balance])
}

// direction returns whose words a destination carries, or 0.
func (b balance) direction() direction {
	switch {
	case strings.HasPrefix(b.Destination, "hub/"):
		return toHub
	case b.Destination == "teams":
		return toTeams
	}
	return 0
}

// problem says what is wrong with a balance in itself.
func (b balance) problem() string {
	if sum := b.Delivered + b.Pending + b.Dead + b.Held + b.Other; b.Stored != sum || b.Stored != b.Numbered {
		return fmt.Sprintf("%+v does not balance: stored %d, numbered %d, accounted for %d", b, b.Stored, b.Numbered, sum)
	}
	return ""
}

const busySQL = `
	SELECT count(*)
	FROM lane
	WHERE ready_at IS NOT NULL`

// busy returns how many lanes somebody owns or should own.
func busy(ctx context.Context, db *pgxpool.Pool) (n int, err error) {
	err = db.QueryRow(ctx, busySQL).Scan(&n)
	return n, err
}

// A fate is what the store says became of a word.
type fate struct {
	Destination string
	Lane        string
	Key         string // the word, as its sender numbered it
	Seq         int64
	State       string // delivered, pending, dead, held, …
	Reason      string
	Delivered   int // attempts that say so
	Ambiguous   int // attempts that may have arrived
	Late        int // of those, attempts that waited for an answer as long as they may
}

const fatesSQL = `
	SELECT d.destination, d.conversation, d.key, d.seq,
		CASE WHEN d.seq > l.acked_seq THEN 'pending' ELSE COALESCE(d.outcome, 'delivered') END,
		COALESCE(d.reason, ''),
		COALESCE(a.delivered, 0), COALESCE(a.ambiguous, 0), COALESCE(a.late, 0)
	FROM delivery AS d
	JOIN lane AS l USING (destination, conversation)
	LEFT JOIN (
		SELECT destination, conversation, seq,
			count(*) FILTER (WHERE class = 'delivered') AS delivered,
			count(*) FILTER (WHERE ambiguous) AS ambiguous,
			count(*) FILTER (WHERE ambiguous AND took >= @timeout::interval) AS late
		FROM attempt
		GROUP BY destination, conversation, seq
	) AS a USING (destination, conversation, seq)
	WHERE d.destination = 'teams' OR d.destination LIKE 'hub/%'
	ORDER BY d.destination, d.conversation, d.seq`

// fates reads what became of everything the peers were promised, by attempts that
// wait for an answer until timeout.
func fates(ctx context.Context, db *pgxpool.Pool, timeout time.Duration) ([]fate, error) {
	rows, err := db.Query(ctx, fatesSQL, pgx.NamedArgs{"timeout": timeout})
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[fate])
}
