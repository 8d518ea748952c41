package delivery_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// TestTraced follows a word through a failed try and its repeat, and what settling
// it leads to. A lane that one word made busy carries the next in its own trace.
func TestTraced(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	tracer := provider.Tracer("test")
	var failed sync.Once
	s := &sink{fail: func(w word) (err error) {
		if w.N == 0 {
			failed.Do(func() { err = peerError{unavailable: true, ambiguous: true, status: 503} })
		}
		return err
	}}
	echo := &delivery.Destination[word]{Name: "echo", Send: (&sink{}).send}
	d := &delivery.Destination[word]{Name: "x", Send: s.send}
	d.Settled = func(ctx context.Context, tx *delivery.Tx, w word, _ delivery.Settlement) error {
		item, err := echo.Item(delivery.Header{Conversation: w.Lane}, w)
		if err != nil {
			return err
		}
		_, err = tx.Enqueue(ctx, item)
		return err
	}
	c := quick()
	c.Tracer = tracer
	o, _ := begin(t, pool, c, "one", d, echo)

	var items []delivery.Item
	var from [2]trace.SpanContext
	for n := range from {
		_, caller := tracer.Start(t.Context(), "caller")
		from[n] = caller.SpanContext()
		item, err := d.Item(delivery.Header{Conversation: "a", Settle: true, From: from[n]}, word{"a", n})
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, item)
	}
	err := o.Transact(t.Context(), func(tx *delivery.Tx) error {
		_, err := tx.Enqueue(t.Context(), items...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"enqueue x": 1, "attempt x": 1, "enqueue echo": 1, "attempt echo": 1}
	ended := func(of trace.SpanContext) map[string]int {
		names := map[string]int{}
		for _, span := range spans.Ended() {
			if span.SpanContext().TraceID() == of.TraceID() {
				names[span.Name()]++
			}
		}
		return names
	}
	eventually(t, "all delivered", func() bool { return idle(t, pool) && cmp.Equal(want, ended(from[1])) })
	want["attempt x"]++
	if diff := cmp.Diff(want, ended(from[0])); diff != "" {
		t.Errorf("spans of the first word (-want +got):\n%s", diff)
	}
}
