package tracing

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Request begins the span of a request at a door, in the trace that the caller is
// in, and returns its context and how to end it. route is the pattern that the
// path matched; empty for none.
//
// Names and attributes: https://opentelemetry.io/docs/specs/semconv/http/http-spans/.
func (t *Tracing) Request(r *http.Request, route string) (context.Context, func(status int)) {
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	name, method := known(r.Method)
	attributes := trace.WithAttributes(semconv.HTTPRequestMethodKey.String(method))
	if route != "" {
		name += " " + route
		attributes = trace.WithAttributes(semconv.HTTPRequestMethodKey.String(method), semconv.HTTPRoute(route))
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer), attributes)
	return ctx, func(status int) {
		answered(span, status, http.StatusInternalServerError)
		span.End()
	}
}

// known returns a method as part of a span's name and as an attribute: strangers
// may make up others.
func known(method string) (name, attribute string) {
	if slices.Contains([]string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace,
	}, method) {
		return method, method
	}
	return "HTTP", "_OTHER"
}

// answered records a status, which is an error from failure on.
func answered(span trace.Span, status, failure int) {
	span.SetAttributes(semconv.HTTPResponseStatusCode(status))
	if status >= failure {
		span.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(status)))
		span.SetStatus(codes.Error, "")
	}
}

// Transport returns rt with a span for each request to peer, until its answer's
// header is there. The peer is not told of the trace.
func (t *Tracing) Transport(peer string, rt http.RoundTripper) http.RoundTripper {
	if t == nil {
		return rt
	}
	return &transport{base: rt, tracer: t.tracer, peer: peer}
}

// OwnTransport is Transport for a peer of the operator's own: it is told of the
// trace, so that it can take part in it.
func (t *Tracing) OwnTransport(peer string, rt http.RoundTripper) http.RoundTripper {
	if t == nil {
		return rt
	}
	return &transport{base: rt, tracer: t.tracer, peer: peer, own: true}
}

type transport struct {
	base   http.RoundTripper
	tracer trace.Tracer
	peer   string
	own    bool
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, span := t.tracer.Start(r.Context(), r.Method+" "+t.peer, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(semconv.HTTPRequestMethodKey.String(r.Method), semconv.ServerAddress(r.URL.Hostname())))
	defer span.End()
	if t.own {
		r = r.Clone(ctx) // a RoundTripper must not change what it was given
		propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(r.Header))
	} else {
		r = r.WithContext(ctx)
	}
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		span.SetAttributes(semconv.ErrorTypeOther) // its text may hold anything
		span.SetStatus(codes.Error, "")
		return nil, err
	}
	answered(span, resp.StatusCode, http.StatusBadRequest)
	return resp, nil
}
