package delivery_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// TestExpiryNeedsNoPeer: while a peer is away, or hangs with every slot, what
// expired is settled in time in every lane, and so is what asks nothing of the
// peer behind it. The rest waits.
func TestExpiryNeedsNoPeer(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(context.Context) error{
		"away": func(context.Context) error { return errAway },
		"hung": func(ctx context.Context) error { <-ctx.Done(); return errAway },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.DB(t, migrations.Schema())
			var mu sync.Mutex
			settled := map[string][]string{}
			d := &delivery.Destination[word]{
				Name: "x", Breaks: true, Concurrency: 4,
				Local: func(w word) bool { return w.N == 1 },
				Send: func(ctx context.Context, w word) error {
					if w.N == 1 {
						return nil
					}
					ctx, cancel := context.WithCancel(ctx)
					defer cancel()
					defer context.AfterFunc(t.Context(), cancel)() //nolint:contextcheck // it is the end of the test that is waited for
					return send(ctx)
				},
				Settled: func(_ context.Context, _ *delivery.Tx, w word, s delivery.Settlement) error {
					mu.Lock()
					defer mu.Unlock()
					settled[w.Lane] = append(settled[w.Lane], fmt.Sprint(w.N, " ", s.Class))
					return nil
				},
			}
			c := quick()
			c.Backoff, c.BackoffMax, c.Timeout, c.GiveUp = 2*time.Second, 4*time.Second, 20*time.Second, time.Hour
			o, _ := begin(t, pool, c, "one", d)
			for n := range 8 { // the peer is known to be away, or its slots are taken
				put(t, o, d, delivery.Header{}, word{fmt.Sprint("busy ", n), 3})
			}
			const lanes = 60
			for n := range lanes {
				lane := fmt.Sprint(n)
				put(t, o, d, delivery.Header{Within: 500 * time.Millisecond}, word{lane, 0})
				put(t, o, d, delivery.Header{Settle: true}, word{lane, 1})
				put(t, o, d, delivery.Header{}, word{lane, 2})
			}
			eventually(t, "all that needs no peer is settled", func() bool {
				mu.Lock()
				defer mu.Unlock()
				done := 0
				for _, s := range settled {
					if slices.Equal(slices.Compact(slices.Clone(s)), []string{"0 expired", "1 delivered"}) { // what is rolled back is settled again
						done++
					}
				}
				return done == lanes
			})
			eventually(t, "it is recorded, and nothing else", func() bool { // Settled runs before the commit
				rows, err := pool.Query(t.Context(), `SELECT last_seq - acked_seq FROM lane WHERE conversation NOT LIKE 'busy%' GROUP BY 1`)
				if err != nil {
					t.Fatal(err)
				}
				left, err := pgx.CollectRows(rows, pgx.RowTo[int])
				if err != nil {
					t.Fatal(err)
				}
				return slices.Equal(left, []int{1})
			})
		})
	}
}

// TestLocalBehindExpired: a peer that is found away while a lane settles what expired
// holds up nothing that asks nothing of it.
func TestLocalBehindExpired(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	away := make(chan struct{})
	s := &sink{fail: func(w word) error {
		if w.Lane != "a" {
			return errAway
		}
		return nil
	}}
	d := &delivery.Destination[word]{
		Name: "x", Breaks: true, Local: func(w word) bool { return w.N == 1 }, Send: s.send,
		Settled: func(context.Context, *delivery.Tx, word, delivery.Settlement) error {
			<-away
			return nil
		},
	}
	c := quick()
	c.Backoff, c.BackoffMax, c.GiveUp, c.Timeout = time.Hour, time.Hour, 24*time.Hour, time.Minute
	writer := delivery.New(pool, slog.New(slog.DiscardHandler), c, "writer", d)
	put(t, writer, d, delivery.Header{Within: time.Millisecond}, word{"a", 0})
	put(t, writer, d, delivery.Header{}, word{"a", 1})
	<-time.After(2 * time.Millisecond)
	o, _ := begin(t, pool, c, "one", d)
	eventually(t, "it is being settled", func() bool {
		var owned bool
		err := pool.QueryRow(t.Context(), `SELECT owner IS NOT NULL FROM lane`).Scan(&owned)
		return err == nil && owned
	})
	for n := range 8 {
		put(t, o, d, delivery.Header{}, word{fmt.Sprint("busy ", n), 0})
	}
	eventually(t, "the peer is known to be away", func() bool {
		var missed int
		err := pool.QueryRow(t.Context(), `SELECT count(*) FROM lane WHERE attempts > 0`).Scan(&missed)
		return err == nil && missed >= 5
	})
	close(away)
	eventually(t, "what asks nothing of it is done", func() bool { return len(s.lane("a")) == 1 })
}
