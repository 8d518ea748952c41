package tracing_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/internal/tracing"
)

func TestOn(t *testing.T) {
	t.Parallel()
	const endpoint = "http://localhost:4318"
	for name, row := range map[string]struct {
		config *tracing.Config
		want   bool
	}{
		"no configuration":    {nil, false},
		"no endpoint":         {&tracing.Config{Sampler: "always_on"}, false},
		"an endpoint":         {&tracing.Config{Endpoint: endpoint}, true},
		"a traces endpoint":   {&tracing.Config{TracesEndpoint: endpoint}, true},
		"disabled":            {&tracing.Config{Endpoint: endpoint, Disabled: true}, false},
		"disabled, and wrong": {&tracing.Config{Endpoint: "nowhere", Disabled: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			traces, err := tracing.New(row.config, "1", "one", slog.New(slog.DiscardHandler))
			if err != nil || (traces != nil) != row.want || (traces.Tracer() != nil) != row.want || row.config.On() != row.want {
				t.Errorf("got %v, %v; want on: %t", traces, err, row.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(c *tracing.Config)
		want   string // the variable that is blamed
	}{
		"as it is":                    {func(*tracing.Config) {}, ""},
		"every sampler has a name":    {func(c *tracing.Config) { c.Sampler = "parentbased_traceidratio" }, ""},
		"a ratio":                     {func(c *tracing.Config) { c.Sampler, c.SamplerArg = "traceidratio", "0.25" }, ""},
		"headers":                     {func(c *tracing.Config) { c.Headers = "api-key=a%20b, x=y=," }, ""},
		"gRPC":                        {func(c *tracing.Config) { c.Protocol = "grpc" }, "OTEL_EXPORTER_OTLP_PROTOCOL"},
		"no scheme":                   {func(c *tracing.Config) { c.Endpoint = "localhost:4318" }, "OTEL_EXPORTER_OTLP_ENDPOINT"},
		"a password":                  {func(c *tracing.Config) { c.Endpoint = "http://u:plume@h" }, "OTEL_EXPORTER_OTLP_ENDPOINT"},
		"a query":                     {func(c *tracing.Config) { c.TracesEndpoint = "http://h/?key=plume" }, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"},
		"a header without a value":    {func(c *tracing.Config) { c.Headers = "plume" }, "OTEL_EXPORTER_OTLP_HEADERS"},
		"a header that breaks a line": {func(c *tracing.Config) { c.TracesHeaders = "a=plume%0d%0a" }, "OTEL_EXPORTER_OTLP_TRACES_HEADERS"},
		"a header's name":             {func(c *tracing.Config) { c.TracesHeaders = "a b=plume" }, "OTEL_EXPORTER_OTLP_TRACES_HEADERS"},
		"attributes":                  {func(c *tracing.Config) { c.Attributes = "plume" }, "OTEL_RESOURCE_ATTRIBUTES"},
		"an unknown sampler":          {func(c *tracing.Config) { c.Sampler = "sometimes" }, "OTEL_TRACES_SAMPLER"},
		"half a sampler":              {func(c *tracing.Config) { c.Sampler = "parentbased_" }, "OTEL_TRACES_SAMPLER"},
		"too large a ratio":           {func(c *tracing.Config) { c.SamplerArg = "1.5" }, "OTEL_TRACES_SAMPLER_ARG"},
		"no number":                   {func(c *tracing.Config) { c.SamplerArg = "NaN" }, "OTEL_TRACES_SAMPLER_ARG"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &tracing.Config{Endpoint: "https://collector.example"}
			row.change(c)
			blamed, text := "", ""
			if err := c.Check(); err != nil {
				text = err.Error()
				blamed, _, _ = strings.Cut(text, ": ")
			}
			if diff := cmp.Diff(row.want, blamed); diff != "" || strings.Contains(text, "plume") || strings.Contains(text, "\n") {
				t.Errorf("%s (-want +got):\n%s", text, diff)
			}
		})
	}
}

// TestDescribed: help prints every variable that is read.
func TestDescribed(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	if err := env.Table(&table, env.Section{Config: tracing.Config{}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_SERVICE_NAME",
		"OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "OTEL_SDK_DISABLED",
	} {
		if !strings.Contains(table.String(), "  "+name+" ") {
			t.Errorf("no %s in\n%s", name, &table)
		}
	}
}
