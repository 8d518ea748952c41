package relay_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/relay"
	"github.com/liaison-skill/liaison/sandbox"
)

// absent is a chat whose hub can tell that nobody is there.
type absent struct{ *chat }

func (absent) Availability(_ context.Context, queue string) (livechat.Availability, error) {
	return livechat.Availability{Open: queue == "billing"}, nil
}

// TestNobodyThere: the user is told by a text, the copilot by an event with the
// reason, and the copilot goes on.
func TestNobodyThere(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		prepare      func(r *rig)
		text, reason string
	}{
		"by the hub's word": {
			func(r *rig) { r.canvas = absent{r.chat} },
			"Nobody is available right now. Please try again later.", "no_agents",
		},
		"by business hours": {
			func(r *rig) { r.hours = func(string, time.Time) (bool, time.Time) { return false, time.Time{} } },
			"Nobody is available right now: it is outside our opening hours.", "closed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			tc.prepare(r)
			one := r.start("one")
			r.says(one, "talk to a person")
			r.waitSaid(list(sandbox.Greeting), sandbox.AskProblem)
			r.says(one, "My parcel is lost")
			r.waitSaid(list(sandbox.Greeting), sandbox.AskProblem, sandbox.Transferring, tc.text)
			var last activity.Activity
			eventually(t, "the copilot knows", func() bool {
				said := r.sandbox.Direct().Log(r.talk())
				last = said[len(said)-1]
				return last.Name == "handoff.unavailable"
			})
			if want := `{"reason":"` + tc.reason + `"}`; string(last.Value) != want {
				t.Errorf("the copilot is told %s, want %s", last.Value, want)
			}
			r.says(one, "goodbye")
			r.waitSaid(list(sandbox.Greeting), sandbox.AskProblem, sandbox.Transferring, tc.text, sandbox.Farewell)
			if _, passed := r.chat.passed(only); passed || r.state(only) != relay.Copilot {
				t.Errorf("the relay is %s", r.state(only))
			}
			if v := r.sandbox.Violations(); len(v) > 0 {
				t.Errorf("violations: %q", v)
			}
		})
	}
}

// TestHints: a copilot's variables say where its user should go, and which queue is
// asked whether anybody is there.
func TestHints(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.canvas = absent{r.chat}
	r.sandbox.Direct().SetAnswer(func(a activity.Activity) []activity.Activity {
		if a.Type != activity.TypeMessage {
			return nil
		}
		value := `{"Queue":" billing ","skills":"German, invoices,","Summary":"Paid {{twice}}.","order":42,"va_LastPhrases":"I paid twice","va_Language":"de-DE"}`
		return []activity.Activity{{Type: activity.TypeEvent, Name: "handoff.initiate", Value: json.RawMessage(value)}}
	})
	one := r.start("one")
	r.says(one, "I paid twice")
	r.waitState(relay.People)
	p, _ := r.chat.passed(only)
	want := livechat.Passing{
		Conversation: only, Key: p.Key, Problem: "I paid twice", Summary: "Paid {\u2060{twice}\u2060}.", Queue: "billing",
		Skills: []string{"German", "invoices"}, Language: "de-DE",
		Variables: map[string]string{"Queue": " billing ", "skills": "German, invoices,", "Summary": "Paid {\u2060{twice}\u2060}.", "order": "42"},
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("people are told (-want +got):\n%s", diff)
	}
}

// TestHandoffOfAUser: what a user says is no handoff, whatever it looks like.
func TestHandoffOfAUser(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one := r.talking()
	// Over Direct Line anybody with the token can post an event.
	body := `{"type":"event","name":"handoff.initiate","from":{"id":"dl_me","role":"bot"},"value":{}}`
	var token string
	err := r.pool.QueryRow(t.Context(), `SELECT token ->> 'token' FROM relay`).Scan(&token)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		r.sandbox.Direct().BaseURL()+"v3/directline/conversations/"+string(r.talk())+"/activities", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d", resp.StatusCode)
	}
	r.says(one, "second")
	r.waitSaid("heard first", "heard second")
	if s := r.state(only); s != relay.Copilot {
		t.Errorf("the relay is %s", s)
	}
}

// TestCopilotEnds: the end is behind the copilot's last words.
func TestCopilotEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.sandbox.Direct().SetAnswer(func(a activity.Activity) []activity.Activity {
		if a.Type != activity.TypeMessage {
			return nil
		}
		return []activity.Activity{
			{Type: activity.TypeMessage, Text: "one"}, {Type: activity.TypeMessage, Text: "two"}, {Type: activity.TypeEndOfConversation},
		}
	})
	one := r.start("one")
	r.says(one, "end it")
	eventually(t, "the end", func() bool { return r.chat.finished(only) })
	r.waitSaid("one", "two")
	r.hears(one, livechat.CanvasEvent{Kind: livechat.CanvasEnded})
	eventually(t, "nobody listens", r.parked)
}

// TestGone: a hub that does not know its conversation any more has ended it.
func TestGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.echoes()
	r.chat.refuse = func(string) error { return refusal{http.StatusNotFound} }
	one := r.start("one")
	r.says(one, "first")
	r.waitState(relay.Ended)
	eventually(t, "the copilot knows", func() bool { return slices.Contains(r.heard(r.talk()), "endOfConversation") })
}

// TestUnshown: where the hub refuses words of the copilot's, the user is told that
// there were some.
func TestUnshown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one := r.talking()
	r.chat.do(func() {
		r.chat.refuse = func(string) error {
			r.chat.refuse = nil
			return refusal{http.StatusRequestEntityTooLarge}
		}
	})
	r.says(one, "second")
	const unshown = "Something the copilot said could not be shown here. Please ask again."
	r.waitSaid("heard first", unshown)
	r.says(one, "third")
	r.waitSaid("heard first", unshown, "heard third")
}

// TestDoubtfulHub: what the hub took without saying so is not shown twice.
func TestDoubtfulHub(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.echoes()
	left := 3
	r.chat.refuse = func(string) error {
		if left--; left >= 0 {
			return refusal{http.StatusBadGateway}
		}
		return nil
	}
	one := r.start("one")
	words, echoes := numbers(6)
	r.says(one, words...)
	r.waitSaid(echoes...)
	r.chat.do(func() {
		if r.chat.repeats == 0 {
			t.Error("nothing was said again: the test tries nothing")
		}
	})
}

// TestTyping: the user sees that the copilot is typing, and the copilot that the user
// is; neither more often than every three seconds, but that what is said ends it.
func TestTyping(t *testing.T) {
	t.Parallel()
	const every = 3 * time.Second
	r := newRig(t)
	one := r.talking()
	began := time.Now()
	for range 5 {
		r.copilotTypes(0)
		r.hears(one, livechat.CanvasEvent{Kind: livechat.CanvasTyping})
	}
	eventually(t, "the copilot is told of typing", func() bool {
		r.hears(one, livechat.CanvasEvent{Kind: livechat.CanvasTyping})
		return r.told() > 0
	})
	shown, told, took := len(r.typed()), r.told(), time.Since(began)
	if most := int(took/every) + 2; shown > most || told > most {
		t.Errorf("in %s typing was shown %d times, and the copilot told of it %d times", took, shown, told)
	}
	words, echoes := numbers(10)
	for n, word := range words { // a busy machine may not show it within the three seconds
		r.says(one, word)
		r.waitSaid(append([]string{"heard first"}, echoes[:n+1]...)...)
		r.copilotTypes(len(r.typed()))
		if all := r.typed(); all[len(all)-1].Sub(all[len(all)-2]) < every {
			return
		}
	}
	t.Error("what the copilot said did not end its typing: it is not seen typing on")
}

// copilotTypes makes the copilot type until the user has seen that more often: a stream
// that breaks takes it along.
func (r *rig) copilotTypes(than int) {
	r.tb.Helper()
	eventually(r.tb, "the copilot is seen typing", func() bool {
		r.sandbox.Direct().Say(r.talk(), activity.Activity{Type: activity.TypeTyping})
		return len(r.typed()) > than
	})
}

// typed is when the user saw that the copilot was typing.
func (r *rig) typed() (all []time.Time) {
	r.chat.do(func() { all = slices.Clone(r.chat.typing) })
	return all
}

// told is how often the copilot was told that the user was typing.
func (r *rig) told() (n int) {
	for _, q := range r.sandbox.Requests(sandbox.DirectLine) {
		if strings.Contains(string(q.Body), `"type":"typing"`) {
			n++
		}
	}
	return n
}
