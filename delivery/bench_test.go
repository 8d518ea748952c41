package delivery_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// BenchmarkDelivery measures with the product's defaults and a peer that takes
// no time:
//
//	backlog  1,000 lanes of 5 messages each, from start to all acknowledged
//	live     500 messages a second, from before the transaction to the send
//	hot      one lane of 500 messages
func BenchmarkDelivery(b *testing.B) {
	b.Run("backlog", func(b *testing.B) { benchmarkBacklog(b, 1000, 5) })
	b.Run("live", func(b *testing.B) { benchmarkLive(b, 500, 2000) })
	b.Run("hot", func(b *testing.B) { benchmarkBacklog(b, 1, 500) })
}

func defaults() delivery.Config {
	return delivery.Config{
		Concurrency: 64, Lease: 10 * time.Second, Poll: 250 * time.Millisecond, Timeout: 15 * time.Second,
		Faults: 8, GiveUp: 24 * time.Hour, Backoff: 500 * time.Millisecond, BackoffMax: 30 * time.Second, Drain: 5 * time.Second,
	}
}

func benchmarkBacklog(b *testing.B, lanes, each int) {
	b.Helper()
	pool := pgtest.DB(b, migrations.Schema())
	var took time.Duration
	var total int
	for b.Loop() {
		var sent sync.WaitGroup
		sent.Add(lanes * each)
		d := &delivery.Destination[word]{Name: "x", Send: func(context.Context, word) error {
			sent.Done()
			return nil
		}}
		fill(b, pool, d, lanes, each)
		began := time.Now()
		_, stop := begin(b, pool, defaults(), "bench", d)
		sent.Wait()
		eventually(b, "all acknowledged", func() bool { return idle(b, pool) })
		took += time.Since(began)
		total += lanes * each
		stop()
	}
	b.ReportMetric(float64(total)/took.Seconds(), "msg/s")
}

// fill enqueues without sending.
func fill(b *testing.B, pool *pgxpool.Pool, d *delivery.Destination[word], lanes, each int) {
	b.Helper()
	writer := delivery.New(pool, slog.New(slog.DiscardHandler), defaults(), "writer", d)
	for n := range each {
		items := make([]delivery.Item, lanes)
		for l := range items {
			item, err := d.Item(delivery.Header{Conversation: fmt.Sprint(l)}, word{fmt.Sprint(l), n})
			if err != nil {
				b.Fatal(err)
			}
			items[l] = item
		}
		err := writer.Transact(b.Context(), func(tx *delivery.Tx) error {
			_, err := tx.Enqueue(b.Context(), items...)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkLive(b *testing.B, perSecond, total int) {
	b.Helper()
	pool := pgtest.DB(b, migrations.Schema())
	var all []time.Duration
	for b.Loop() {
		all = append(all, live(b, pool, perSecond, total)...)
	}
	slices.Sort(all)
	ms := func(share float64) float64 {
		return float64(all[int(share*float64(len(all)-1))]) / float64(time.Millisecond)
	}
	b.ReportMetric(ms(0.50), "p50-ms")
	b.ReportMetric(ms(0.99), "p99-ms")
}

// live enqueues each message in a transaction of its own, at an even pace, and
// returns how long each took to be sent.
func live(b *testing.B, pool *pgxpool.Pool, perSecond, total int) []time.Duration {
	b.Helper()
	began := make([]time.Time, total)
	took := make([]time.Duration, total)
	var work sync.WaitGroup
	work.Add(total)
	d := &delivery.Destination[word]{Name: "x", Send: func(_ context.Context, w word) error {
		took[w.N] = time.Since(began[w.N])
		work.Done()
		return nil
	}}
	o, stop := begin(b, pool, defaults(), "bench", d)
	defer stop()
	pace := time.NewTicker(time.Second / time.Duration(perSecond))
	defer pace.Stop()
	for n := range total {
		<-pace.C
		began[n] = time.Now()
		work.Go(func() { put(b, o, d, delivery.Header{}, word{fmt.Sprint("live", n%400), n}) })
	}
	work.Wait()
	eventually(b, "all acknowledged", func() bool { return idle(b, pool) })
	return took
}
