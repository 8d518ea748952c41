package bench

import (
	"testing"
	"time"
)

func TestMarks(t *testing.T) {
	t.Parallel()
	body := append(appendMark([]byte(`{"text":"**Adele**: `), 12, 34567), " and more 5x6z"...)
	if run, n, ok := readMark(body); !ok || run != 12 || n != 34567 {
		t.Errorf("read %d, %d, %t of %s", run, n, ok, body)
	}
	for _, bad := range []string{"", "number", "number12z", "number1x", "numberxz", "number1xyz"} {
		if run, n, ok := readMark([]byte(bad)); ok {
			t.Errorf("read %d, %d of %q", run, n, bad)
		}
	}
}

// told is a tally whose messages arrived at the given times.
func told(people []int, arrived ...int64) *tally {
	t := newTally(1, len(arrived))
	for i, at := range arrived {
		n, _ := t.number()
		t.said[n] = saying{userSays, people[i]}
		t.began[n], t.accepted[n] = int64(i), int64(10*(i+1))
		t.arrived[n].Store(at)
	}
	return t
}

func TestResult(t *testing.T) {
	t.Parallel()
	tl := told([]int{1, 2, 1}, 5, 30, 40)
	r, err := tl.result()
	if err != nil {
		t.Fatal(err)
	}
	if r.messages != 3 || r.took != 40 {
		t.Errorf("%d messages took %d, want 3 and 40", r.messages, r.took)
	}
	if a, b := r.arrive.quantile(0), r.arrive.quantile(1); a != 5 || b != 38 {
		t.Errorf("arrivals after %d to %d, want 5 to 38", a, b)
	}
	if a, b := r.after.quantile(0), r.after.quantile(1); a != 0 || b != 10 {
		t.Errorf("arrivals %d to %d after the answer, want 0 to 10", a, b)
	}
}

func TestResultLeavesEndsOut(t *testing.T) {
	t.Parallel()
	tl := told([]int{1, 1}, 20, 900)
	tl.said[1].kind = userEnds
	r, err := tl.result()
	if err != nil || r.messages != 2 || r.took != 900 || r.arrive.quantile(1) != 20 {
		t.Errorf("result is %+v, %v", r, err)
	}
}

func TestDisorderIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := told([]int{1, 1}, 40, 30).result(); err == nil {
		t.Error("one person's words in another order passed")
	}
	if _, err := told([]int{1, 2}, 40, 30).result(); err != nil {
		t.Errorf("two people's: %v", err)
	}
}

func TestRepeatsAreAnError(t *testing.T) {
	t.Parallel()
	tl := told([]int{1}, 0)
	tl.arrive(0)
	if _, err := tl.result(); err != nil {
		t.Fatal(err)
	}
	tl.arrive(0)
	tl.arrive(7) // of nobody
	if _, err := tl.result(); err == nil || tl.arrivals.Load() != 1 {
		t.Errorf("%d arrivals, error %v", tl.arrivals.Load(), err)
	}
}

func TestNumbersEnd(t *testing.T) {
	t.Parallel()
	tl := newTally(1, 2)
	for range 3 {
		tl.number()
	}
	if n, ok := tl.number(); ok || tl.count() != 2 {
		t.Errorf("number %d of two, count %d", n, tl.count())
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	tl := newTally(1, 1)
	tl.number()
	arrived := make(chan error, 1)
	go func() { arrived <- tl.await(t.Context()) }()
	tl.arrive(0)
	select {
	case err := <-arrived:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(stuck):
		t.Error("waits although everything arrived")
	}
}
