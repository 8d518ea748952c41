package bench

import (
	"fmt"
	"time"
)

// A usage is processor time by who used it.
type usage struct {
	service, database, bench time.Duration
	machine                  time.Duration // everybody's together, also those who have no part in this
}

func (u usage) plus(v usage) usage {
	return usage{u.service + v.service, u.database + v.database, u.bench + v.bench, u.machine + v.machine}
}

func (u usage) minus(v usage) usage {
	return usage{u.service - v.service, u.database - v.database, u.bench - v.bench, u.machine - v.machine}
}

// others is what was used by who has no part in this.
func (u usage) others() time.Duration {
	return max(0, u.machine-u.service-u.database-u.bench)
}

// A result is what came of runs of one load.
type result struct {
	messages int
	took     time.Duration // from the first begin to the last arrival
	accept   sample        // begin to 2xx
	arrive   sample        // begin to arrival at the peer
	after    sample        // 2xx to arrival; what arrived before its sender knew counts 0
	late     time.Duration // the generator's own worst delay against its pace
	cpu      usage
	lasted   time.Duration // what cpu is over: took, and until everything was idle
}

func (r *result) rate() float64 { return perSecond(r.messages, r.took) }

// cost is the service's processor time for one message.
func (r *result) cost() time.Duration { return each(r.cpu.service, r.messages) }

// String is a line of progress.
func (r *result) String() string {
	return fmt.Sprintf("%.0f/s; each takes the service %s, the database %s, the bench %s", r.rate(),
		ms(r.cost()), ms(each(r.cpu.database, r.messages)), ms(each(r.cpu.bench, r.messages)))
}

// merge adds another run of the same load.
func (r *result) merge(other *result) {
	r.messages += other.messages
	r.took += other.took
	r.accept.add(other.accept.values...)
	r.arrive.add(other.arrive.values...)
	r.after.add(other.after.values...)
	r.late = max(r.late, other.late)
	r.cpu, r.lasted = r.cpu.plus(other.cpu), r.lasted+other.lasted
}

// result adds up a run that is over. Of conversations that begin and end only the
// beginnings are in the samples.
func (t *tally) result() (*result, error) {
	n := t.count()
	if failed := t.failed.Load(); failed > 0 {
		return nil, fmt.Errorf("of %d conversations %d could not be opened in time", n, failed)
	}
	if wrong := t.disorder(n); wrong > 0 || t.twice.Load() > 0 {
		return nil, fmt.Errorf("%d messages out of order, %d came twice", wrong, t.twice.Load())
	}
	r := &result{messages: n}
	first := int64(0)
	if n > 0 {
		first = t.began[0]
	}
	for i := range n {
		at := t.arrived[i].Load()
		r.took = max(r.took, time.Duration(at-first))
		if t.said[i].kind == userEnds {
			continue
		}
		r.accept.add(time.Duration(t.accepted[i] - t.began[i]))
		r.arrive.add(time.Duration(at - t.began[i]))
		r.after.add(time.Duration(max(0, at-t.accepted[i])))
	}
	return r, nil
}

// disorder counts messages that arrived before one of the same person with a
// lower number.
func (t *tally) disorder(n int) int {
	last := map[int]int64{}
	wrong := 0
	for i := range n {
		at, who := t.arrived[i].Load(), t.said[i].person
		if at < last[who] {
			wrong++
		}
		last[who] = max(at, last[who])
	}
	return wrong
}
