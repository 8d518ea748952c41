package tracing

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

// exportTimeout bounds one post to the collector.
const exportTimeout = 10 * time.Second

// exporter posts spans, and says in the log when that begins to fail.
type exporter struct {
	*otlptrace.Exporter

	peer    *peer
	log     *slog.Logger
	failing bool // one batch at a time is exported
}

// newExporter returns the exporter to c's collector. It follows no redirect: c's
// headers are for nobody else.
func newExporter(c *Config, log *slog.Logger) (*exporter, error) {
	to, err := c.url()
	if err != nil {
		return nil, err
	}
	header, err := c.header()
	if err != nil {
		return nil, err
	}
	p := &peer{base: &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: exportTimeout, IdleConnTimeout: time.Minute,
	}}
	client := otlptracehttp.NewClient(otlptracehttp.WithEndpointURL(to.String()), otlptracehttp.WithHeaders(header),
		otlptracehttp.WithHTTPClient(jsonhttp.NewClient(exportTimeout, p)))
	return &exporter{Exporter: otlptrace.NewUnstarted(client), peer: p, log: log}, nil
}

// ExportSpans implements [sdktrace.SpanExporter]. It returns no error: the library
// would print it, with the URL and whatever the collector answered.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	e.peer.status.Store(0)
	err := e.Exporter.ExportSpans(ctx, spans)
	status := e.peer.status.Load()
	switch {
	case err != nil && !e.failing && status != 0:
		e.log.WarnContext(ctx, "traces are refused by the collector", "status", status)
	case err != nil && !e.failing:
		e.log.WarnContext(ctx, "traces do not reach the collector", "err", jsonhttp.Cause(err))
	case err == nil && e.failing:
		e.log.InfoContext(ctx, "traces reach the collector again")
	}
	e.failing = err != nil
	return nil
}

// end gives up what is still on its way.
func (e *exporter) end(ctx context.Context) {
	_ = e.Shutdown(ctx) // it says at most that ctx has ended
	e.peer.base.CloseIdleConnections()
}

// A peer is the way to the collector. It remembers the last answer's status: the
// library's errors hold the whole answer.
type peer struct {
	base   *http.Transport
	status atomic.Int64
}

// RoundTrip implements [http.RoundTripper].
func (p *peer) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := p.base.RoundTrip(r)
	if err == nil {
		p.status.Store(int64(resp.StatusCode))
	}
	return resp, err
}
