package contoso

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// topics wake who waits for changes of one conversation. They carry nothing: who
// wakes up reads the database. The zero value is ready.
type topics struct {
	mu   sync.Mutex
	byID map[string]map[chan struct{}]struct{}
}

// follow returns a channel that holds something whenever there may be news, and
// what ends it.
func (t *topics) follow(id string) (news <-chan struct{}, leave func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID == nil {
		t.byID = map[string]map[chan struct{}]struct{}{}
	}
	if t.byID[id] == nil {
		t.byID[id] = map[chan struct{}]struct{}{}
	}
	ch := make(chan struct{}, 1)
	t.byID[id][ch] = struct{}{}
	return ch, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if delete(t.byID[id], ch); len(t.byID[id]) == 0 {
			delete(t.byID, id)
		}
	}
}

func (t *topics) wake(ids []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		for ch := range t.byID[id] {
			select {
			case ch <- struct{}{}:
			default: // it will look anyway
			}
		}
	}
}

const visitedSQL = `
SELECT coalesce(max(seq), @after), coalesce(array_agg(DISTINCT conversation_id), '{}')
FROM contoso.event
WHERE seq > @after`

// watchVisited wakes visitors' pages, each by changes of its own conversation
// alone, until ctx ends. One look at what was recorded serves them all.
func (a *App) watchVisited(ctx context.Context) error {
	poll := time.NewTicker(eventPoll)
	defer poll.Stop()
	after := int64(-1)
	for {
		changed := a.changed.next()
		if err := a.wakeVisited(ctx, &after); err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "visitors not woken", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-poll.C:
		}
	}
}

func (a *App) wakeVisited(ctx context.Context, after *int64) error {
	if *after < 0 {
		return wrapped("read event counter", a.DB.QueryRow(ctx, seqSQL).Scan(after))
	}
	var ids []string
	err := a.DB.QueryRow(ctx, visitedSQL, pgx.NamedArgs{"after": *after}).Scan(after, &ids)
	if err != nil {
		return fmt.Errorf("read what was recorded: %w", err)
	}
	a.visited.wake(ids)
	return nil
}
