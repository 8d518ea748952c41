package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"time"

	oteltrace "go.opentelemetry.io/otel/trace"
)

// A Destination carries messages of type M to one peer. Name is stored with
// every delivery and M's JSON is its payload, so neither may change meaning
// between releases: add members, never rename them.
type Destination[M any] struct {
	Name string

	// Send makes one attempt. Its context ends when the attempt's time is up.
	// What it returns decides what happens next; see [Outcome].
	Send func(ctx context.Context, m M) error

	// Settled, if not nil, runs in the transaction that records the final
	// outcome: always for letters, and for deliveries enqueued with
	// Header.Settle. It may enqueue. An error rolls back; settling, but not
	// sending, is then tried again.
	Settled func(ctx context.Context, tx *Tx, m M, s Settlement) error

	// Parked, if not nil, runs in the transaction that parks m's lane because
	// the peer said to stop; see [Tx.Resume]. As Settled, it may enqueue.
	Parked func(ctx context.Context, tx *Tx, m M, s Settlement) error

	// Concurrency caps the sends in flight of this replica. Zero takes the
	// configured default.
	Concurrency int

	// Repeatable says that the peer makes one of several copies, so that the
	// policy for ambiguous attempts does not apply.
	Repeatable bool

	// Breaks says that the lanes share one peer: while it is away they wait
	// together and one of them looks for it.
	Breaks bool

	// Local, if not nil, reports whether sending m asks nothing of the peer: it does
	// not wait for one that is away or busy, once what is before it is settled.
	Local func(m M) bool

	// Limits, per lane, and Budget, which names what shares Shared's limit over
	// lanes and replicas, hold sends back. An empty name has no budget.
	Limits Limits
	Budget func(m M) string
}

// A Header addresses a delivery.
type Header struct {
	Conversation string // the lane: what shares it stays in order

	// A delivery whose (Scope, Key) was accepted before is dropped. With one of
	// them empty it is never a repeat; a Key alone is for the record.
	Scope, Key string

	// The first delivery that is like one whose sender did not hear our answer is a
	// repeat, although its key is new; see [Outbox.Unheard]. Empty is like nothing.
	Likeness string

	// The trace that the delivery belongs to; the enqueueing context's when it is
	// not valid. Only the Config's Tracer makes use of it.
	From oteltrace.SpanContext

	Settle bool          // tell Settled even when delivered
	Within time.Duration // from now; no attempt begins later. Zero means no limit of its own
}

// An Item is a message ready to be enqueued. Make one with [Destination.Item].
type Item struct {
	header      Header
	destination string
	payload     []byte
	trace       string // of its enqueueing, while that runs
}

// Item encodes m for [Tx.Enqueue].
func (d *Destination[M]) Item(h Header, m M) (Item, error) {
	payload, err := json.Marshal(m)
	if err != nil {
		return Item{}, fmt.Errorf("encode delivery to %s: %w", d.Name, err)
	}
	return Item{header: h, destination: d.Name, payload: payload}, nil
}

// A Peer is a Destination of any message type.
type Peer interface{ erase() peer }

// peer is a destination whose message type is forgotten.
type peer struct {
	name               string
	concurrency        int
	repeatable, breaks bool
	limits             Limits
	budget             func(payload []byte) string
	local              func(payload []byte) bool
	send               func(ctx context.Context, payload []byte) error
	settled, parked    hook
}

// A hook runs in the transaction that records what became of a message.
type hook func(ctx context.Context, tx *Tx, payload []byte, s Settlement) error

func (d *Destination[M]) erase() peer {
	return peer{
		name: d.Name, concurrency: d.Concurrency,
		repeatable: d.Repeatable, breaks: d.Breaks, limits: d.Limits,
		budget: func(payload []byte) string {
			if d.Budget == nil || d.Limits.Shared.N == 0 {
				return "" // most have none, and need not be read for it
			}
			m, err := decode[M](payload)
			if err != nil {
				return ""
			}
			return d.Budget(m)
		},
		local: func(payload []byte) bool {
			m, err := decode[M](payload)
			return err == nil && d.Local != nil && d.Local(m)
		},
		send: func(ctx context.Context, payload []byte) error {
			m, err := decode[M](payload)
			if err != nil {
				return err
			}
			return caught(func() error { return d.Send(ctx, m) })
		},
		settled: hookOf(d.Settled), parked: hookOf(d.Parked),
	}
}

func hookOf[M any](f func(ctx context.Context, tx *Tx, m M, s Settlement) error) hook {
	return func(ctx context.Context, tx *Tx, payload []byte, s Settlement) error {
		m, err := decode[M](payload)
		if err != nil || f == nil {
			return nil // what cannot be read was refused already, and says so in its outcome
		}
		return caught(func() error { return f(ctx, tx, m, s) })
	}
}

// caught turns a panic of f into an error: one poisonous message must not end the
// process, and be sent again by the next one.
func caught(f func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = panicError{debug.Stack()}
		}
	}()
	return f()
}

// panicError is a panic, without its value, which may hold anybody's words.
type panicError struct{ stack []byte }

func (e panicError) Error() string   { return "panic at\n" + string(e.stack) }
func (panicError) Unavailable() bool { return false }
func (panicError) Ambiguous() bool   { return true }

func decode[M any](payload []byte) (M, error) {
	var m M
	if err := json.Unmarshal(payload, &m); err != nil {
		return m, unreadableError{err}
	}
	return m, nil
}

// unreadableError is a payload of another release's shape. Sending it again
// cannot help.
type unreadableError struct{ error }

func (unreadableError) Permanent() bool { return true }
