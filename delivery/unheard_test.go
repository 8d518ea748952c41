package delivery_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// TestUnheard: each answer that was not heard makes up for one copy, however the
// copies come. What is like it besides is another message.
func TestUnheard(t *testing.T) {
	t.Parallel()
	like := func(key string) delivery.Header {
		return delivery.Header{Conversation: "a", Scope: "s", Key: key, Likeness: "ok"}
	}
	for name, tc := range map[string]struct {
		said, unheard []string
		then          [][]string // transactions
		want          int        // of what came then
	}{
		"all was heard":        {[]string{"1"}, nil, [][]string{{"2"}, {"3"}}, 2},
		"one was not":          {[]string{"1"}, []string{"1"}, [][]string{{"2"}, {"3"}, {"4"}}, 2},
		"copies in one batch":  {[]string{"1"}, []string{"1"}, [][]string{{"2", "3", "4"}}, 2},
		"two were not":         {[]string{"1", "2"}, []string{"1", "2"}, [][]string{{"3"}, {"4"}, {"5"}}, 1},
		"two, in one batch":    {[]string{"1", "2"}, []string{"1", "2"}, [][]string{{"3", "4", "5"}}, 1},
		"it was not accepted":  {nil, []string{"1"}, [][]string{{"2"}}, 1},
		"its own key again":    {[]string{"1"}, []string{"1"}, [][]string{{"1"}, {"2"}, {"3"}}, 1},
		"nor was the copy":     {[]string{"1", "2"}, []string{"1"}, [][]string{{"3"}}, 0},
		"a copy without a key": {[]string{"1"}, []string{"1"}, [][]string{{""}, {""}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &sink{}
			d := &delivery.Destination[word]{Name: "x", Send: s.send}
			o, _ := begin(t, pgtest.DB(t, migrations.Schema()), quick(), "one", d)
			for _, key := range tc.said {
				put(t, o, d, like(key), word{"a", 0})
			}
			for _, key := range tc.unheard {
				if err := o.Unheard(t.Context(), "s", "ok", key); err != nil {
					t.Fatal(err)
				}
			}
			var fresh []bool
			for _, keys := range tc.then {
				fresh = slices.Concat(fresh, putAll(t, o, d, like, keys))
			}
			if got := trues(fresh); got != tc.want {
				t.Errorf("new are %v, want %d", fresh, tc.want)
			}
		})
	}
}

// TestUnheardAtOnce: of many copies at the same time, as many are folded as
// answers were not heard.
func TestUnheardAtOnce(t *testing.T) {
	t.Parallel()
	s := &sink{}
	d := &delivery.Destination[word]{Name: "x", Send: s.send}
	o, _ := begin(t, pgtest.DB(t, migrations.Schema()), quick(), "one", d)
	like := func(key string) delivery.Header {
		return delivery.Header{Conversation: "a", Scope: "s", Key: key, Likeness: "ok"}
	}
	said := []string{"1", "2", "3"}
	for _, key := range said {
		put(t, o, d, like(key), word{"a", 0})
	}
	for _, key := range said {
		if err := o.Unheard(t.Context(), "s", "ok", key); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	var fresh atomic.Int64
	for n := range 20 {
		all.Go(func() { fresh.Add(int64(trues(putAll(t, o, d, like, []string{fmt.Sprint("copy ", n)})))) })
	}
	all.Wait()
	if diff := cmp.Diff(int64(17), fresh.Load()); diff != "" {
		t.Errorf("new (-want +got):\n%s", diff)
	}
}

// putAll enqueues one word for each key in one statement, and tells which are new.
func putAll(tb testing.TB, o *delivery.Outbox, d *delivery.Destination[word], like func(key string) delivery.Header, keys []string) (fresh []bool) {
	tb.Helper()
	items := make([]delivery.Item, len(keys))
	for i, key := range keys {
		item, err := d.Item(like(key), word{"a", 0})
		if err != nil {
			tb.Fatal(err)
		}
		items[i] = item
	}
	err := o.Transact(tb.Context(), func(tx *delivery.Tx) (err error) {
		fresh, err = tx.Enqueue(tb.Context(), items...)
		return err
	})
	if err != nil {
		tb.Error(err)
	}
	return fresh
}

func trues(all []bool) int {
	return len(slices.DeleteFunc(slices.Clone(all), func(b bool) bool { return !b }))
}
