package bench

import (
	"io"
	"time"
)

// Options say what to measure and where to write it.
type Options struct {
	Program  string    // the service's binary
	Self     string    // this program's, for the pass-through
	Short    bool      // a tenth of it all
	Dir      string    // where the database lives; a folder in it is made and removed
	Progress io.Writer // a line for each step
}

// A scale is how much is measured.
type scale struct {
	workers       []int
	conversations []int
	rounds        int           // the cells take turns, so that a machine's mood is everybody's
	cell          time.Duration // one run of one cell
	bare          time.Duration
	paced         time.Duration // the run at an even pace
	pace          int           // messages a second
	history       int           // finished deliveries
	pending       int           // deliveries that wait
	compared      int           // conversations with and without history
	compare       time.Duration
	comparisons   int
}

func (o Options) scale() scale {
	if o.Short {
		return scale{
			workers: []int{1, 16, 64}, conversations: []int{100, 1000}, rounds: 1,
			cell: 500 * time.Millisecond, bare: 400 * time.Millisecond, paced: 2 * time.Second, pace: 500,
			history: 50_000, pending: 5_000, compared: 200, compare: time.Second, comparisons: 1,
		}
	}
	return scale{
		workers: []int{1, 16, 64}, conversations: []int{100, 1000, 10_000}, rounds: 2,
		cell: 2 * time.Second, bare: 1500 * time.Millisecond, paced: 8 * time.Second, pace: 500,
		history: 1_000_000, pending: 100_000, compared: 1000, compare: 2 * time.Second, comparisons: 3,
	}
}

func (s scale) mostWorkers() int       { return s.workers[len(s.workers)-1] }
func (s scale) mostConversations() int { return s.conversations[len(s.conversations)-1] }
