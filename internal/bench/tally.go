package bench

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
)

// maxMessages bounds one run, so that nothing is allocated while it runs.
const maxMessages = 1 << 18

// A saying is who said what kind of thing.
type saying struct {
	kind   kind
	person int
}

// A tally is what happened to the messages of one run. Times are nanoseconds
// since its epoch, of one clock: everything is on one machine.
type tally struct {
	run      int
	epoch    time.Time
	taken    atomic.Int64 // numbers given out
	said     []saying
	began    []int64        // when its sender began
	accepted []int64        // when its sender had the 2xx
	arrived  []atomic.Int64 // when it reached the peer; 0: not yet
	arrivals atomic.Int64
	twice    atomic.Int64
	failed   atomic.Int64 // starts whose copilot was told that no hub could be had

	sender []atomic.Int32 // by number, when senders wait for the peer
	heard  []chan struct{}
}

func newTally(run, size int) *tally {
	return &tally{
		run: run, epoch: time.Now(), said: make([]saying, size),
		began: make([]int64, size), accepted: make([]int64, size), arrived: make([]atomic.Int64, size),
	}
}

// hearing makes arrivals known to their senders.
func (t *tally) hearing(senders int) {
	t.sender = make([]atomic.Int32, len(t.began))
	t.heard = make([]chan struct{}, senders)
	for i := range t.heard {
		t.heard[i] = make(chan struct{}, 1)
	}
}

func (t *tally) now() int64 { return int64(time.Since(t.epoch)) }

// number gives out the next number, if there is room for it.
func (t *tally) number() (int, bool) {
	n := int(t.taken.Add(1)) - 1
	return n, n < len(t.began)
}

// count is how many numbers were given out.
func (t *tally) count() int { return int(min(t.taken.Load(), int64(len(t.began)))) }

// arrive notes that message n reached its peer.
func (t *tally) arrive(n int) {
	if n < 0 || n >= len(t.arrived) {
		return
	}
	if !t.arrived[n].CompareAndSwap(0, t.now()) {
		t.twice.Add(1)
		return
	}
	t.arrivals.Add(1)
	if t.heard != nil {
		t.heard[t.sender[n].Load()] <- struct{}{} // its sender takes one for each
	}
}

// await waits until every message has arrived.
func (t *tally) await(ctx context.Context) error {
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	deadline := time.After(stuck)
	for t.arrivals.Load() < int64(t.count()) {
		select {
		case <-poll.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			return fmt.Errorf("of %d accepted messages only %d arrived within %s", t.count(), t.arrivals.Load(), stuck)
		}
	}
	return nil
}

// Marks carry run and number through whatever form a message takes: letters and
// digits are escaped nowhere.
const (
	markOpen  = "number"
	markClose = "z"
	between   = 'x'
)

func appendMark(b []byte, run, n int) []byte {
	b = append(b, markOpen...)
	b = appendID(b, run, n)
	return append(b, markClose...)
}

// appendID writes run and number in the form of an activity's id.
func appendID(b []byte, run, n int) []byte {
	b = strconv.AppendInt(b, int64(run), 10)
	b = append(b, between)
	return strconv.AppendInt(b, int64(n), 10)
}

// readMark finds run and number in a body.
func readMark(body []byte) (run, n int, ok bool) {
	_, rest, ok := bytes.Cut(body, []byte(markOpen))
	if !ok {
		return 0, 0, false
	}
	id, _, ok := bytes.Cut(rest, []byte(markClose))
	if !ok {
		return 0, 0, false
	}
	return readID(id)
}

func readID(id []byte) (run, n int, ok bool) {
	a, b, ok := bytes.Cut(id, []byte{between})
	run, errRun := strconv.Atoi(string(a))
	n, errN := strconv.Atoi(string(b))
	return run, n, ok && errRun == nil && errN == nil
}
