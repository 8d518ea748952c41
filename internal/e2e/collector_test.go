package e2e

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

// A collector takes traces as OpenTelemetry's own does, over HTTP.
type collector struct {
	url string

	mu    sync.Mutex
	spans []span
	text  strings.Builder // all of it
}

// A span is what a collector was told, as far as tests ask.
type span struct {
	trace, id, parent string // hexadecimal
	name, instance    string
	kind              tracepb.Span_SpanKind
	links             []string // ids
	attributes        map[string]string
}

func newCollector(tb testing.TB) *collector {
	tb.Helper()
	c := &collector{}
	srv := httptest.NewServer(c)
	tb.Cleanup(srv.Close)
	c.url = srv.URL
	return c
}

// ServeHTTP implements [http.Handler].
func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var request collectorpb.ExportTraceServiceRequest
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &request) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text.WriteString(prototext.Format(&request))
	for _, of := range request.GetResourceSpans() {
		instance := attributes(of.GetResource().GetAttributes())["service.instance.id"]
		for _, in := range of.GetScopeSpans() {
			for _, s := range in.GetSpans() {
				c.spans = append(c.spans, spanOf(s, instance))
			}
		}
	}
}

func spanOf(s *tracepb.Span, instance string) span {
	var links []string
	for _, l := range s.GetLinks() {
		links = append(links, hex.EncodeToString(l.GetSpanId()))
	}
	return span{
		trace: hex.EncodeToString(s.GetTraceId()), id: hex.EncodeToString(s.GetSpanId()), parent: hex.EncodeToString(s.GetParentSpanId()),
		name: s.GetName(), instance: instance, kind: s.GetKind(), links: links, attributes: attributes(s.GetAttributes()),
	}
}

func attributes(list []*commonpb.KeyValue) map[string]string {
	all := map[string]string{}
	for _, a := range list {
		switch v := a.GetValue().GetValue().(type) {
		case *commonpb.AnyValue_StringValue:
			all[a.GetKey()] = v.StringValue
		case *commonpb.AnyValue_BoolValue:
			all[a.GetKey()] = fmt.Sprint(v.BoolValue)
		case *commonpb.AnyValue_IntValue:
			all[a.GetKey()] = fmt.Sprint(v.IntValue)
		default:
			all[a.GetKey()] = a.GetValue().String()
		}
	}
	return all
}

// told is everything the collector was told, as text.
func (c *collector) told() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// one waits for a span of a trace and returns it.
func (c *collector) one(tb testing.TB, trace, name string, like func(span) bool) span {
	tb.Helper()
	var found span
	eventually(tb, "the span "+name, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, s := range c.spans {
			if s.trace == trace && s.name == name && (like == nil || like(s)) {
				found = s
				return true
			}
		}
		return false
	})
	return found
}
