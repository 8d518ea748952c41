package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A Tx is a database transaction that can enqueue. Get one from
// [Outbox.Transact].
type Tx struct {
	pgx.Tx

	outbox   *Outbox
	births   map[laneID]*lane // idle lanes this transaction makes ours
	slots    map[laneID]*destination
	unowned  map[*destination]bool // busy lanes nobody owns: they need the poll
	finished []func()
}

// laneID names a lane.
type laneID struct{ destination, conversation string }

// tries bounds how often a transaction is repeated after a deadlock.
const tries = 5

// beginSQL has statements planned once for each connection. Left to itself, the
// database may plan one for every batch anew: for small ones that takes longer
// than to run it. A plan that is kept outlives the statistics it was made by, so
// it must not read a table whole because that was small.
const beginSQL = `
	BEGIN;
	SET LOCAL plan_cache_mode = force_generic_plan;
	SET LOCAL enable_seqscan = off`

// Transact runs f in a transaction and, once it is committed, begins to send
// what f enqueued. After a deadlock or a serialization failure f runs again, so
// it must have no effects outside the transaction; see [Tx.AfterCommit].
func (o *Outbox) Transact(ctx context.Context, f func(tx *Tx) error) error {
	for try := 1; ; try++ {
		tx := &Tx{
			outbox: o, births: map[laneID]*lane{},
			slots: map[laneID]*destination{}, unowned: map[*destination]bool{},
		}
		err := pgx.BeginTxFunc(ctx, o.pool, pgx.TxOptions{BeginQuery: beginSQL}, func(inner pgx.Tx) error {
			tx.Tx = inner
			return f(tx)
		})
		if err == nil {
			tx.committed(ctx)
			return nil
		}
		tx.rolledBack()
		if try == tries || !conflicted(err) {
			return err
		}
	}
}

// AfterCommit runs f once the transaction is committed.
func (tx *Tx) AfterCommit(f func()) { tx.finished = append(tx.finished, f) }

// enqueueSQL deduplicates, numbers and stores a batch in one statement. A lane
// that was idle gets this replica as its owner, if a slot to send is free.
//
// Only copy 1 of a key within the batch competes for it; the insert into
// accepted waits for a concurrent transaction with the same key to end.
// born tells the lanes this very transaction made busy: no other column can, since
// two transactions may share their now(). A lease counts from the statement: the
// transaction may be older than it is long.
// Each note of an answer not heard makes up for one copy. Who waits for another's
// notes sees which are left.
const enqueueSQL = `
	WITH inp AS (
		SELECT *, row_number() OVER (PARTITION BY scope, key ORDER BY ord) AS copy
		FROM unnest(@destination::text[], @conversation::text[], @scope::text[], @key::text[],
		            @payload::text[], @settle::bool[], @within::bigint[], @slot::bool[], @likeness::text[],
		            @trace::text[])
			WITH ORDINALITY AS t (destination, conversation, scope, key, payload, settle, within_ms, slot, likeness, trace, ord)
	), fresh AS (
		INSERT INTO accepted (scope, key)
		SELECT scope, key
		FROM inp
		WHERE scope <> '' AND key <> '' AND copy = 1
		ORDER BY scope, key
		ON CONFLICT DO NOTHING
		RETURNING scope, key
	), told AS (
		SELECT inp.*, row_number() OVER (PARTITION BY scope, likeness ORDER BY ord) AS nth
		FROM inp
		WHERE scope = '' OR key = '' OR copy = 1 AND EXISTS (
			SELECT FROM fresh WHERE fresh.scope = inp.scope AND fresh.key = inp.key)
	), noted AS (
		SELECT scope, likeness, place, row_number() OVER (PARTITION BY scope, likeness) AS nth
		FROM (
			SELECT scope, likeness, count(*) AS n
			FROM told
			WHERE likeness <> ''
			GROUP BY scope, likeness
			ORDER BY scope, likeness
		) AS alike CROSS JOIN LATERAL (
			SELECT u.ctid AS place
			FROM unheard AS u
			WHERE u.scope = alike.scope AND u.likeness = alike.likeness AND u.at > now() - @copies::interval
			  AND EXISTS (SELECT FROM accepted AS a WHERE a.scope = u.scope AND a.key = u.key)
			ORDER BY u.key
			LIMIT alike.n
			FOR UPDATE
		) AS u
	), folded AS (
		DELETE FROM unheard
		WHERE ctid = ANY (ARRAY(SELECT place FROM noted))
	), kept AS (
		SELECT told.*,
			row_number() OVER (PARTITION BY destination, conversation ORDER BY ord) AS place,
			count(*) OVER (PARTITION BY destination, conversation) AS n
		FROM told
		WHERE NOT EXISTS (
			SELECT FROM noted
			WHERE (noted.scope, noted.likeness, noted.nth) = (told.scope, told.likeness, told.nth))
	), busy AS (
		INSERT INTO lane AS l (destination, conversation, last_seq, ready_at, owner, epoch, born)
		SELECT destination, conversation, max(n),
			CASE WHEN bool_or(slot) THEN statement_timestamp() + @lease::interval ELSE now() END,
			CASE WHEN bool_or(slot) THEN @me::text END,
			1, pg_current_xact_id()
		FROM kept
		GROUP BY destination, conversation
		ORDER BY destination, conversation
		ON CONFLICT (destination, conversation) DO UPDATE SET
			last_seq = l.last_seq + EXCLUDED.last_seq,
			ready_at = CASE WHEN l.parked_at IS NULL THEN COALESCE(l.ready_at, EXCLUDED.ready_at) END,
			owner = CASE WHEN l.ready_at IS NULL AND l.parked_at IS NULL THEN EXCLUDED.owner ELSE l.owner END,
			epoch = l.epoch + CASE WHEN l.ready_at IS NULL AND l.parked_at IS NULL THEN 1 ELSE 0 END,
			born = CASE WHEN l.ready_at IS NULL AND l.parked_at IS NULL THEN EXCLUDED.born ELSE l.born END
		RETURNING destination, conversation, last_seq, epoch,
			COALESCE(born = pg_current_xact_id() AND owner = @me, false) AS mine,
			owner IS NULL AND parked_at IS NULL AS unowned
	), stored AS (
		INSERT INTO delivery (destination, conversation, seq, key, payload, settle, expires_at, trace)
		SELECT destination, conversation, last_seq - n + place, key, payload::json, settle,
			now() + within_ms * interval '1 millisecond', NULLIF(trace, '')
		FROM kept JOIN busy USING (destination, conversation)
	)
	SELECT ord, last_seq - n + place AS seq, epoch, mine, unowned
	FROM kept JOIN busy USING (destination, conversation)
	ORDER BY ord`

// Enqueue promises items once the transaction commits. It reports for each
// whether it is new; a repeat of an accepted key is not enqueued.
func (tx *Tx) Enqueue(ctx context.Context, items ...Item) ([]bool, error) {
	if len(items) == 0 {
		return nil, nil
	}
	items, spans := tx.outbox.enqueueing(ctx, items)
	fresh, err := tx.enqueue(ctx, items)
	enqueued(spans, fresh, err)
	return fresh, err
}

func (tx *Tx) enqueue(ctx context.Context, items []Item) ([]bool, error) {
	args, err := tx.enqueueArgs(items)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	rows, err := tx.Query(ctx, enqueueSQL, args)
	if err != nil {
		return nil, fmt.Errorf("enqueue: %w", err)
	}
	fresh := make([]bool, len(items))
	var ord, seq, epoch int64
	var mine, unowned bool
	_, err = pgx.ForEachRow(rows, []any{&ord, &seq, &epoch, &mine, &unowned}, func() error {
		fresh[ord-1] = true
		item := items[ord-1]
		d := tx.outbox.destinations[item.destination]
		switch {
		case mine:
			tx.born(d, item, seq, epoch, began)
		case unowned:
			tx.unowned[d] = true
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("enqueue: %w", err)
	}
	return fresh, nil
}

func (tx *Tx) enqueueArgs(items []Item) (pgx.NamedArgs, error) {
	n := len(items)
	destination, conversation := make([]string, n), make([]string, n)
	scope, key, payload := make([]string, n), make([]string, n), make([]string, n)
	likeness, trace := make([]string, n), make([]string, n)
	settle, slot := make([]bool, n), make([]bool, n)
	within := make([]*int64, n)
	for i, item := range items {
		d, ok := tx.outbox.destinations[item.destination]
		if !ok {
			return nil, fmt.Errorf("enqueue: no destination %q", item.destination)
		}
		destination[i], conversation[i] = item.destination, item.header.Conversation
		scope[i], key[i], payload[i] = item.header.Scope, item.header.Key, string(item.payload)
		likeness[i], trace[i] = item.header.Likeness, item.trace
		settle[i], slot[i] = item.header.Settle, tx.reserve(d, item.header.Conversation)
		if item.header.Within > 0 {
			ms := item.header.Within.Milliseconds()
			within[i] = &ms
		}
	}
	return pgx.NamedArgs{
		"destination": destination, "conversation": conversation, "scope": scope, "key": key,
		"payload": payload, "settle": settle, "within": within, "slot": slot,
		"likeness": likeness, "copies": copiesWithin, "trace": trace,
		"lease": tx.outbox.config.Lease, "me": tx.outbox.owner,
	}, nil
}

// reserve takes a slot to send for a lane before it can become ours: a lane is
// never owned by a replica that has no hand free for it.
func (tx *Tx) reserve(d *destination, conversation string) bool {
	id := laneID{d.name, conversation}
	if tx.slots[id] != nil {
		return true
	}
	if d.breaker.open() || !d.slots.TryAcquire(1) {
		return false
	}
	tx.slots[id] = d
	return true
}

func (tx *Tx) born(d *destination, item Item, seq, epoch int64, began time.Time) {
	id := laneID{item.destination, item.header.Conversation}
	l := tx.births[id]
	if l == nil {
		l = newLane(d, item.header.Conversation, epoch, began.Add(tx.outbox.config.Lease))
		tx.births[id] = l
	}
	m := message{seq: seq, payload: item.payload, settle: item.header.Settle, born: began, trace: item.trace}
	if item.header.Within > 0 {
		m.expires = began.Add(item.header.Within)
	}
	l.run = append(l.run, m)
}

func (tx *Tx) committed(ctx context.Context) {
	for id, d := range tx.slots {
		if l := tx.births[id]; l != nil {
			// The sending outlives the request that enqueued.
			go tx.outbox.drive(context.WithoutCancel(ctx), l)
		} else {
			d.release()
		}
	}
	for d := range tx.unowned {
		d.missed()
	}
	for _, f := range tx.finished {
		f()
	}
}

func (tx *Tx) rolledBack() {
	for _, d := range tx.slots {
		d.release()
	}
}

// conflicted reports whether err is a deadlock or a serialization failure.
func conflicted(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pgErr.Code == "40P01" || pgErr.Code == "40001")
}
