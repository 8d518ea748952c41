// Package tracing follows messages through the service and tells a collector of
// OpenTelemetry what took how long: requests at the doors, enqueueing, attempts,
// requests to peers.
//
// It is on when the environment names a collector. Otherwise there is no
// [Tracing], a nil one does nothing, and nothing is allocated or started for it.
// Nothing global is set: who traces is given what to trace with.
//
// No span's name or attribute holds anybody's words, name or id, a token, a URL's
// path or its query: the values are a route's pattern, a method, a host, a status,
// a destination, a class, a number.
package tracing

import (
	"context"
	"fmt"
	"log/slog"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// scope names who makes the spans.
const scope = "github.com/liaison-skill/liaison"

// Tracing makes spans and sends them to a collector. Make it with [New]; a nil one
// traces nothing.
type Tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	exporter *exporter
	log      *slog.Logger
}

// New returns what c asks for: nil when nothing is to be traced. Its error names
// the variable that is wrong. Nothing is
// sent before [Tracing.Start].
func New(c *Config, version, instance string, log *slog.Logger) (*Tracing, error) {
	if !c.On() {
		return nil, nil
	}
	sampler, err := c.sampler()
	if err != nil {
		return nil, err
	}
	of, err := c.resource(version, instance)
	if err != nil {
		return nil, err
	}
	e, err := newExporter(c, log)
	if err != nil {
		return nil, err
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(sampler), sdktrace.WithResource(of))
	return &Tracing{provider: provider, tracer: provider.Tracer(scope, trace.WithInstrumentationVersion(version)), exporter: e, log: log}, nil
}

// resource describes this process to the collector.
func (c *Config) resource(version, instance string) (*resource.Resource, error) {
	named, err := c.attributes()
	if err != nil {
		return nil, err
	}
	attributes := []attribute.KeyValue{semconv.ServiceName("liaison"), semconv.ServiceVersion(version), semconv.ServiceInstanceID(instance)}
	for name, value := range named {
		attributes = append(attributes, attribute.String(name, value))
	}
	if c.Service != "" {
		attributes = append(attributes, semconv.ServiceName(c.Service))
	}
	of, err := resource.Merge(resource.Default(), resource.NewSchemaless(attributes...)) // of equal names the last counts
	if err != nil {
		return nil, fmt.Errorf("describe this process: %w", err)
	}
	return of, nil
}

// Tracer returns what makes the spans of deliveries, or nil.
func (t *Tracing) Tracer() trace.Tracer {
	if t == nil {
		return nil
	}
	return t.tracer
}

// Start begins to send spans, until finish is called: that sends what is left, and
// gives up when its context ends.
func (t *Tracing) Start(ctx context.Context) (finish func(context.Context), err error) {
	if t == nil {
		return func(context.Context) {}, nil
	}
	if err := t.exporter.Start(context.WithoutCancel(ctx)); err != nil { // it waits for nothing
		return nil, fmt.Errorf("export traces: %w", err)
	}
	// A full queue drops spans: nobody waits for the collector.
	batches := sdktrace.NewBatchSpanProcessor(t.exporter)
	t.provider.RegisterSpanProcessor(batches)
	return func(ctx context.Context) {
		if err := batches.Shutdown(ctx); err != nil {
			t.log.WarnContext(ctx, "the last traces were not exported in time")
		}
		t.exporter.end(ctx) // also when the last batch is still on its way
	}, nil
}
