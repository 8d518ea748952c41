package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Of a shared limit, what is spent evenly and what may come at once. The rest
// makes up for sends that are under way for different times.
const (
	evenShare  = 0.8
	burstShare = 0.1
)

// longestTurn is how far ahead turns are given out. It bounds how many slots one
// budget can keep waiting.
const longestTurn = 500 * time.Millisecond

// errSpent means that a budget is spent for longer than that.
var errSpent = errors.New("budget spent")

// budgets spaces the sends of all replicas under one name. Turns are taken from
// the database, for as many as are waiting at once.
type budgets struct {
	pool  *pgxpool.Pool
	every time.Duration // between two sends; 0 for no limit
	burst time.Duration

	mu     sync.Mutex
	queues map[string][]chan<- turn // of names whose turns are being taken
}

// A turn is when to send, or why not; or that somebody else is to take turns now.
type turn struct {
	at   time.Time
	err  error
	lead bool
}

func newBudgets(w Window, pool *pgxpool.Pool) *budgets {
	b := &budgets{pool: pool, queues: map[string][]chan<- turn{}}
	if w.N > 0 {
		b.every = time.Duration(float64(w.Per) / (evenShare * float64(w.N)))
		b.burst = time.Duration(burstShare * float64(w.N) * float64(b.every))
	}
	return b
}

// take returns when the next send under name may be. It returns errSpent when
// that is not soon.
func (b *budgets) take(ctx context.Context, name string) (time.Time, error) {
	if b.every == 0 || name == "" {
		return time.Time{}, nil
	}
	mine := make(chan turn, 1)
	b.mu.Lock()
	queue, led := b.queues[name]
	b.queues[name] = append(queue, mine)
	b.mu.Unlock()
	if !led {
		b.lead(ctx, name)
	}
	for {
		select {
		case t := <-mine:
			if !t.lead {
				return t.at, t.err
			}
			b.lead(ctx, name)
		case <-ctx.Done():
			b.leave(ctx, name, mine)
			return time.Time{}, ctx.Err()
		}
	}
}

// lead takes turns for whoever queues, and leaves those who came meanwhile to the
// first of them: nobody takes turns for others without end.
func (b *budgets) lead(ctx context.Context, name string) {
	b.mu.Lock()
	queue := b.queues[name]
	b.queues[name] = []chan<- turn{}
	b.mu.Unlock()
	if len(queue) > 0 {
		first, err := b.reserve(ctx, name, len(queue))
		for i, waiting := range queue {
			waiting <- turn{at: first.Add(time.Duration(i) * b.every), err: err}
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if next := b.queues[name]; len(next) > 0 {
		next[0] <- turn{lead: true}
		return
	}
	delete(b.queues, name)
}

// leave gives up a place in the queue, and leading it.
func (b *budgets) leave(ctx context.Context, name string, mine chan turn) {
	b.mu.Lock()
	if queue, led := b.queues[name]; led {
		b.queues[name] = slices.DeleteFunc(queue, func(c chan<- turn) bool { return c == mine })
	}
	b.mu.Unlock()
	select {
	case t := <-mine:
		if t.lead {
			b.lead(ctx, name)
		}
	default:
	}
}

// reserveTurnsSQL moves the next due time on by n turns, unless it is far away. A
// budget that was not used gathers no more than the burst.
const reserveTurnsSQL = `
	INSERT INTO pace AS p (name, next_at)
	VALUES (@name, clock_timestamp() - @burst::interval + @n * @every::interval)
	ON CONFLICT (name) DO UPDATE
	SET next_at = GREATEST(p.next_at, clock_timestamp() - @burst::interval) + @n * @every::interval
	WHERE p.next_at < clock_timestamp() + @longest::interval
	RETURNING next_at - @n * @every::interval - clock_timestamp()`

func (b *budgets) reserve(ctx context.Context, name string, n int) (time.Time, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longestTurn) // others wait for it, too
	defer cancel()
	var wait time.Duration
	err := b.pool.QueryRow(ctx, reserveTurnsSQL, pgx.NamedArgs{
		"name": name, "n": float64(n), "every": b.every, "burst": b.burst, "longest": longestTurn,
	}).Scan(&wait)
	if errors.Is(err, pgx.ErrNoRows) {
		return time.Time{}, errSpent
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("take turns: %w", err)
	}
	return time.Now().Add(wait), nil
}
