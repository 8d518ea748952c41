package delivery

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// Attributes of spans. The outbox describes itself as a messaging system does
// (https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/); what
// the conventions have no name for is ours. No lane's name is among them: it holds
// ids of people's conversations.
const (
	systemAttribute      = "messaging.system"
	operationAttribute   = "messaging.operation.name"
	typeAttribute        = "messaging.operation.type"
	destinationAttribute = "messaging.destination.name"
	errorAttribute       = "error.type"
	statusAttribute      = "http.response.status_code"
	repeatAttribute      = "liaison.repeat"
	seqAttribute         = "liaison.seq"
	attemptAttribute     = "liaison.attempt"
	classAttribute       = "liaison.class"
	ambiguousAttribute   = "liaison.ambiguous"
)

const traceparent = "traceparent" // https://www.w3.org/TR/trace-context/

// enqueueing begins a span for each item and returns the items with their places
// in their traces.
func (o *Outbox) enqueueing(ctx context.Context, items []Item) ([]Item, []oteltrace.Span) {
	if o.config.Tracer == nil {
		return items, nil
	}
	items = slices.Clone(items)
	spans := make([]oteltrace.Span, len(items))
	for i := range items {
		from := ctx
		if items[i].header.From.IsValid() {
			from = oteltrace.ContextWithSpanContext(ctx, items[i].header.From)
		}
		from, spans[i] = o.config.Tracer.Start(from, "enqueue "+items[i].destination,
			oteltrace.WithSpanKind(oteltrace.SpanKindProducer),
			oteltrace.WithAttributes(operation("enqueue", "publish", items[i].destination)...))
		carrier := propagation.MapCarrier{}
		propagation.TraceContext{}.Inject(from, carrier)
		items[i].trace = carrier[traceparent]
	}
	return items, spans
}

// enqueued ends the spans of items, which fresh tells from repeats unless err.
func enqueued(spans []oteltrace.Span, fresh []bool, err error) {
	for i, span := range spans {
		switch {
		case err != nil:
			span.SetStatus(codes.Error, "")
		case !fresh[i]:
			span.SetAttributes(attribute.Bool(repeatAttribute, true))
		}
		span.End()
	}
}

// follow returns a context in the trace of m, whatever trace ctx is in: a lane is
// driven in the context of whoever made it busy.
func (o *Outbox) follow(ctx context.Context, m message) context.Context {
	if o.config.Tracer == nil {
		return ctx
	}
	ctx = oteltrace.ContextWithSpanContext(ctx, oteltrace.SpanContext{})
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{traceparent: m.trace})
}

// attempting begins the span of an attempt in a context that follows m, and
// returns how to end it. The span is both a child of the enqueueing, so that the
// trace is one, and linked to it, as the conventions ask of a consumer.
func (o *Outbox) attempting(ctx context.Context, l *lane, m message) (context.Context, func(try)) {
	if o.config.Tracer == nil {
		return ctx, func(try) {}
	}
	options := []oteltrace.SpanStartOption{
		oteltrace.WithSpanKind(oteltrace.SpanKindConsumer),
		oteltrace.WithAttributes(operation("attempt", "process", l.name)...),
		oteltrace.WithAttributes(attribute.Int64(seqAttribute, m.seq), attribute.Int(attemptAttribute, l.attempts+1)),
	}
	if from := oteltrace.SpanContextFromContext(ctx); from.IsValid() {
		options = append(options, oteltrace.WithLinks(oteltrace.Link{SpanContext: from}))
	}
	ctx, span := o.config.Tracer.Start(ctx, "attempt "+l.name, options...)
	return ctx, func(t try) { attempted(span, t) }
}

func attempted(span oteltrace.Span, t try) {
	span.SetAttributes(attribute.String(classAttribute, string(t.Class)), attribute.Bool(ambiguousAttribute, t.Ambiguous))
	if t.Status != 0 {
		span.SetAttributes(attribute.Int(statusAttribute, t.Status))
	}
	if t.Class != Delivered {
		span.SetAttributes(attribute.String(errorAttribute, string(t.Class)))
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

func operation(name, kind, destination string) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String(systemAttribute, "liaison"), attribute.String(operationAttribute, name),
		attribute.String(typeAttribute, kind), attribute.String(destinationAttribute, destination),
	}
}
