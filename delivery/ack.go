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
	lost bool
	more bool // deliveries wait beyond the cursor
}

// ask acknowledges and waits until the database has it. When Run is over first,
// the lane counts as lost: a successor finds it as the database has it.
func (o *Outbox) ask(a ack) verdict {
	done := make(chan verdict, 1)
	a.done = done
	select {
	case o.acks <- a:
	case <-o.over:
		return verdict{lost: true}
	}
	select {
	case v := <-done:
		return v
	case <-o.over:
		return verdict{lost: true}
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
	for wait := o.config.Backoff; ; wait = min(2*wait, o.config.BackoffMax) {
		verdicts, began, err := o.moveCursors(ctx, batch)
		if err == nil {
			o.tell(batch, verdicts, began)
			return
		}
		o.log.WarnContext(ctx, "acknowledge deliveries", "count", len(batch), "err", err)
		select {
		case <-ctx.Done():
			o.tell(batch, nil, began) // at shutdown, an owner that learns nothing stops
			return
		case <-time.After(min(wait, o.config.Lease/2)):
		}
	}
}

// tell extends the leases that were renewed by the acknowledgement and answers
// who asked.
func (o *Outbox) tell(batch []ack, verdicts map[*lane]verdict, began time.Time) {
	for _, a := range batch {
		v, ok := verdicts[a.lane]
		if ok {
			a.lane.extend(began.Add(o.config.Lease))
		} else {
			v.lost = true
		}
		a.done <- v
	}
}

// cursorSQL moves cursors and renews leases; a final ack with nothing behind it
// makes the lane idle. Rows are locked in order first: enqueues do the same.
const cursorSQL = `
	WITH inp AS (
		SELECT *
		FROM unnest(@destination::text[], @conversation::text[], @epoch::bigint[], @upto::bigint[], @final::bool[])
			AS t (destination, conversation, epoch, upto, final)
	), ours AS (
		SELECT l.destination, l.conversation, GREATEST(l.acked_seq, inp.upto) AS upto, inp.final
		FROM lane AS l JOIN inp USING (destination, conversation)
		WHERE l.epoch = inp.epoch AND l.owner = @me
		ORDER BY l.destination, l.conversation
		FOR NO KEY UPDATE OF l
	)
	UPDATE lane AS l
	SET acked_seq = ours.upto,
		attempts = CASE WHEN ours.upto > l.acked_seq THEN 0 ELSE l.attempts END,
		faults = CASE WHEN ours.upto > l.acked_seq THEN 0 ELSE l.faults END,
		ready_at = CASE WHEN ours.final AND l.last_seq = ours.upto THEN NULL ELSE now() + @lease::interval END,
		owner = CASE WHEN ours.final AND l.last_seq = ours.upto THEN NULL ELSE l.owner END
	FROM ours
	WHERE (l.destination, l.conversation) = (ours.destination, ours.conversation)
	RETURNING l.destination, l.conversation, l.last_seq > ours.upto`

// moveCursors writes a batch in one transaction and returns a verdict for every
// lane that is still ours.
func (o *Outbox) moveCursors(ctx context.Context, batch []ack) (map[*lane]verdict, time.Time, error) {
	began := time.Now()
	lanes := map[laneID]ack{}
	var tries tryLog
	for _, a := range batch {
		id := laneID{a.lane.name, a.lane.conversation}
		// Of two epochs in one batch only the newer can still be ours.
		if other, ok := lanes[id]; !ok || a.lane.epoch > other.lane.epoch {
			lanes[id] = a
		}
		if a.upto > 0 {
			tries.add(a.lane, a.try)
		}
	}
	var b pgx.Batch
	verdicts := map[*lane]verdict{}
	b.Queue(cursorSQL, o.cursorArgs(lanes)).Query(func(rows pgx.Rows) error {
		var id laneID
		var v verdict
		_, err := pgx.ForEachRow(rows, []any{&id.destination, &id.conversation, &v.more}, func() error {
			verdicts[lanes[id].lane] = v
			return nil
		})
		return err
	})
	tries.queue(&b, o.owner)
	if err := o.pool.SendBatch(ctx, &b).Close(); err != nil {
		return nil, began, fmt.Errorf("move cursors: %w", err)
	}
	return verdicts, began, nil
}

func (o *Outbox) cursorArgs(lanes map[laneID]ack) pgx.NamedArgs {
	n := len(lanes)
	destination, conversation := make([]string, 0, n), make([]string, 0, n)
	epoch, upto := make([]int64, 0, n), make([]int64, 0, n)
	final := make([]bool, 0, n)
	for id, a := range lanes {
		destination, conversation = append(destination, id.destination), append(conversation, id.conversation)
		epoch, upto, final = append(epoch, a.lane.epoch), append(upto, a.upto), append(final, a.final)
	}
	return pgx.NamedArgs{
		"destination": destination, "conversation": conversation, "epoch": epoch,
		"upto": upto, "final": final, "lease": o.config.Lease, "me": o.owner,
	}
}
