package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// Traces that callers begin, and the span they call in.
const (
	userTrace  = "0af7651916cd43dd8448eb211c80319c"
	agentTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	callerSpan = "b7ad6b7169203331"
)

// traceparent is the header of a request in a trace
// (https://www.w3.org/TR/trace-context/).
func traceparent(trace string) string { return "00-" + trace + "-" + callerSpan + "-01" }

// A followed world is one whose callers begin traces.
type followed struct {
	*world
	t      *testing.T
	door   *meddler // before the hub
	caller caller

	mu    sync.Mutex
	heard []string // by the hub: the trace of each request
}

// follow lets the world's hub be heard. It wants the hub's URL to be door's.
func follow(t *testing.T, w *world, door *meddler) *followed {
	t.Helper()
	f := &followed{world: w, t: t, door: door}
	door.listen(func(h http.Header) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.heard = append(f.heard, h.Get("Traceparent"))
	})
	door.to(t, w.hub.url())
	f.caller = newCaller(t, w)
	return f
}

// escalates opens a conversation and returns the hub's id of it.
func (f *followed) escalates() string {
	f.t.Helper()
	sandboxtest.Say(f.t, f.sandbox.User("Megan"), "talk to a person", "help")
	return f.chat(f.t).ID
}

// userSays posts the user's words in their trace.
func (f *followed) userSays(id, text string) {
	f.t.Helper()
	a := turn(f.world, id, map[string]any{"text": text})
	a["conversation"] = f.caller.conv
	if status, answer := f.post(f.t, "/api/messages", f.caller.token, a, "Traceparent", traceparent(userTrace)); status != http.StatusAccepted {
		f.t.Fatalf("status %d %s", status, answer)
	}
}

// agentWrites posts the agent's words in theirs.
func (f *followed) agentWrites(conversation, id, text string) {
	f.t.Helper()
	body, err := json.Marshal(map[string]string{"conversationId": conversation, "id": id, "message": text, "sender": "Bo"})
	if err != nil {
		f.t.Fatal(err)
	}
	header := append(sign(id, time.Now(), string(body)), "Traceparent", traceparent(agentTrace))
	if status, answer := f.post(f.t, "/api/livechat/messages", "", body, header...); status != http.StatusNoContent {
		f.t.Fatalf("status %d %s", status, answer)
	}
}

// hears reports whether the hub was told of a span.
func (f *followed) hears(trace, id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Contains(f.heard, "00-"+trace+"-"+id+"-01")
}

// A hop is a span as a way through the service shows it.
type hop struct {
	Name string
	Kind tracepb.Span_SpanKind
}

// way waits for the spans of one line, from its door to its peer, and holds each
// to be the child of the one before.
func (c *collector) way(t *testing.T, trace, route, destination, peer string) (attempt, call span) {
	t.Helper()
	server := c.one(t, trace, "POST "+route, nil)
	enqueue := c.one(t, trace, "enqueue "+destination, nil)
	attempt = c.one(t, trace, "attempt "+destination, func(s span) bool { return s.attributes["liaison.class"] == "delivered" })
	call = c.one(t, trace, "POST "+peer, func(s span) bool { return s.parent == attempt.id })
	want, got := callerSpan+" "+server.id+" "+enqueue.id, server.parent+" "+enqueue.parent+" "+attempt.parent
	if got != want || !slices.Equal(attempt.links, []string{enqueue.id}) {
		t.Errorf("%s: parents are %s, want %s; the attempt is linked to %q, want %q", destination, got, want, attempt.links, enqueue.id)
	}
	kinds := []hop{{server.name, server.kind}, {enqueue.name, enqueue.kind}, {attempt.name, attempt.kind}, {call.name, call.kind}}
	if diff := cmp.Diff([]hop{
		{"POST " + route, tracepb.Span_SPAN_KIND_SERVER},
		{"enqueue " + destination, tracepb.Span_SPAN_KIND_PRODUCER},
		{"attempt " + destination, tracepb.Span_SPAN_KIND_CONSUMER},
		{"POST " + peer, tracepb.Span_SPAN_KIND_CLIENT},
	}, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	return attempt, call
}

// telling are settings of a program that tells a collector what it does at once.
func telling(c *collector, settings ...string) []string {
	return append([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.url, "OTEL_BSP_SCHEDULE_DELAY=50"}, settings...)
}

// TestTraces follows a line of either side from its door to its peer. The hub,
// which is the operator's, is told of the trace; nobody else is. Nobody's ids are
// in it.
func TestTraces(t *testing.T) {
	t.Parallel()
	c, door := newCollector(t), newMeddler(t)
	w, service := newProcessWorld(t, sandbox.Config{}, telling(c, "LIAISON_HUB_CONTOSO_URL="+door.url)...)
	f := follow(t, w, door)
	id := f.escalates()
	f.userSays("activity-1", "It is order 42")
	attempt, call := c.way(t, userTrace, "/api/messages", "hub/contoso", "hub/contoso")
	if !f.hears(userTrace, call.id) {
		t.Errorf("the hub was told of %q, want span %s", f.heard, call.id)
	}
	want := map[string]string{
		"messaging.system": "liaison", "messaging.operation.name": "attempt", "messaging.operation.type": "process",
		"messaging.destination.name": "hub/contoso", "liaison.seq": attempt.attributes["liaison.seq"], "liaison.attempt": "1",
		"liaison.class": "delivered", "liaison.ambiguous": "false",
	}
	if diff := cmp.Diff(want, attempt.attributes); diff != "" {
		t.Errorf("the attempt (-want +got):\n%s", diff)
	}

	f.agentWrites(id, "hubmsg-1", "I am looking")
	c.way(t, agentTrace, "/api/livechat/messages", "teams", "connector")
	f.userSays("activity-1", "It is order 42")
	c.one(t, userTrace, "enqueue hub/contoso", func(s span) bool { return s.attributes["liaison.repeat"] == "true" })

	service.end(syscall.SIGTERM)
	for _, leg := range []sandbox.Leg{sandbox.Connector, sandbox.SkillHost, sandbox.Entra} {
		requests := w.sandbox.Requests(leg)
		for _, r := range requests {
			if slices.Contains(slices.Collect(maps.Keys(r.Header)), "Traceparent") {
				t.Errorf("leg %d is told of a trace", leg)
			}
		}
		if len(requests) == 0 {
			t.Errorf("leg %d was not asked", leg)
		}
	}
	told := c.told()
	for _, somebody := range []string{
		id, "activity-1", "hubmsg-1", "order 42", "looking", "Megan", "Bo\"", tenantID, copilotID, skillID,
		string(w.sandbox.User("Megan").Conversation()), "/v3/", "/oauth2/", "/api/chat", "Bearer",
	} {
		if strings.Contains(told, somebody) {
			t.Errorf("the collector was told of %q", somebody)
		}
	}
	for _, name := range []string{"POST token", "attempt copilot"} {
		if !strings.Contains(told, name) {
			t.Errorf("the collector was not told of %q", name)
		}
	}
}

// TestTraceOutlivesItsProcess finds one trace although the process that took the
// line in is gone, and another one delivers it.
func TestTraceOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		signal os.Signal
		delay  string // of telling the collector, in milliseconds
	}{
		"killed":                             {syscall.SIGKILL, "50"},
		"told to end, with spans still held": {syscall.SIGTERM, "3600000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, door := newCollector(t), newMeddler(t)
			w, service := newProcessWorld(t, sandbox.Config{}, telling(c, "LIAISON_HUB_CONTOSO_URL="+door.url,
				"LIAISON_REPLICA=first", "LIAISON_DELIVERY_LEASE=1s", "OTEL_BSP_SCHEDULE_DELAY="+row.delay)...)
			f := follow(t, w, door)
			id := f.escalates()
			f.caller.idle(t)
			w.hub.stop()
			f.userSays("activity-1", "Is anybody there?")
			if row.signal == syscall.SIGKILL {
				c.one(t, userTrace, "enqueue hub/contoso", nil)
				c.one(t, userTrace, "POST /api/messages", nil)
			}
			service.end(row.signal)
			if server := c.one(t, userTrace, "POST /api/messages", nil); server.instance != "first" {
				t.Errorf("the line came in at %q", server.instance)
			}
			w.environ = append(w.environ, "LIAISON_REPLICA=second", "OTEL_BSP_SCHEDULE_DELAY=50")
			w.hub.start()
			service.start()
			attempt, _ := c.way(t, userTrace, "/api/messages", "hub/contoso", "hub/contoso")
			if attempt.instance != "second" {
				t.Errorf("the line was delivered by %q", attempt.instance)
			}
			if !slices.Contains(w.said(t, id), "Is anybody there?") {
				t.Error("the line is not on the desk")
			}
		})
	}
}

// TestUntraced keeps nothing of a trace and tells nobody of it while no collector
// is named.
func TestUntraced(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]string{
		"nothing is set": nil,
		"it is off":      {"OTEL_SDK_DISABLED=true", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			door := newMeddler(t)
			f := follow(t, newWorld(t, sandbox.Config{}, append(settings, "LIAISON_HUB_CONTOSO_URL="+door.url)...), door)
			id := f.escalates()
			f.userSays("activity-1", "It is order 42")
			f.agentWrites(id, "hubmsg-1", "I am looking")
			f.caller.idle(t)
			var kept, all int
			err := f.db.QueryRow(t.Context(), `SELECT count(trace), count(*) FROM delivery`).Scan(&kept, &all)
			if err != nil || kept != 0 || all < 3 {
				t.Errorf("%d of %d deliveries keep a trace, %v", kept, all, err)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if told := strings.Join(f.heard, ""); told != "" || len(f.heard) < 2 {
				t.Errorf("in %d requests the hub was told %q", len(f.heard), told)
			}
		})
	}
}

// TestCollectorAway holds that nobody waits for the collector: neither words, nor
// the start, nor the end longer than it may take.
func TestCollectorAway(t *testing.T) {
	t.Parallel()
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the end of the connection is noticed behind it
		<-r.Context().Done()
	}))
	t.Cleanup(silent.Close)
	for name, row := range map[string]struct{ endpoint, log string }{
		"not there": {"http://127.0.0.1:1", "traces do not reach the collector"},
		"silent":    {silent.URL, "the last traces were not exported in time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, user, id := escalated(t, sandbox.Config{}, "OTEL_EXPORTER_OTLP_ENDPOINT="+row.endpoint, "LIAISON_DRAIN=2s")
			for n := range 20 {
				sandboxtest.Say(t, user, fmt.Sprint("line ", n))
			}
			w.agentSays(t, id, "I am looking")
			sandboxtest.WaitLine(t, user, sandbox.ByAgent, "I am looking")
			began := time.Now()
			w.service.stop()
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("the end took %s", took)
			}
			if log := w.log.String(); !strings.Contains(log, row.log) {
				t.Errorf("the log does not tell:\n%s", log)
			}
		})
	}
}
