package bench

import (
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	t.Parallel()
	hundred := &sample{}
	for i := 100; i >= 1; i-- {
		hundred.add(time.Duration(i))
	}
	for name, row := range map[string]struct {
		of    *sample
		share float64
		want  time.Duration
	}{
		"nothing":             {&sample{}, 0.5, 0},
		"one":                 {&sample{values: []time.Duration{7}}, 0.99, 7},
		"half of two":         {&sample{values: []time.Duration{9, 3}}, 0.5, 3},
		"more than half":      {&sample{values: []time.Duration{9, 3}}, 0.51, 9},
		"none of it":          {hundred, 0, 1},
		"half of a hundred":   {hundred, 0.5, 50},
		"99 of a hundred":     {hundred, 0.99, 99},
		"99.5 of a hundred":   {hundred, 0.995, 100},
		"all of it":           {hundred, 1, 100},
		"more than there are": {hundred, 2, 100},
	} {
		if got := row.of.quantile(row.share); got != row.want {
			t.Errorf("%s: %d, want %d", name, got, row.want)
		}
	}
}

func TestQuantileAfterMore(t *testing.T) {
	t.Parallel()
	s := &sample{}
	s.add(5, 1)
	if got := s.quantile(1); got != 5 {
		t.Errorf("most is %d, want 5", got)
	}
	s.add(9)
	if got := s.quantile(1); got != 9 {
		t.Errorf("most is %d after 9 was added", got)
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	if got := perSecond(500, 2*time.Second); got != 250 {
		t.Errorf("500 in 2 s are %f a second", got)
	}
	if perSecond(5, 0) != 0 || ratio(5, 0) != 0 || each(time.Second, 0) != 0 {
		t.Error("a division by nothing is not nothing")
	}
	if got := each(time.Second, 4); got != 250*time.Millisecond {
		t.Errorf("a quarter of a second is %s", got)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	r := &result{messages: 10, took: time.Second, late: 3, cpu: usage{service: 4, database: 5, bench: 6}}
	r.arrive.add(1, 2)
	other := &result{messages: 30, took: time.Second, late: 2, cpu: usage{service: 16}}
	other.arrive.add(3)
	r.merge(other)
	if r.rate() != 20 || r.late != 3 || len(r.arrive.values) != 3 || r.cost() != 0 || r.cpu != (usage{service: 20, database: 5, bench: 6}) {
		t.Errorf("two runs together are %+v", r)
	}
}

func TestOthers(t *testing.T) {
	t.Parallel()
	u := usage{service: 1, database: 2, bench: 3, machine: 10}
	if got := u.others(); got != 4 {
		t.Errorf("others used %d of 10", got)
	}
	if got := u.minus(usage{machine: 9}).others(); got != 0 { // ticks are coarse
		t.Errorf("others used %d of 1", got)
	}
	if got := u.plus(u).others(); got != 8 {
		t.Errorf("others used %d of 20", got)
	}
}
