package bench

import (
	"math"
	"slices"
	"time"
)

// A sample is a set of durations. It is sorted in place when first asked.
type sample struct {
	values []time.Duration
	sorted bool
}

func (s *sample) add(values ...time.Duration) {
	s.values, s.sorted = append(s.values, values...), false
}

// quantile returns the smallest duration that at least share of the sample does
// not exceed (the nearest rank), and 0 of an empty sample.
func (s *sample) quantile(share float64) time.Duration {
	if len(s.values) == 0 {
		return 0
	}
	if !s.sorted {
		slices.Sort(s.values)
		s.sorted = true
	}
	rank := int(math.Ceil(share * float64(len(s.values))))
	return s.values[min(max(rank, 1), len(s.values))-1]
}

// perSecond is a rate; 0 when no time passed.
func perSecond(n int, took time.Duration) float64 {
	if took <= 0 {
		return 0
	}
	return float64(n) / took.Seconds()
}

// each is the share of one in n; 0 for none.
func each(d time.Duration, n int) time.Duration {
	if n == 0 {
		return 0
	}
	return d / time.Duration(n)
}

// ratio is a/b; 0 when b is.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
