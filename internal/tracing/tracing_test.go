package tracing_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/steady"
	"github.com/liaison-skill/liaison/internal/tracing"
)

func TestMain(m *testing.M) { os.Exit(steady.Main(m)) }

// A post is what a collector was sent.
type post struct {
	path string
	key  string
	body []byte
}

// collector answers every post with status and passes it on.
func collector(t *testing.T, status int) (string, <-chan post) {
	t.Helper()
	posts := make(chan post, 16)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Location", "/elsewhere") // not to be followed
		w.WriteHeader(status)
		_, _ = w.Write([]byte("plume"))
		posts <- post{r.URL.Path, r.Header.Get("Api-Key"), body}
	}))
	t.Cleanup(srv.Close)
	return srv.URL, posts
}

// run makes spans with f while traces are sent, and returns the log.
func run(t *testing.T, c *tracing.Config, f func(*tracing.Tracing)) string {
	t.Helper()
	var log bytes.Buffer
	traces, err := tracing.New(c, "1", "one", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	finish, err := traces.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f(traces)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	finish(ctx)
	return log.String()
}

// request makes the span of one request.
func request(t *testing.T, method, route string, header ...string) func(*tracing.Tracing) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/api/people/Quill?token=plume", http.NoBody)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return func(traces *tracing.Tracing) {
		_, end := traces.Request(r, route)
		end(http.StatusServiceUnavailable)
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		method, route string
		want          []string
	}{
		"a route":          {http.MethodPost, "/api/hubs/:hub/webhook", []string{"POST /api/hubs/:hub/webhook", "http.route", "503"}},
		"no route":         {http.MethodGet, "", []string{"GET", "503"}},
		"a made-up method": {"QUILL", "", []string{"HTTP", "_OTHER"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, posts := collector(t, http.StatusOK)
			run(t, &tracing.Config{Endpoint: url + "/otel", Headers: "api-key=plume"}, request(t, row.method, row.route))
			p := <-posts
			if p.path != "/otel/v1/traces" || p.key != "plume" {
				t.Errorf("posted to %s with the key %q", p.path, p.key)
			}
			for _, want := range row.want {
				if !bytes.Contains(p.body, []byte(want)) {
					t.Errorf("the span lacks %q: %q", want, p.body)
				}
			}
			for _, secret := range []string{"Quill", "QUILL", "plume", "people"} {
				if bytes.Contains(p.body, []byte(secret)) {
					t.Errorf("the span holds %q: %q", secret, p.body)
				}
			}
		})
	}
}

// TestSampler: who calls us has decided already, unless it is not asked.
func TestSampler(t *testing.T) {
	t.Parallel()
	const kept, dropped = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
	for name, row := range map[string]struct {
		sampler, arg, traceparent string
		want                      int
	}{
		"by default what the caller keeps":     {"", "", kept, 1},
		"by default not what the caller drops": {"", "", dropped, 0},
		"always":                               {"always_on", "", dropped, 1},
		"never":                                {"always_off", "", kept, 0},
		"a part, of none":                      {"parentbased_traceidratio", "0", "", 0},
		"a part, with a caller's":              {"parentbased_traceidratio", "0", kept, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, posts := collector(t, http.StatusOK)
			c := &tracing.Config{TracesEndpoint: url + "/here", Sampler: row.sampler, SamplerArg: row.arg}
			run(t, c, request(t, http.MethodGet, "/x", "Traceparent", row.traceparent))
			if len(posts) != row.want {
				t.Errorf("%d posts, want %d", len(posts), row.want)
			}
			if row.want == 1 {
				if p := <-posts; p.path != "/here" {
					t.Errorf("posted to %s", p.path)
				}
			}
		})
	}
}

// TestRefused says what the collector answered, but not in its words, and follows
// it nowhere.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusTemporaryRedirect} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			url, posts := collector(t, status)
			log := run(t, &tracing.Config{Endpoint: url, Headers: "api-key=plume"}, request(t, http.MethodGet, "/x"))
			if !strings.Contains(log, "traces are refused by the collector") || strings.Contains(log, "plume") || strings.Count(log, "\n") != 1 {
				t.Errorf("the log reads\n%s", log)
			}
			if len(posts) != 1 {
				t.Errorf("%d posts", len(posts))
			}
		})
	}
}

// TestTransport tells the operator's own peers of the trace, and nobody else.
func TestTransport(t *testing.T) {
	t.Parallel()
	heard := make(chan http.Header, 2)
	peer := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { heard <- r.Header }))
	t.Cleanup(peer.Close)
	url, _ := collector(t, http.StatusOK)
	base := &http.Transport{}
	t.Cleanup(base.CloseIdleConnections)
	run(t, &tracing.Config{Endpoint: url}, func(traces *tracing.Tracing) {
		for own, rt := range map[bool]http.RoundTripper{true: traces.OwnTransport("hub", base), false: traces.Transport("token", base)} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, peer.URL, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := rt.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if told := (<-heard).Get("Traceparent") != ""; told != own || len(r.Header) > 0 {
				t.Errorf("own peer %t: told %t; the request given has %v", own, told, r.Header)
			}
		}
	})
	var none *tracing.Tracing
	if none.Transport("x", base) != http.RoundTripper(base) || none.OwnTransport("x", base) != http.RoundTripper(base) {
		t.Error("without traces the transport is another one")
	}
}
