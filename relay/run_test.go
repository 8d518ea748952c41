package relay_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/directline"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/relay"
	"github.com/liaison-skill/liaison/sandbox"
)

// number is a setting of the run below, or its default.
func number(tb testing.TB, name string, otherwise int) int {
	tb.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv(name), strconv.Itoa(otherwise)))
	if err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	return n
}

// A run is conversations under faults, on two replicas. What was promised is held
// against what arrived, both ways.
type run struct {
	*rig
	secret bool // with it, no conversation over Direct Line is ever lost
	rounds int

	mu       sync.Mutex
	replicas [2]replica
	lost     map[activity.ConversationID]bool
	maybe    map[string]bool // words that were under way when their copilot let go

	heard ledger
}

// A ledger is what the copilot hears, also in conversations that are forgotten later.
type ledger struct {
	mu    sync.Mutex
	words []heardWord
}

type heardWord struct {
	talk activity.ConversationID
	text string
}

func (l *ledger) all() []heardWord {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.words)
}

// TestRun: dropped streams, late copies, expiry, doubtful answers, refusals and
// restarts lose and double nothing, and change no order. TEST_RELAY_SEED,
// TEST_RELAY_CONVERSATIONS and TEST_RELAY_ROUNDS make another run, and a longer one.
func TestRun(t *testing.T) {
	t.Parallel()
	seed := uint64(number(t, "TEST_RELAY_SEED", 1))
	for name, secret := range map[string]bool{"with the secret": true, "with tokens alone": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &run{
				rig: newRig(t), secret: secret, rounds: number(t, "TEST_RELAY_ROUNDS", 8),
				lost: map[activity.ConversationID]bool{}, maybe: map[string]bool{},
			}
			if secret {
				r.client.Access = directline.Access{Secret: r.sandbox.Direct().Secret(), Base: r.sandbox.Direct().BaseURL()}
				r.config.Secret = "set"
			}
			r.sandbox.Direct().SetAnswer(r.heard.answer)
			r.replicas = [2]replica{r.start("one"), r.start("two")}
			t.Logf("seed %d", seed)
			r.play(rand.New(rand.NewPCG(seed, 1)), number(t, "TEST_RELAY_CONVERSATIONS", 10))
		})
	}
}

// answer is a copilot's that says what it hears, and lets go of whoever asks for a
// person.
func (l *ledger) answer(a activity.Activity) []activity.Activity {
	if a.Type != activity.TypeMessage {
		return nil
	}
	l.mu.Lock()
	l.words = append(l.words, heardWord{a.Conversation.ID, a.Text})
	l.mu.Unlock()
	switch {
	case strings.HasSuffix(a.Text, "person"):
		return []activity.Activity{
			{Type: activity.TypeMessage, Text: "heard " + a.Text},
			{Type: activity.TypeEvent, Name: "handoff.initiate", Value: []byte(`{"va_LastPhrase":"person"}`)},
		}
	}
	return []activity.Activity{{Type: activity.TypeMessage, Text: "heard " + a.Text}}
}

// play lets so many users talk while faults come and go, and judges what arrived.
func (r *run) play(random *rand.Rand, users int) {
	ctx, stop := context.WithCancel(r.tb.Context())
	var nemesis, all sync.WaitGroup
	trouble := rand.New(rand.NewPCG(random.Uint64(), 2))
	nemesis.Go(func() { r.meddle(ctx, trouble) })
	promised := make([][]string, users)
	for n := range users {
		user := rand.New(rand.NewPCG(random.Uint64(), uint64(n)))
		all.Go(func() { promised[n] = r.user(user, livechat.ConversationID(fmt.Sprint("c", n))) })
	}
	all.Wait()
	stop()
	nemesis.Wait()
	for _, leg := range []sandbox.Leg{sandbox.DirectLine, sandbox.CopilotTokens, sandbox.DirectLineStream} {
		r.sandbox.ClearFaults(leg)
	}
	r.chat.do(func() { r.chat.refuse = nil })
	r.drain()
	deadline := time.Now().Add(60 * time.Second)
	for n, words := range promised {
		r.judge(deadline, livechat.ConversationID(fmt.Sprint("c", n)), words)
	}
	r.chat.do(func() {
		r.tb.Logf("%d conversations at Direct Line, %d lost, %d repeats known by their keys", len(r.sandbox.Direct().Conversations()), len(r.lost), r.chat.repeats)
	})
}

// user talks, and now and then asks for a person, who gives them back. It returns
// what was promised to the copilot, in order.
func (r *run) user(random *rand.Rand, id livechat.ConversationID) []string {
	var promised []string
	say := func(text string) {
		text = string(id) + " " + text
		promised = append(promised, text)
		r.post(random, livechat.CanvasEvent{Kind: livechat.CanvasAsked, ID: text, Conversation: id, Text: text})
	}
	for round := range r.rounds {
		for n := range 1 + random.IntN(4) {
			say(fmt.Sprintf("%d.%d", round, n))
		}
		if random.IntN(4) > 0 || !r.secret { // else a handoff may be lost with its conversation
			<-time.After(time.Duration(random.IntN(100)) * time.Millisecond)
			continue
		}
		say(fmt.Sprintf("%d person", round))
		late, back := fmt.Sprintf("%s %d maybe", id, round), fmt.Sprintf("%s %d back", id, round)
		pending := []string{late, back} // the hub keeps what the copilot did not take
		r.mu.Lock()
		r.maybe[late] = true
		r.mu.Unlock()
		if r.post(random, livechat.CanvasEvent{Kind: livechat.CanvasAsked, ID: late, Conversation: id, Text: late}) {
			pending = pending[1:]
		} else {
			r.mu.Lock()
			delete(r.maybe, late)
			r.mu.Unlock()
		}
		r.waitPassed(id)
		r.chat.takesBack(id)
		promised = append(promised, pending...)
		r.post(random, livechat.CanvasEvent{Kind: livechat.CanvasReturned, ID: back, Conversation: id, Pending: pending})
	}
	return promised
}

// waitPassed waits until people have a conversation.
func (r *run) waitPassed(id livechat.ConversationID) {
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		if _, ok := r.chat.passed(id); ok && r.state(id) == relay.People {
			return
		}
	}
	r.tb.Errorf("%s was not passed to people", id)
}

// post posts as a hub does: until it is taken, and sometimes again. It reports
// whether it was taken: what the copilot has no control for is left.
func (r *run) post(random *rand.Rand, e livechat.CanvasEvent) (taken bool) {
	for again := true; again; {
		r.mu.Lock()
		to := r.replicas[random.IntN(2)]
		r.mu.Unlock()
		err := to.Hear(r.tb.Context(), "hub", e)
		switch {
		case errors.Is(err, relay.ErrNotNow), r.tb.Context().Err() != nil:
			return taken
		case err == nil:
			taken, again = true, random.IntN(5) == 0
		}
	}
	return taken
}

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
		switch random.IntN(12) {
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
			r.restart(random.IntN(2)) //nolint:contextcheck // a replica outlives the trouble
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

// drain waits until nothing is promised any more, for as long as anything moves.
func (r *run) drain() {
	left := func() int { return r.count(`SELECT COALESCE(sum(last_seq - acked_seq), 0) FROM lane`) }
	for last, moved := left(), time.Now(); last > 0; {
		<-time.After(100 * time.Millisecond)
		if now := left(); now != last {
			last, moved = now, time.Now()
		}
		if time.Since(moved) > time.Minute {
			r.tb.Errorf("%d deliveries are stuck", last)
			return
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

func (r *run) restart(n int) {
	name := []string{"one", "two"}[n]
	r.mu.Lock()
	old := r.replicas[n]
	r.replicas[n] = r.replicas[1-n]
	r.mu.Unlock()
	old.stop()
	fresh := r.start(name)
	r.mu.Lock()
	r.replicas[n] = fresh
	r.mu.Unlock()
}
