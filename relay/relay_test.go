package relay_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/relay"
	"github.com/liaison-skill/liaison/sandbox"
)

// TestTalk: a user who opens the chat is greeted, and talks with the copilot.
func TestTalk(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one := r.start("one")
	r.hears(one, livechat.CanvasEvent{Kind: livechat.CanvasOpened})
	r.waitSaid(list(sandbox.Greeting))
	r.says(one, "What is the weather?", "1")
	r.waitSaid(list(sandbox.Greeting), list(sandbox.Fallback), sandbox.AskProblem)
	want := []string{"startConversation", "What is the weather?", "Talk to a person"}
	if diff := cmp.Diff(want, r.heard(r.talk())); diff != "" {
		t.Errorf("the copilot heard (-want +got):\n%s", diff)
	}
	if v := r.sandbox.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}

// list is what the copilot says, with the one suggestion it makes.
func list(text string) string { return text + "\n\n1. Talk to a person" }

// TestRepeatedEvent: what a hub posts again has no further effect.
func TestRepeatedEvent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one := r.start("one")
	for range 3 {
		r.hears(one, livechat.CanvasEvent{Kind: livechat.CanvasAsked, ID: "same", Text: "goodbye"})
	}
	r.says(one, "hello")
	r.waitSaid(list(sandbox.Greeting), sandbox.Farewell, list(sandbox.Greeting))
	if diff := cmp.Diff([]string{"startConversation", "goodbye", "hello"}, r.heard(r.talk())); diff != "" {
		t.Errorf("the copilot heard (-want +got):\n%s", diff)
	}
}

// TestHandoff: people take over behind the copilot's last words. From then on the
// copilot hears nothing, until they give the user back with what was said last.
func TestHandoff(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one := r.start("one")
	r.says(one, "talk to a person")
	r.waitSaid(list(sandbox.Greeting), sandbox.AskProblem)
	r.says(one, "My parcel is lost")
	r.waitState(relay.People)
	r.waitSaid(list(sandbox.Greeting), sandbox.AskProblem, sandbox.Transferring)
	if p, _ := r.chat.passed(only); p.Problem != "talk to a person" || p.Note != sandbox.AgentMessage {
		t.Errorf("people are told %+v", p)
	}
	r.refused(one, "are you there?") // to people: the hub was late to know
	r.chat.takesBack(only)
	r.hears(one, livechat.CanvasEvent{
		Kind: livechat.CanvasReturned, Reason: "solved", Summary: "It was found.", Pending: []string{"goodbye", "hello"},
	})
	r.waitSaid(list(sandbox.Greeting), sandbox.AskProblem, sandbox.Transferring, sandbox.Farewell, list(sandbox.Greeting))
	want := []string{"startConversation", "talk to a person", "My parcel is lost", "pvaSetContext", "goodbye", "hello"}
	if diff := cmp.Diff(want, r.heard(r.talk())); diff != "" {
		t.Errorf("the copilot heard (-want +got):\n%s", diff)
	}
	if v := r.sandbox.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}

// TestEnded: the end at the hub is the copilot's, too, and nothing follows it.
func TestEnded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one := r.start("one")
	r.says(one, "hello")
	r.waitSaid(list(sandbox.Greeting), list(sandbox.Greeting))
	r.hears(one, livechat.CanvasEvent{Kind: livechat.CanvasEnded})
	eventually(t, "the copilot knows", func() bool {
		heard := r.heard(r.talk())
		return heard[len(heard)-1] == "endOfConversation"
	})
	eventually(t, "nobody listens", r.parked)
	r.refuses(one, livechat.CanvasEvent{Kind: livechat.CanvasAsked, ID: "late", Conversation: only, Text: "hello?"}, relay.ErrEnded)
	r.hears(one, livechat.CanvasEvent{Kind: livechat.CanvasEnded})
}

// TestNotPassed: a hub that does not take the conversation leaves it with the
// copilot, which hears what the user said meanwhile.
func TestNotPassed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	asked := make(chan struct{})
	answer := make(chan struct{})
	ask := sync.OnceFunc(func() { close(asked) })
	r.chat.refuse = func(what string) error {
		if what != "pass" {
			return nil
		}
		ask()
		<-answer
		return refusal{http.StatusBadRequest}
	}
	one := r.start("one")
	r.says(one, "talk to a person")
	r.waitSaid(list(sandbox.Greeting), sandbox.AskProblem)
	r.says(one, "My parcel is lost")
	<-asked
	again := r.refused(one, "goodbye")
	close(answer)
	r.waitState(relay.Copilot)
	r.hears(one, again)
	const sorry = "Sorry, I could not reach a person just now. Please try again in a few minutes."
	eventually(t, "the copilot hears both", func() bool {
		heard := r.heard(r.talk())
		return cmp.Equal(heard[len(heard)-2:], []string{"handoff.unavailable", "goodbye"})
	}, func() any { return r.heard(r.talk()) })
	r.waitSaid(list(sandbox.Greeting), sandbox.AskProblem, sandbox.Transferring, sorry, sandbox.Farewell)
}
