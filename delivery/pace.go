package delivery

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A Window allows N sends in any span of Per.
type Window struct {
	N   int
	Per time.Duration
}

// Windows hold together. Their text is "7/1s,8/2s", or "off" for none.
type Windows []Window

// UnmarshalText implements encoding.TextUnmarshaler.
func (w *Windows) UnmarshalText(text []byte) error {
	*w = nil
	if string(text) == "off" {
		return nil
	}
	for part := range strings.SplitSeq(string(text), ",") {
		count, span, _ := strings.Cut(strings.TrimSpace(part), "/")
		n, err := strconv.Atoi(count)
		per, perErr := time.ParseDuration(span)
		if err != nil || perErr != nil || n < 1 || per <= 0 {
			return fmt.Errorf(`%q: want sends per time such as 7/1s,60/30s, or off`, text)
		}
		*w = append(*w, Window{N: n, Per: per})
	}
	return nil
}

// Limits are a peer's: how many sends it takes from one lane, and from all lanes
// of all replicas that name the same budget.
type Limits struct {
	Lane   Windows
	Shared Window // zero for none
}

// pace keeps a destination's sends within its limits.
type pace struct {
	limits  Limits
	pool    *pgxpool.Pool
	budgets *budgets

	mu     sync.Mutex
	recent map[laneID]*history
}

func newPace(l Limits, pool *pgxpool.Pool) pace {
	return pace{limits: l, pool: pool, budgets: newBudgets(l.Shared, pool), recent: map[laneID]*history{}}
}

// A history knows when a lane's last sends were over, oldest first. It is the
// whole truth only while its owner is: next is the epoch it holds for.
type history struct {
	ends []time.Time
	next int64
}

// add notes a send. A send arrives at some moment before it is over, so the time
// between the end of one and the beginning of the next is never longer than that
// between their arrivals.
func (h *history) add(end time.Time, keep int) {
	h.ends = append(h.ends, end)
	if excess := len(h.ends) - keep; excess > 0 {
		h.ends = append(h.ends[:0], h.ends[excess:]...)
	}
}

// wait returns how long the next send has to wait.
func (h *history) wait(windows Windows, now time.Time) time.Duration {
	var wait time.Duration
	for _, w := range windows {
		if i := len(h.ends) - w.N; i >= 0 {
			wait = max(wait, h.ends[i].Add(w.Per).Sub(now))
		}
	}
	return wait
}

// longest returns the most sends and the longest span of windows.
func (w Windows) longest() (n int, per time.Duration) {
	for _, window := range w {
		n, per = max(n, window.N), max(per, window.Per)
	}
	return n, per
}

// attend gives a lane its history: ours, if nobody else owned it since, or what
// the attempts on record say.
func (p *pace) attend(ctx context.Context, l *lane) error {
	if len(p.limits.Lane) == 0 || l.history != nil {
		return nil
	}
	if h := p.claim(l); h != nil {
		l.history = h
		return nil
	}
	h, err := p.recall(ctx, l)
	if err != nil {
		return err
	}
	l.history = h
	return nil
}

// claim takes the history that was left for the lane at its epoch, if there is
// one. A history has one owner, as its lane has.
func (p *pace) claim(l *lane) *history {
	id := laneID{l.name, l.conversation}
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.recent[id]
	if h == nil || h.next != l.epoch {
		return nil
	}
	delete(p.recent, id)
	return h
}

const recentSQL = `
	SELECT clock_timestamp() - (began_at + took)
	FROM attempt
	WHERE destination = @destination
	  AND conversation = @conversation
	  AND began_at > now() - @per::interval
	  AND class <> 'expired'
	ORDER BY seq DESC, began_at DESC
	LIMIT @n`

func (p *pace) recall(ctx context.Context, l *lane) (*history, error) {
	n, per := p.limits.Lane.longest()
	args := l.args(0)
	args["n"], args["per"] = n, per
	rows, err := p.pool.Query(ctx, recentSQL, args)
	if err != nil {
		return nil, fmt.Errorf("recall sends: %w", err)
	}
	ages, err := pgx.CollectRows(rows, pgx.RowTo[time.Duration])
	if err != nil {
		return nil, fmt.Errorf("recall sends: %w", err)
	}
	now, h := time.Now(), &history{}
	for _, age := range slices.Backward(ages) {
		h.add(now.Add(-age), n)
	}
	if l.doubts > 0 { // the owner before us may have sent one it did not record
		h.add(now, n)
	}
	return h, nil
}

// sent notes that a lane has sent.
func (p *pace) sent(l *lane, end time.Time) {
	if l.history == nil {
		return
	}
	n, _ := p.limits.Lane.longest()
	l.history.add(end, n)
}

// leave keeps a lane's history for whoever of us owns it next, at that epoch. The
// lane is done with it.
func (p *pace) leave(l *lane, next int64) {
	h := l.history
	if h == nil {
		return
	}
	l.history = nil
	p.mu.Lock()
	defer p.mu.Unlock()
	h.next = next
	p.recent[laneID{l.name, l.conversation}] = h
}

// forget drops histories that restrain nobody any more.
func (p *pace) forget() {
	_, per := p.limits.Lane.longest()
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, h := range p.recent {
		if n := len(h.ends); n == 0 || time.Since(h.ends[n-1]) > per {
			delete(p.recent, id)
		}
	}
}
