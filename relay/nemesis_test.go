package relay_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
)

// meddle makes trouble until ctx ends.
func (r *run) meddle(ctx context.Context, random *rand.Rand) {
	direct := r.sandbox.Direct()
	for ctx.Err() == nil {
		r.progress(ctx, 2+random.IntN(4))
		talks := direct.Conversations()
		if len(talks) == 0 {
			continue
		}
		one := talks[random.IntN(len(talks))]
		r.troubles++
		switch random.IntN(13) {
		case 0, 1:
			direct.DropStream(one)
		case 2:
			direct.Repeat(one, 1+random.IntN(5))
		case 3:
			direct.ExpireTokens(one)
			r.loses(one)
		case 4:
			if !r.secret && random.IntN(3) == 0 {
				r.loses(one)
				direct.Forget(one)
			}
		case 5:
			r.sandbox.Fault(sandbox.DirectLine, sandbox.Fault{Status: http.StatusBadGateway, Accept: true, Times: 1 + random.IntN(3)})
		case 6:
			r.sandbox.Fault(sandbox.DirectLine, sandbox.Fault{Reset: true, Accept: random.IntN(2) == 0, Times: 1 + random.IntN(2)})
		case 7:
			r.sandbox.Fault(sandbox.DirectLine, sandbox.Fault{Status: http.StatusServiceUnavailable, Times: 1 + random.IntN(4)})
		case 8:
			r.sandbox.Fault(sandbox.DirectLineStream, sandbox.Fault{Status: http.StatusBadGateway, Times: 1 + random.IntN(3)})
		case 9, 10:
			r.hubFault(random)
		case 11:
			r.restart(random.IntN(2), false) //nolint:contextcheck // a replica outlives the trouble
		case 12:
			r.outages(random) //nolint:contextcheck // as above
		}
	}
}

// progress waits until the copilot has heard some more words, or for a while: on a busy
// machine trouble must not be all that happens.
func (r *run) progress(ctx context.Context, words int) {
	from, tick := len(r.heard.all()), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for enough := time.After(500 * time.Millisecond); len(r.heard.all()) < from+words; {
		select {
		case <-ctx.Done():
			return
		case <-enough:
			return
		case <-tick.C:
		}
	}
}

func (r *run) loses(id activity.ConversationID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost[id] = !r.secret || r.lost[id]
}

// hubFault makes the hub answer some calls with what it is not sure of, or not at
// all.
func (r *run) hubFault(random *rand.Rand) {
	left, status := 1+random.IntN(3), []int{http.StatusBadGateway, http.StatusServiceUnavailable}[random.IntN(2)]
	r.chat.do(func() {
		r.chat.refuse = func(string) error {
			if left--; left < 0 {
				return nil
			}
			return refusal{status}
		}
	})
}

// outages takes the database away, now and then from a replica that ends meanwhile:
// nothing costs so much time.
func (r *run) outages(random *rand.Rand) {
	switch random.IntN(4) {
	case 0:
		back := r.outage()
		<-time.After(time.Duration(random.IntN(500)) * time.Millisecond)
		back()
	case 1:
		r.restart(random.IntN(2), true)
	}
}

// restart ends a replica and begins another in its place. One that is killed leaves
// what it has to nobody, and the other is not known to be the same.
func (r *run) restart(n int, killed bool) {
	r.mu.Lock()
	old := r.replicas[n]
	r.replicas[n] = r.replicas[1-n]
	name := []string{"one", "two"}[n]
	if killed {
		r.killed++
	}
	name += strings.Repeat("'", r.killed)
	r.mu.Unlock()
	back := func() {}
	if killed {
		back = r.outage()
	}
	old.stop()
	back()
	fresh := r.start(name)
	r.mu.Lock()
	r.replicas[n] = fresh
	r.mu.Unlock()
}
