package relay_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/relay"
	"github.com/liaison-skill/liaison/sandbox"
)

// echoes makes the copilot of a rig say what it hears.
func (r *rig) echoes() {
	r.sandbox.Direct().SetAnswer(func(a activity.Activity) []activity.Activity {
		if a.Type != activity.TypeMessage {
			return nil
		}
		return []activity.Activity{{Type: activity.TypeMessage, Text: "heard " + a.Text}}
	})
}

// talking starts a replica with which an echoing copilot has spoken.
func (r *rig) talking() replica {
	r.tb.Helper()
	r.echoes()
	one := r.start("one")
	r.says(one, "first")
	r.waitSaid("heard first")
	return one
}

// numbers are the words of a conversation, and what an echo says to them.
func numbers(n int) (words, echoes []string) {
	for i := range n {
		words = append(words, fmt.Sprint("word ", i))
		echoes = append(echoes, fmt.Sprint("heard word ", i))
	}
	return words, echoes
}

// TestFaults: whatever happens on the way, the copilot hears each word once and in
// order, and so does the user.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sandbox.Fault{
		"throttled":               {Status: http.StatusTooManyRequests, RetryAfter: time.Second, Times: 1},
		"away":                    {Status: http.StatusServiceUnavailable, Times: 3},
		"broken after it took it": {Status: http.StatusBadGateway, Accept: true, Times: 2},
		"reset after it took it":  {Reset: true, Accept: true, Times: 2},
		"late":                    {Delay: 50 * time.Millisecond, Times: 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.client.Pace.Tick = time.Minute // no look at a silent stream meets the fault
			r.echoes()
			one := r.start("one")
			r.says(one, "first")
			r.waitSaid("heard first")
			words, echoes := numbers(5)
			r.sandbox.Fault(sandbox.DirectLine, fault)
			r.says(one, words...)
			r.waitSaid(append([]string{"heard first"}, echoes...)...)
			if diff := cmp.Diff(append([]string{"startConversation", "first"}, words...), r.heard(r.talk())); diff != "" {
				t.Errorf("the copilot heard (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRefusedWord: a word that the copilot refuses for good stops none behind it, and
// the user is told.
func TestRefusedWord(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.client.Pace.Tick = time.Minute // no look at a silent stream meets the fault
	one := r.talking()
	r.sandbox.Fault(sandbox.DirectLine, sandbox.Fault{Status: http.StatusBadRequest, Times: 1})
	r.says(one, "second")
	const sorry = "Your message could not be delivered to the copilot. Please send it again."
	r.waitSaid("heard first", sorry)
	r.says(one, "third")
	r.waitSaid("heard first", sorry, "heard third")
}

// TestDroppedStreams: what is said while no stream is open is heard all the same.
func TestDroppedStreams(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.echoes()
	one := r.start("one")
	words, echoes := numbers(10)
	for i, word := range words {
		r.says(one, word)
		if i%3 == 0 {
			r.waitSaid(echoes[:i+1]...)
			r.sandbox.Direct().DropStream(r.talk())
			r.sandbox.Direct().Repeat(r.talk(), 3)
		}
	}
	r.waitSaid(echoes...)
}

// TestLost: a conversation whose token is worth nothing any more is begun anew, with
// what is known; the user is told, and no word is lost.
func TestLost(t *testing.T) {
	t.Parallel()
	const anew = "I had to start over, and may ask again what you have told me already."
	for name, lose := range map[string]func(r *rig){
		"expired": func(r *rig) { r.sandbox.Direct().ExpireTokens(r.talk()) },
		"unknown": func(r *rig) { r.sandbox.Direct().Forget(r.talk()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.echoes()
			one := r.start("one")
			r.hears(one, livechat.CanvasEvent{Kind: livechat.CanvasAsked, Text: "first", User: livechat.User{Name: "Megan", Locale: "en-US"}})
			r.waitSaid("heard first")
			before := r.talk()
			lose(r)
			r.says(one, "second")
			r.waitSaid("heard first", anew, "heard second")
			if r.talk() == before {
				t.Fatal("the lost conversation is gone on with")
			}
			if diff := cmp.Diff([]string{"pvaSetContext", "second"}, r.heard(r.talk())); diff != "" {
				t.Errorf("the new copilot heard (-want +got):\n%s", diff)
			}
			context := r.sandbox.Direct().Log(r.talk())[0].Value
			if want := `{"liaison_locale":"en-US","liaison_userName":"Megan"}`; string(context) != want {
				t.Errorf("it was told %s, want %s", context, want)
			}
		})
	}
}

// TestLostWhileListening: a user who waits for an answer that will never come is
// told, without another word of theirs.
func TestLostWhileListening(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.talking()
	r.sandbox.Direct().Forget(r.talk())
	r.waitSaid("heard first", "I had to start over, and may ask again what you have told me already.")
}

// TestParked: while nobody talks nothing is open, and the next word finds the same
// conversation.
func TestParked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.config.Quiet = env.Duration(time.Second)
	r.echoes()
	one := r.start("one")
	words, echoes := numbers(4)
	for i, word := range words {
		r.says(one, word)
		r.waitSaid(echoes[:i+1]...)
		eventually(t, "nobody listens", r.parked)
	}
	if n := len(r.sandbox.Direct().Conversations()); n != 1 {
		t.Errorf("%d conversations at Direct Line, want one", n)
	}
	// What the copilot says to nobody is heard with the next word.
	r.sandbox.Direct().Say(r.talk(), activity.Activity{Type: activity.TypeMessage, Text: "unasked"})
	r.says(one, "last")
	r.waitSaid(append(echoes, "unasked", "heard last")...)
}

// TestSlowPost: a word that is under way for so long that nobody listens any more is
// answered all the same.
func TestSlowPost(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.config.Quiet = env.Duration(500 * time.Millisecond)
	one := r.talking()
	eventually(t, "nobody listens", r.parked)
	r.sandbox.Fault(sandbox.DirectLine, sandbox.Fault{Delay: 4 * time.Second, Times: 1})
	r.says(one, "second")
	r.waitSaid("heard first", "heard second")
}

// TestKept: the token of a parked conversation is renewed in time, for as long as
// the configuration says, and no longer.
func TestKept(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		keep  time.Duration
		talks int
	}{"for an hour": {time.Hour, 1}, "not at all": {0, 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.config.Quiet, r.config.Keep = env.Duration(time.Second), env.Duration(tc.keep)
			r.sandbox.Direct().SetTokenLife(10 * time.Second) // renewed when at most 7 of them are over
			r.echoes()
			one := r.start("one")
			r.says(one, "first")
			r.waitSaid("heard first")
			eventually(t, "nobody listens", r.parked)
			var until time.Time
			if err := r.pool.QueryRow(t.Context(), `SELECT token_until FROM relay`).Scan(&until); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the first token is over", func() bool { return time.Now().After(until) })
			r.says(one, "second")
			eventually(t, "the answer", func() bool { return slices.Contains(r.chat.said(only), "heard second") })
			if n := len(r.sandbox.Direct().Conversations()); n != tc.talks {
				t.Errorf("%d conversations at Direct Line, want %d", n, tc.talks)
			}
		})
	}
}

// TestReplicas: two replicas start one conversation, listen to it once, and when one
// of them dies the other goes on; what comes meanwhile is neither lost nor doubled.
func TestReplicas(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.echoes()
	both := []replica{r.start("one"), r.start("two")}
	words, echoes := numbers(20)
	for i, word := range words {
		r.says(both[i%2], word)
		if i == 10 {
			r.waitSaid(echoes[:i+1]...)
			if n := r.sandbox.Direct().Collisions(r.talk()); n > 0 { // later the dead one's may still be closing
				t.Errorf("%d streams on top of another", n)
			}
			r.mu.Lock()
			listening := 0
			if r.streams["two"] > 0 {
				listening = 1
			}
			r.mu.Unlock()
			both[listening].stop()
			both[listening] = both[1-listening]
		}
	}
	r.waitSaid(echoes...)
	if n := len(r.sandbox.Direct().Conversations()); n != 1 {
		t.Errorf("%d conversations at Direct Line, want one", n)
	}
}

// TestDeadListener: the lease of a replica that died without a word runs out, and
// another listens from where the dead one heard.
func TestDeadListener(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one := r.talking()
	one.stop()
	// As a kill leaves it: a lease that nobody renews, of a replica that is no more.
	if _, err := r.pool.Exec(t.Context(), `UPDATE relay SET listener = 'dead/1', listen_until = now() + interval '1 second'`); err != nil {
		t.Fatal(err)
	}
	r.sandbox.Direct().Say(r.talk(), activity.Activity{Type: activity.TypeMessage, Text: "unasked"})
	two := r.start("two")
	r.waitSaid("heard first", "unasked")
	r.says(two, "second")
	r.waitSaid("heard first", "unasked", "heard second")
}

// TestTakenOver: where the hub says that people have the conversation, the copilot's
// words are dropped, and no word reaches it until they give it back.
func TestTakenOver(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one := r.talking()
	r.chat.takes(only)
	r.says(one, "second")
	r.waitState(relay.People)
	r.refused(one, "third")
	r.chat.takesBack(only)
	r.hears(one, livechat.CanvasEvent{Kind: livechat.CanvasReturned, Pending: []string{"fourth"}})
	r.waitSaid("heard first", "heard fourth")
	if diff := cmp.Diff([]string{"startConversation", "first", "second", "pvaSetContext", "fourth"}, r.heard(r.talk())); diff != "" {
		t.Errorf("the copilot heard (-want +got):\n%s", diff)
	}
}
