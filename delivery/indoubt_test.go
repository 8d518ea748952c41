package delivery_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// TestInDoubt: a send knows whether an attempt before it may have arrived, also one of
// an owner that died; the next message is in no doubt.
func TestInDoubt(t *testing.T) {
	t.Parallel()
	perhaps := peerError{status: 502, unavailable: true, ambiguous: true}
	for name, tc := range map[string]struct {
		failures []error // of the first word, one after another; then it is taken
		owner    string  // who died over it
		want     []bool
	}{
		"a clear no":             {[]error{errAway, errAway}, "", []bool{false, false, false, false}},
		"no clear answer":        {[]error{perhaps, errAway}, "", []bool{false, true, true, false}},
		"an owner that died":     {nil, "dead/1", []bool{true, false}},
		"nothing was the matter": {nil, "", []bool{false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.DB(t, migrations.Schema())
			var mu sync.Mutex
			var doubts []bool
			all := make(chan struct{})
			d := &delivery.Destination[word]{Name: "x", Repeatable: true, Send: func(ctx context.Context, w word) error {
				mu.Lock()
				defer mu.Unlock()
				doubts = append(doubts, delivery.InDoubt(ctx))
				if w.N == 0 && len(doubts) <= len(tc.failures) {
					return tc.failures[len(doubts)-1]
				}
				if w.N == 1 {
					close(all)
				}
				return nil
			}}
			writer := delivery.New(pool, slog.New(slog.DiscardHandler), quick(), "writer", d)
			put(t, writer, d, delivery.Header{}, word{"a", 0}, word{"a", 1})
			own(t, pool, tc.owner)
			begin(t, pool, quick(), "one", d)
			select {
			case <-all:
			case <-time.After(time.Minute):
				t.Fatal("not delivered in time")
			}
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(tc.want, doubts); diff != "" {
				t.Errorf("in doubt (-want +got):\n%s", diff)
			}
		})
	}
	if delivery.InDoubt(t.Context()) {
		t.Error("in doubt outside a send")
	}
}
