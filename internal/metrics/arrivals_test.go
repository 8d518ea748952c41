package metrics_test

import (
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/metrics"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// TestArrivals observes how long users wait who followed a link.
func TestArrivals(t *testing.T) {
	t.Parallel()
	m := metrics.New(pgtest.DB(t, migrations.Schema()))
	m.Greeted(300 * time.Millisecond)
	m.Answered(40 * time.Second)
	m.Answered(2 * time.Hour)
	got := scrape(t, m)
	for sample, want := range map[string]float64{
		`liaison_handoff_greeting_seconds_bucket{le="0.25"}`: 0, `liaison_handoff_greeting_seconds_bucket{le="0.5"}`: 1,
		`liaison_handoff_answer_seconds_bucket{le="30"}`: 0, `liaison_handoff_answer_seconds_bucket{le="60"}`: 1,
		`liaison_handoff_answer_seconds_count`: 2,
	} {
		if got[sample] != want {
			t.Errorf("%s is %v, want %v", sample, got[sample], want)
		}
	}
}
