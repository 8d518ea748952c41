// Package metrics shows operators how the service does, in the form of
// Prometheus: what the database knows, read at every scrape, and what this
// process did.
//
// A label's value is one of few that configuration and code know: destination,
// class, state, outcome. Nobody's id, name or words are one.
package metrics

import (
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/handoff"
)

const namespace = "liaison"

// Labels. There are no others.
const (
	destinationLabel = "destination"
	classLabel       = "class"
	stateLabel       = "state"
	outcomeLabel     = "outcome"
	hubLabel         = "hub"   // by its configured name
	scoreLabel       = "score" // 1 to 5
)

// maxScrapes bounds how many ask the database at once.
const maxScrapes = 2

// Metrics counts what the process does, and serves it together with what the
// database knows. It is a [delivery.Meter]. Make it with [New].
type Metrics struct {
	registry *prometheus.Registry

	attempts *prometheus.HistogramVec
	waits    *prometheus.CounterVec
	tokens   *prometheus.CounterVec
	skill    *prometheus.CounterVec
	webhooks *prometheus.CounterVec
	handoffs *prometheus.CounterVec
	answers  *prometheus.CounterVec

	greeted   prometheus.Histogram
	answered  prometheus.Histogram
	reactions prometheus.Counter
	streams   prometheus.Gauge
}

// New returns metrics of the service on pool.
func New(pool *pgxpool.Pool) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		attempts: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "attempt_seconds", Help: "Attempts to deliver, by how they ended.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15},
		}, []string{destinationLabel, classLabel}),
		waits:    counter("rate_limit_wait_seconds_total", "Time that conversations waited to keep to a peer's limits.", destinationLabel),
		tokens:   counter("token_fetches_total", "Tokens asked for, by what came of it.", outcomeLabel),
		skill:    counter("skill_requests_total", "Activities at the copilot's door, by the answer.", outcomeLabel),
		webhooks: counter("webhook_requests_total", "Events at the hubs' door, by the answer.", outcomeLabel),
		handoffs: counter("handoffs_total", "Links from Microsoft 365 Copilot, by what became of them.", outcomeLabel),
		answers:  counter("survey_answers_total", "What users think of the help, from 1, the worst, to 5.", hubLabel, scoreLabel),
		greeted: arrivals("handoff_greeting_seconds", "From a link of Microsoft 365 Copilot to our first words in the chat.",
			.1, .25, .5, 1, 2, 5, 10, 30, 60),
		answered: arrivals("handoff_answer_seconds", "From a link of Microsoft 365 Copilot to a person's first words.",
			5, 15, 30, 60, 120, 300, 600, 1800, 3600),
		reactions: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "reactions_total", Help: "Reactions of users to messages, which go to nobody.",
		}),
	}
	m.streams = prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "copilot_streams", Help: "Conversations in hubs' own chats that this process listens to.",
	})
	for _, c := range []*prometheus.CounterVec{m.tokens, m.skill, m.webhooks} {
		for _, o := range outcomes() {
			c.WithLabelValues(o)
		}
	}
	for _, o := range handoff.Outcomes() {
		m.handoffs.WithLabelValues(string(o))
	}
	m.registry.MustRegister(m.attempts, m.waits, m.tokens, m.skill, m.webhooks, m.handoffs, m.answers, m.greeted, m.answered, m.reactions, m.streams, newDatabase(pool),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func arrivals(name, help string, buckets ...float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets})
}

// Handler serves /metrics, and /debug/pprof for whoever looks for what is slow. It
// is for operators alone.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorHandling:       promhttp.ContinueOnError, // a sick database hides its numbers, not the process's
		MaxRequestsInFlight: maxScrapes,
	}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// Rated counts an answer to a survey.
func (m *Metrics) Rated(hub string, score int) {
	m.answers.WithLabelValues(hub, strconv.Itoa(score)).Inc()
}

// Streams says how many conversations with copilots are listened to.
func (m *Metrics) Streams(n int) { m.streams.Set(float64(n)) }

// Attempted implements [delivery.Meter].
func (m *Metrics) Attempted(destination string, class delivery.Class, took time.Duration) {
	m.attempts.WithLabelValues(destination, string(class)).Observe(took.Seconds())
}

// Waited implements [delivery.Meter].
func (m *Metrics) Waited(destination string, wait time.Duration) {
	m.waits.WithLabelValues(destination).Add(wait.Seconds())
}

// Handoffs implements [handoff.Meter].
func (m *Metrics) Handoffs(o handoff.Outcome, n int64) {
	m.handoffs.WithLabelValues(string(o)).Add(float64(n))
}

// Greeted observes how long a user who followed a link waited for our first words.
func (m *Metrics) Greeted(wait time.Duration) { m.greeted.Observe(wait.Seconds()) }

// Answered observes how long a user who followed a link waited for a person's.
func (m *Metrics) Answered(wait time.Duration) { m.answered.Observe(wait.Seconds()) }
