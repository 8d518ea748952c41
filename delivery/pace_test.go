package delivery_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// counting is a peer that counts as a limit says it does.
type counting struct {
	mu   sync.Mutex
	at   map[string][]time.Time
	got  map[string][]int
	over int
}

func (c *counting) take(name string, w word, limits delivery.Windows) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.at == nil {
		c.at, c.got = map[string][]time.Time{}, map[string][]int{}
	}
	for _, l := range limits {
		if i := len(c.at[name]) - l.N; i >= 0 && now.Sub(c.at[name][i]) < l.Per {
			c.over++
		}
	}
	c.at[name] = append(c.at[name], now)
	c.got[w.Lane] = append(c.got[w.Lane], w.N)
}

func (c *counting) total() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, words := range c.got {
		n += len(words)
	}
	return n
}

// TestLaneLimits: a burst is spread over the windows, whole, in order and never
// above them, while replicas come and go.
func TestLaneLimits(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	limits := delivery.Windows{{N: 3, Per: 200 * time.Millisecond}, {N: 8, Per: time.Second}}
	peer := &counting{}
	d := &delivery.Destination[word]{Name: "x", Limits: delivery.Limits{Lane: limits}, Send: func(_ context.Context, w word) error {
		peer.take(w.Lane, w, limits)
		return nil
	}}
	one, stopOne := begin(t, pool, quick(), "one", d)
	for lane := range 3 {
		for n := range 12 {
			put(t, one, d, delivery.Header{}, word{fmt.Sprint(lane), n})
		}
	}
	eventually(t, "some arrive", func() bool { return peer.total() >= 12 })
	stopOne()
	two, _ := begin(t, pool, quick(), "two", d)
	for lane := range 3 {
		put(t, two, d, delivery.Header{}, word{fmt.Sprint(lane), 12})
	}
	eventually(t, "all arrive", func() bool { return peer.total() == 39 })
	if peer.over > 0 {
		t.Errorf("%d sends over the limit", peer.over)
	}
	for lane, got := range peer.got {
		if !slices.Equal(got, numbers(13)) {
			t.Errorf("lane %s: %v", lane, got)
		}
	}
}

// TestSharedLimit: lanes of two replicas keep to one budget together. Sends that are
// under way while the machine stops arrive together, but not each time.
func TestSharedLimit(t *testing.T) {
	t.Parallel()
	over := 0
	for range 3 {
		if over = overLimit(t); over == 0 {
			return
		}
	}
	t.Errorf("each time there were sends over the limit, at last %d", over)
}

// overLimit returns how many sends of two replicas were over their common limit.
func overLimit(t *testing.T) int {
	t.Helper()
	pool := pgtest.DB(t, migrations.Schema())
	limit := delivery.Window{N: 40, Per: time.Second}
	peer := &counting{}
	d := &delivery.Destination[word]{
		Name: "x", Limits: delivery.Limits{Shared: limit},
		Budget: func(word) string { return "tenant" },
		Send: func(_ context.Context, w word) error {
			peer.take("tenant", w, delivery.Windows{limit})
			return nil
		},
	}
	one, stopOne := begin(t, pool, quick(), "one", d)
	two, stopTwo := begin(t, pool, quick(), "two", d)
	for lane := range 40 {
		put(t, one, d, delivery.Header{}, word{fmt.Sprintf("one %d", lane), 0}, word{fmt.Sprintf("one %d", lane), 1})
		put(t, two, d, delivery.Header{}, word{fmt.Sprintf("two %d", lane), 0})
	}
	eventually(t, "all arrive", func() bool { return peer.total() == 120 })
	stopOne()
	stopTwo()
	return peer.over
}

func TestWindows(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]delivery.Windows{
		"7/1s":            {{7, time.Second}},
		"7/1s, 1800/1h":   {{7, time.Second}, {1800, time.Hour}},
		"off":             nil,
		"":                nil,
		"7":               nil,
		"0/1s":            nil,
		"7/1":             nil,
		"7/-1s":           nil,
		"7/1s,":           nil,
		"7 per second":    nil,
		"99999999999/1s ": {{99999999999, time.Second}},
	} {
		var got delivery.Windows
		err := got.UnmarshalText([]byte(text))
		if (err == nil) != (want != nil || text == "off") || err == nil && !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
}

// TestPeerAway: while a peer is away one lane at a time looks for it, however
// many wait; when it is back all of it arrives in order.
func TestPeerAway(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	var mu sync.Mutex
	away, tries := true, 0
	s := &sink{fail: func(word) error {
		mu.Lock()
		defer mu.Unlock()
		if away {
			tries++
			return errAway
		}
		return nil
	}}
	c := quick()
	c.Backoff, c.BackoffMax = 50*time.Millisecond, 200*time.Millisecond
	d := &delivery.Destination[word]{Name: "x", Send: s.send, Breaks: true}
	o, _ := begin(t, pool, c, "one", d)
	const lanes = 200
	began := time.Now()
	for lane := range lanes {
		put(t, o, d, delivery.Header{}, word{fmt.Sprint(lane), 0}, word{fmt.Sprint(lane), 1})
	}
	<-time.After(2 * time.Second)
	mu.Lock()
	away = false
	took := time.Since(began)
	t.Logf("%d tries for %d lanes in %s", tries, lanes, took)
	if most := 50 * (1 + int(took.Seconds())); tries > most { // each on its own would make over 1,000 a second
		t.Errorf("%d tries while the peer was away, want %d at most", tries, most)
	}
	mu.Unlock()
	eventually(t, "all arrive", func() bool { return s.total() == 2*lanes })
	for lane := range lanes {
		if got := s.lane(fmt.Sprint(lane)); !slices.Equal(got, numbers(2)) {
			t.Errorf("lane %d: %v", lane, got)
		}
	}
}

// TestPeerHangs: a peer that does not even refuse gets one lane's attempt at a
// time, however long that takes.
func TestPeerHangs(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	var mu sync.Mutex
	now, most, hangs := 0, 0, 0 // now: of those that began when the peer was known to be away
	back := make(chan struct{})
	s := &sink{}
	c := quick()
	c.Timeout = 200 * time.Millisecond
	d := &delivery.Destination[word]{Name: "x", Breaks: true, Repeatable: true, Send: func(ctx context.Context, w word) error {
		mu.Lock()
		looks := hangs > 2*c.Concurrency
		if looks {
			now++
			most = max(most, now)
		}
		mu.Unlock()
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			if hangs++; looks {
				now--
			}
		}()
		select {
		case <-back:
			return s.send(ctx, w)
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
	o, _ := begin(t, pool, c, "one", d)
	const lanes = 100
	for lane := range lanes {
		put(t, o, d, delivery.Header{}, word{fmt.Sprint(lane), 0})
	}
	eventually(t, "some looked", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return hangs > 2*c.Concurrency+3
	})
	mu.Lock()
	if most != 1 {
		t.Errorf("%d lanes at once looked for the peer, want 1", most)
	}
	mu.Unlock()
	close(back)
	eventually(t, "all arrive", func() bool { return s.total() == lanes })
}
