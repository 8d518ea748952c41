package metrics

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/relay"
)

// readTimeout bounds what one scrape may cost the database.
const readTimeout = 3 * time.Second

// database reads what all replicas know. Every replica tells the same.
type database struct {
	pool *pgxpool.Pool

	accepted, delivered, dead, held, pending, oldest *prometheus.Desc
	mappings, relays, up                             *prometheus.Desc
}

func newDatabase(pool *pgxpool.Pool) *database {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
	}
	return &database{
		pool:      pool,
		accepted:  describe("accepted", "Deliveries ever accepted: delivered, dead, held and pending together.", destinationLabel),
		delivered: describe("delivered", "Deliveries that the peer has.", destinationLabel),
		dead:      describe("dead", "Deliveries given up.", destinationLabel),
		held:      describe("held", "Deliveries that wait for a decision, or for a peer that said to stop.", destinationLabel),
		pending:   describe("pending", "Deliveries that will be tried.", destinationLabel),
		oldest:    describe("oldest_pending_seconds", "How long the oldest pending delivery has waited; 0 for none.", destinationLabel),
		mappings:  describe("open_conversations", "Conversations that are not over.", stateLabel),
		relays:    describe("canvas_conversations", "Conversations in hubs' own chats that are not over.", stateLabel),
		up:        describe("database_up", "Whether the database answered this scrape in time."),
	}
}

// Describe implements [prometheus.Collector].
func (d *database) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		d.accepted, d.delivered, d.dead, d.held, d.pending, d.oldest, d.mappings, d.relays, d.up,
	} {
		ch <- desc
	}
}

// Collect implements [prometheus.Collector]. What the database does not tell in
// time is left out.
func (d *database) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	counts, err := delivery.Counts(ctx, d.pool)
	var going map[mapping.State]int64
	if err == nil {
		going, err = mapping.CountGoing(ctx, d.pool)
	}
	var relays map[relay.State]int64
	if err == nil {
		relays, err = relay.CountGoing(ctx, d.pool)
	}
	if err != nil {
		ch <- gauge(d.up, 0)
		return
	}
	ch <- gauge(d.up, 1)
	for _, c := range counts {
		ch <- gauge(d.accepted, float64(c.Accepted), c.Destination)
		ch <- gauge(d.delivered, float64(c.Delivered), c.Destination)
		ch <- gauge(d.dead, float64(c.Dead), c.Destination)
		ch <- gauge(d.held, float64(c.Held), c.Destination)
		ch <- gauge(d.pending, float64(c.Pending), c.Destination)
		ch <- gauge(d.oldest, c.Oldest.Seconds(), c.Destination)
	}
	for state, n := range going {
		ch <- gauge(d.mappings, float64(n), string(state))
	}
	for state, n := range relays {
		ch <- gauge(d.relays, float64(n), string(state))
	}
}

func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}
