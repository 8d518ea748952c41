package relay_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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
	pause  time.Duration // the longest between two rounds: the more talk, the less each

	mu       sync.Mutex
	replicas [2]replica
	killed   int // replicas so far
	lost     map[activity.ConversationID]bool
	troubles int
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

// TestRun: dropped streams, late copies, expiry, doubtful answers, refusals, restarts,
// outages and agents who take over unasked lose and double nothing, and change no order. TEST_RELAY_SEED,
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
			r.overdue = 0 // as configured
			r.client.Pace.Tick = time.Second
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
	r.pause = time.Duration(users) * 20 * time.Millisecond
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
		r.tb.Logf("%d users, %d words, %d troubles; %d conversations at Direct Line, %d of them in trouble; %d repeats known by their keys",
			users, len(r.heard.all()), r.troubles, len(r.sandbox.Direct().Conversations()), len(r.lost), r.chat.repeats)
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
			<-time.After(time.Duration(random.Int64N(int64(r.pause))))
			continue
		}
		if random.IntN(3) == 0 {
			r.waitAnswered(id, promised[len(promised)-1])
			promised = append(promised, r.takeOver(random, id, round))
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

// takeOver lets an agent take a user over whom the copilot has not let go, and give
// them back. It returns what nobody answered.
func (r *run) takeOver(random *rand.Rand, id livechat.ConversationID, round int) string {
	last, back := fmt.Sprintf("%s %d maybe", id, round), fmt.Sprintf("%s %d back", id, round)
	r.mu.Lock()
	r.maybe[last] = true // its answer comes too late
	r.mu.Unlock()
	r.chat.takes(id)
	r.post(random, livechat.CanvasEvent{Kind: livechat.CanvasAsked, ID: last, Conversation: id, Text: last})
	r.waitPassed(id)
	r.chat.takesBack(id)
	r.post(random, livechat.CanvasEvent{Kind: livechat.CanvasReturned, ID: back, Conversation: id, Pending: []string{back}})
	return back
}

// waitAnswered waits until the user was shown all that there is to show: who is taken
// over would not see it any more.
func (r *run) waitAnswered(id livechat.ConversationID, last string) {
	const sql = `SELECT count(*) FROM lane JOIN relay AS r ON conversation = 'relay ' || r.id WHERE hub_conversation = $1 AND last_seq > acked_seq`
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		var waiting int
		err := r.pool.QueryRow(r.tb.Context(), sql, id).Scan(&waiting)
		heard := r.heard.all()
		slices.Reverse(heard)
		i := slices.IndexFunc(heard, func(w heardWord) bool { return w.text == last })
		if err != nil || waiting > 0 || i < 0 {
			continue
		}
		r.mu.Lock()
		lost := r.lost[heard[i].talk]
		r.mu.Unlock()
		if lost || slices.Contains(r.echoes(id), last) {
			return
		}
	}
	r.tb.Errorf("%s: %q was not answered", id, last)
}

// waitPassed waits until people have a conversation.
func (r *run) waitPassed(id livechat.ConversationID) {
	const sql = `SELECT state FROM relay WHERE hub_conversation = $1`
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		var state relay.State
		err := r.pool.QueryRow(r.tb.Context(), sql, id).Scan(&state) // the database may be away
		if _, ok := r.chat.passed(id); ok && err == nil && state == relay.People {
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
		default:
			<-time.After(10 * time.Millisecond)
		}
	}
	return taken
}

// drain waits until nothing is promised any more, for as long as anything moves. What
// an outage cut off is found out by the first who asks.
func (r *run) drain() {
	const sql = `SELECT COALESCE(sum(last_seq - acked_seq), 0) FROM lane`
	last, moved := -1, time.Now()
	for last != 0 {
		var now int
		if err := r.pool.QueryRow(r.tb.Context(), sql).Scan(&now); err == nil && now != last {
			last, moved = now, time.Now()
		}
		if time.Since(moved) > time.Minute {
			r.tb.Errorf("%d deliveries are stuck", last)
			return
		}
		<-time.After(100 * time.Millisecond)
	}
}
