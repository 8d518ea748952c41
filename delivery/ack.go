package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// maxAcks bounds one batch of acknowledgements.
const maxAcks = 512

// An ack says that a lane's deliveries up to upto are done. A final one has
// nothing more in memory: the lane becomes idle if nothing came meanwhile.
type ack struct {
	lane  *lane
	upto  int64 // 0: nothing new
	try   try
	final bool
	done  chan<- verdict // capacity 1
}

// verdict is what an ack learns.
type verdict struct {
	lost   bool
	more   bool // deliveries wait beyond the cursor
	locked bool // nothing was written: somebody else has the row, or owns the lane
}

// ask acknowledges and waits until the database has it. When Run is over first,
// the lane counts as lost: a successor finds it as the database has it.
func (o *Outbox) ask(ctx context.Context, a ack) verdict {
	done := make(chan verdict, 1)
	a.done = done
	select {
	case o.acks <- a:
	case <-o.over:
		return verdict{lost: true}
	}
	select {
	case v := <-done:
		if v.locked {
			return o.askAlone(ctx, a)
		}
		return v
	case <-o.over:
		return verdict{lost: true}
	}
}

// askAlone acknowledges one lane, however long somebody else keeps its row
// locked.
func (o *Outbox) askAlone(ctx context.Context, a ack) verdict {
	for n := 1; ; n++ {
		v, err := o.moveCursor(ctx, a)
		if err == nil {
			return v
		}
		o.log.WarnContext(ctx, "acknowledge delivery", "destination", a.lane.name, "err", err)
		select {
		case <-o.over:
			return verdict{lost: true}
		case <-time.After(min(backoff(o.config, n, 0), o.config.Lease/2)):
		}
	}
}

// acknowledge writes acknowledgements until ctx ends: whatever came while the
// last batch was written is the next one. A batch that the database does not
// take is written again, never dropped.
func (o *Outbox) acknowledge(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case first := <-o.acks:
			o.writeAcks(ctx, o.gather(first))
		}
	}
}

func (o *Outbox) gather(first ack) []ack {
	batch := []ack{first}
	for len(batch) < maxAcks {
		select {
		case next := <-o.acks:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

func (o *Outbox) writeAcks(ctx context.Context, batch []ack) {
	for n := 1; ; n++ {
		verdicts, err := o.moveCursors(ctx, batch)
		if err == nil {
			for _, a := range batch {
				v, ok := verdicts[a.lane]
				a.done <- verdict{more: v, locked: !ok}
			}
			return
		}
		o.log.WarnContext(ctx, "acknowledge deliveries", "count", len(batch), "err", err)
		select {
		case <-ctx.Done():
			return // at shutdown, who asked learns it from over
		case <-time.After(min(backoff(o.config, n, 0), o.config.Lease/2)):
		}
	}
}

// cursorSQL moves cursors and renews leases; a final ack with nothing behind it
// makes the lane idle. A row that somebody else keeps locked is left out: it
// must neither hold up the others nor close a circle of waits.
const cursorSQL = `
	WITH inp AS (
		SELECT *
		FROM unnest(@destination::text[], @conversation::text[], @epoch::bigint[], @upto::bigint[], @final::bool[],
		            @began::timestamptz[], @took::interval[], @class::text[], @status::int[], @ambiguous::bool[],
		            @receipt::text[])
			AS t (destination, conversation, epoch, upto, final, began_at, took, class, status, ambiguous, receipt)
	), ours AS (
		SELECT l.destination, l.conversation, GREATEST(l.acked_seq, inp.upto) AS upto, inp.final
		FROM lane AS l JOIN inp USING (destination, conversation)
		WHERE l.epoch = inp.epoch AND l.owner = @me
		ORDER BY l.destination, l.conversation
		FOR NO KEY UPDATE OF l SKIP LOCKED
	), moved AS (
		UPDATE lane AS l
		SET acked_seq = ours.upto,
			attempts = CASE WHEN ours.upto > l.acked_seq THEN 0 ELSE l.attempts END,
			faults = CASE WHEN ours.upto > l.acked_seq THEN 0 ELSE l.faults END,
			doubts = CASE WHEN ours.upto > l.acked_seq THEN 0 ELSE l.doubts END,
			ready_at = CASE WHEN ours.final AND l.last_seq = ours.upto THEN NULL ELSE now() + @lease::interval END,
			owner = CASE WHEN ours.final AND l.last_seq = ours.upto THEN NULL ELSE l.owner END
		FROM ours
		WHERE (l.destination, l.conversation) = (ours.destination, ours.conversation)
		RETURNING l.destination, l.conversation, l.last_seq > ours.upto AS more
	), tried AS (
		INSERT INTO attempt (destination, conversation, seq, began_at, took, class, status, ambiguous, receipt, owner)
		SELECT destination, conversation, upto, began_at, took, class, status, ambiguous, receipt, @me
		FROM inp JOIN moved USING (destination, conversation)
		WHERE upto > 0
	)
	SELECT destination, conversation, more
	FROM moved`

// moveCursors writes a batch and reports for the lanes it moved whether
// deliveries wait beyond the cursor. The others are locked, or not ours.
func (o *Outbox) moveCursors(ctx context.Context, batch []ack) (map[*lane]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, o.config.Lease)
	defer cancel()
	began := time.Now()
	lanes := map[laneID]ack{}
	for _, a := range batch {
		id := laneID{a.lane.name, a.lane.conversation}
		// Of two epochs in one batch only the newer can still be ours.
		if other, ok := lanes[id]; !ok || a.lane.epoch > other.lane.epoch {
			lanes[id] = a
		}
	}
	rows, err := o.pool.Query(ctx, cursorSQL, o.cursorArgs(lanes))
	if err != nil {
		return nil, fmt.Errorf("move cursors: %w", err)
	}
	verdicts := map[*lane]bool{}
	var id laneID
	var more bool
	_, err = pgx.ForEachRow(rows, []any{&id.destination, &id.conversation, &more}, func() error {
		verdicts[lanes[id].lane] = more
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("move cursors: %w", err)
	}
	for l := range verdicts {
		l.extend(began.Add(o.config.Lease))
	}
	return verdicts, nil
}

func (o *Outbox) cursorArgs(lanes map[laneID]ack) pgx.NamedArgs {
	var tries tryLog
	var epoch []int64
	var final []bool
	for _, a := range lanes {
		a.try.seq = a.upto
		tries.add(a.lane, a.try)
		epoch, final = append(epoch, a.lane.epoch), append(final, a.final)
	}
	args := tries.args(o.owner)
	args["epoch"], args["final"], args["upto"] = epoch, final, tries.seq
	args["lease"], args["me"] = o.config.Lease, o.owner
	return args
}

// cursorOneSQL is cursorSQL for one lane, and waits for its row.
const cursorOneSQL = `
	UPDATE lane
	SET acked_seq = GREATEST(acked_seq, @upto),
		attempts = CASE WHEN @upto > acked_seq THEN 0 ELSE attempts END,
		faults = CASE WHEN @upto > acked_seq THEN 0 ELSE faults END,
		doubts = CASE WHEN @upto > acked_seq THEN 0 ELSE doubts END,
		ready_at = CASE WHEN @final::bool AND last_seq = GREATEST(acked_seq, @upto) THEN NULL
		           ELSE statement_timestamp() + @lease::interval END,
		owner = CASE WHEN @final::bool AND last_seq = GREATEST(acked_seq, @upto) THEN NULL ELSE owner END
	WHERE destination = @destination
	  AND conversation = @conversation
	  AND epoch = @epoch
	  AND owner = @me
	RETURNING last_seq > acked_seq`

func (o *Outbox) moveCursor(ctx context.Context, a ack) (verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, o.config.Lease)
	defer cancel()
	began := time.Now()
	args := a.lane.args(a.upto)
	args["upto"], args["final"], args["epoch"] = a.upto, a.final, a.lane.epoch
	args["lease"], args["me"] = o.config.Lease, o.owner
	v := verdict{lost: true}
	var b pgx.Batch
	b.Queue(cursorOneSQL, args).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&v.more}, func() error {
			v.lost = false
			return nil
		})
		return err
	})
	var tries tryLog
	if a.upto > 0 {
		tries.add(a.lane, a.try)
	}
	tries.queue(&b, o.owner)
	if err := o.pool.SendBatch(ctx, &b).Close(); err != nil {
		return v, fmt.Errorf("move cursor: %w", err)
	}
	if !v.lost {
		a.lane.extend(began.Add(o.config.Lease))
	}
	return v, nil
}
