package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(childDatabase); url != "" {
		os.Exit(childMain(url))
	}
	os.Exit(pgtest.Main(m))
}

// word is what the tests deliver.
type word struct {
	Lane string `json:"lane"`
	N    int    `json:"n"`
}

// quick is a configuration in which nothing takes long, but that a busy machine does not
// lose a lease.
func quick() delivery.Config {
	return delivery.Config{
		Concurrency: 16, Lease: 10 * time.Second, Poll: 10 * time.Millisecond, Timeout: 3 * time.Second,
		Faults: 4, GiveUp: time.Minute, Backoff: time.Millisecond, BackoffMax: 10 * time.Millisecond, Drain: 5 * time.Second,
	}
}

// sink is a destination that remembers what it got.
type sink struct {
	mu   sync.Mutex
	got  map[string][]int
	fail func(word) error // asked before a word is taken
}

func (s *sink) send(_ context.Context, w word) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(w); err != nil {
			return err
		}
	}
	if s.got == nil {
		s.got = map[string][]int{}
	}
	s.got[w.Lane] = append(s.got[w.Lane], w.N)
	return nil
}

func (s *sink) lane(name string) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got[name])
}

func (s *sink) total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, words := range s.got {
		n += len(words)
	}
	return n
}

// begin runs an outbox until the test or the returned function ends it.
func begin(tb testing.TB, pool *pgxpool.Pool, c delivery.Config, replica string, peers ...delivery.Peer) (*delivery.Outbox, func()) {
	tb.Helper()
	o := delivery.New(pool, slog.New(slog.DiscardHandler), c, replica, peers...)
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan error, 1)
	go func() { done <- o.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("outbox: %v", err)
		}
	})
	tb.Cleanup(stop)
	return o, stop
}

func put(tb testing.TB, o *delivery.Outbox, d *delivery.Destination[word], h delivery.Header, words ...word) {
	tb.Helper()
	err := o.Transact(tb.Context(), func(tx *delivery.Tx) error {
		for _, w := range words {
			h.Conversation = w.Lane
			if _, err := enqueue(tb.Context(), tx, d, h, w); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func enqueue(ctx context.Context, tx *delivery.Tx, d *delivery.Destination[word], h delivery.Header, w word) (bool, error) {
	item, err := d.Item(h, w)
	if err != nil {
		return false, err
	}
	fresh, err := tx.Enqueue(ctx, item)
	if err != nil {
		return false, err
	}
	return fresh[0], nil
}

// eventually waits until ok, and fails after a minute.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			tb.Fatalf("not in time: %s", what)
		}
	}
}

// idle reports whether no lane has anything left to do.
func idle(tb testing.TB, pool *pgxpool.Pool) bool {
	tb.Helper()
	var busy int
	err := pool.QueryRow(tb.Context(), `SELECT count(*) FROM lane WHERE ready_at IS NOT NULL OR acked_seq < last_seq`).Scan(&busy)
	if err != nil {
		tb.Fatal(err)
	}
	return busy == 0
}

func numbers(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// peerError is an error as a client would return it.
type peerError struct {
	permanent, unavailable, ambiguous bool
	status                            int
}

func (e peerError) Error() string     { return fmt.Sprintf("status %d", e.status) }
func (e peerError) Permanent() bool   { return e.permanent }
func (e peerError) Unavailable() bool { return e.unavailable }
func (e peerError) Ambiguous() bool   { return e.ambiguous }
func (e peerError) StatusCode() int   { return e.status }

var errAway = errors.New("away")
