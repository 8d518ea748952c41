package tracing

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"golang.org/x/net/http/httpguts"

	"github.com/liaison-skill/liaison/internal/env"
)

// Config is whether and where traces go, in the variables that OpenTelemetry has
// for it (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
// What it does not name, such as OTEL_BSP_SCHEDULE_DELAY, OpenTelemetry's own
// library reads.
type Config struct {
	Endpoint       string     `env:"OTEL_EXPORTER_OTLP_ENDPOINT" help:"the collector traces are sent to (OTLP over HTTP), without /v1/traces; empty traces nothing"`
	TracesEndpoint string     `env:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" help:"the same, as a whole URL"`
	Headers        env.Secret `env:"OTEL_EXPORTER_OTLP_HEADERS" help:"sent to the collector, as name=value,name=value"`
	TracesHeaders  env.Secret `env:"OTEL_EXPORTER_OTLP_TRACES_HEADERS" help:"the same; wins"`
	Protocol       string     `env:"OTEL_EXPORTER_OTLP_PROTOCOL, default=http/protobuf" help:"there is no other"`
	Service        string     `env:"OTEL_SERVICE_NAME" help:"the service in traces; liaison by default"`
	Attributes     string     `env:"OTEL_RESOURCE_ATTRIBUTES" help:"what else is said of this process, as name=value,name=value"`
	Sampler        string     `env:"OTEL_TRACES_SAMPLER, default=parentbased_always_on" help:"which traces are kept: [parentbased_]always_on, always_off, traceidratio"`
	SamplerArg     string     `env:"OTEL_TRACES_SAMPLER_ARG, default=1" help:"the ratio, 0 to 1"`
	Disabled       bool       `env:"OTEL_SDK_DISABLED" help:"true traces nothing"`
}

// Names of the variables that problems are found in.
const (
	endpointVariable       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	tracesEndpointVariable = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	headersVariable        = "OTEL_EXPORTER_OTLP_HEADERS"
	tracesHeadersVariable  = "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
	attributesVariable     = "OTEL_RESOURCE_ATTRIBUTES"
	protocolVariable       = "OTEL_EXPORTER_OTLP_PROTOCOL"
	samplerVariable        = "OTEL_TRACES_SAMPLER"
	samplerArgVariable     = "OTEL_TRACES_SAMPLER_ARG"
)

// On reports whether anything is traced. Nothing is with a nil Config.
func (c *Config) On() bool {
	return c != nil && !c.Disabled && (c.Endpoint != "" || c.TracesEndpoint != "")
}

// Check returns what is wrong, each problem under its variable's name. Nothing is
// while nothing is traced.
func (c *Config) Check() error {
	if !c.On() {
		return nil
	}
	var problems []error
	if c.Protocol != "" && c.Protocol != "http/protobuf" {
		problems = append(problems, fmt.Errorf("%s: %q is not spoken; there is: http/protobuf", protocolVariable, c.Protocol))
	}
	_, endpointErr := c.url()
	_, headersErr := c.header()
	_, attributesErr := c.attributes()
	_, samplerErr := c.sampler()
	return errors.Join(append(problems, endpointErr, headersErr, attributesErr, samplerErr)...)
}

// url is where spans are posted.
func (c *Config) url() (*url.URL, error) {
	name, text := tracesEndpointVariable, c.TracesEndpoint
	if text == "" {
		name, text = endpointVariable, c.Endpoint
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("%s: expected an absolute URL, like http://localhost:4318", name)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("%s: a user name or a query is not sent; credentials go into %s", name, headersVariable)
	}
	if c.TracesEndpoint == "" {
		u = u.JoinPath("v1", "traces")
	}
	return u, nil
}

// header is what every post to the collector has.
func (c *Config) header() (map[string]string, error) {
	name, text := tracesHeadersVariable, c.TracesHeaders.Reveal()
	if text == "" {
		name, text = headersVariable, c.Headers.Reveal()
	}
	return pairs(name, text)
}

// attributes are what the operator says of this process.
func (c *Config) attributes() (map[string]string, error) {
	return pairs(attributesVariable, c.Attributes)
}

// pairs reads a variable of the form name=value,name=value. Its error does not
// quote it: values may be secrets.
func pairs(variable, text string) (map[string]string, error) {
	all := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		name, value, found := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !found || err != nil || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("%s: expected name=value,name=value, with %%XX for spaces, commas and the like", variable)
		}
		all[name] = value
	}
	return all, nil
}

// sampler decides which traces are kept.
func (c *Config) sampler() (sdktrace.Sampler, error) {
	ratio := 1.0
	if c.SamplerArg != "" {
		var err error
		if ratio, err = strconv.ParseFloat(c.SamplerArg, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
			return nil, fmt.Errorf("%s: %q is not a number from 0 to 1", samplerArgVariable, c.SamplerArg)
		}
	}
	roots := map[string]sdktrace.Sampler{
		"": sdktrace.AlwaysSample(), "always_on": sdktrace.AlwaysSample(), "always_off": sdktrace.NeverSample(),
		"traceidratio": sdktrace.TraceIDRatioBased(ratio),
	}
	name, parentBased := strings.CutPrefix(c.Sampler, "parentbased_")
	root, ok := roots[name]
	switch {
	case !ok || parentBased && name == "":
		return nil, fmt.Errorf("%s: no sampler %q; there are: %s", samplerVariable, c.Sampler, strings.Join(samplers(), ", "))
	case parentBased || name == "":
		return sdktrace.ParentBased(root), nil
	}
	return root, nil
}

func samplers() []string {
	names := []string{"always_on", "always_off", "traceidratio"}
	for _, name := range slices.Clone(names) {
		names = append(names, "parentbased_"+name)
	}
	return names
}
