package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// What the user is shown while nobody joins.
const (
	nobodyJoined = "nobody has been able to join yet"
	keepWaiting  = "Keep waiting"
	leaveMessage = "Leave a message"
	toCopilot    = "Back to the copilot"
	endChat      = "End chat"
)

// ways are those in which a choice comes back: as a button's value, or as its
// title alone, from a host that passes on no values.
func ways() map[string]func(*testing.T, *escalation, sandbox.Line, string) {
	return map[string]func(*testing.T, *escalation, sandbox.Line, string){
		"pressed": func(t *testing.T, k *escalation, card sandbox.Line, title string) {
			t.Helper()
			sandboxtest.Press(t, k.user, card.ID, title, nil)
		},
		"typed": func(t *testing.T, k *escalation, _ sandbox.Line, title string) {
			t.Helper()
			sandboxtest.Say(t, k.user, title)
		},
	}
}

// TestR12_NobodyJoins: the user is asked what to do, and each answer does it.
func TestR12_NobodyJoins(t *testing.T) {
	t.Parallel()
	for way, choose := range ways() {
		for name, check := range map[string]func(*testing.T, *escalation, func(sandbox.Line, string)){
			keepWaiting: keepsWaiting, leaveMessage: leavesMessage, toCopilot: goesBack,
		} {
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				k := newEscalation(t, sandbox.Config{}, "LIAISON_WAIT=1s")
				check(t, k, func(card sandbox.Line, title string) {
					t.Helper()
					choose(t, k, card, title)
				})
			})
		}
	}
}

func keepsWaiting(t *testing.T, k *escalation, choose func(sandbox.Line, string)) {
	t.Helper()
	choose(k.sees(t, nobodyJoined), keepWaiting)
	k.sees(t, "You keep your place in the queue.")
	eventually(t, "the question again", func() bool { return k.times(nobodyJoined) == 2 })
	k.agentSays(t, k.id, "here I am")
	k.sees(t, "here I am")
	if w := k.said(t, k.id); !cmp.Equal(w, []string{"help"}) {
		t.Errorf("the agent was told of the choice: %q", w)
	}
	sandboxtest.Say(t, k.user, keepWaiting) // which was asked before: words like any other
	k.reads(t, 1, keepWaiting)
}

func leavesMessage(t *testing.T, k *escalation, choose func(sandbox.Line, string)) {
	t.Helper()
	choose(k.sees(t, nobodyJoined), leaveMessage)
	k.sees(t, "Please write your message now")
	sandboxtest.Say(t, k.user, "Please call me back")
	k.sees(t, "Your message has been passed on. You are back with the copilot.")
	out := k.over(t)
	if out["status"] != "ended" || out["endedBy"] != "user" || out["pendingText"] != nil {
		t.Errorf("outputs %v", out)
	}
	if diff := cmp.Diff([]string{"help", "Please call me back"}, k.said(t, k.id)); diff != "" {
		t.Errorf("the desk (-want +got):\n%s", diff)
	}
}

func goesBack(t *testing.T, k *escalation, choose func(sandbox.Line, string)) {
	t.Helper()
	card := k.sees(t, nobodyJoined)
	choose(card, leaveMessage)
	k.sees(t, "Please write your message now")
	choose(card, toCopilot) // is no message to leave
	k.sees(t, "You have ended the conversation")
	if out := k.over(t); out["endedBy"] != "user" {
		t.Errorf("outputs %v", out)
	}
	if w := k.said(t, k.id); !cmp.Equal(w, []string{"help"}) {
		t.Errorf("the desk shows %q", w)
	}
}

// TestAgentJoinsAfterAll: words meant to be left behind are the agent's who has
// joined meanwhile.
func TestAgentJoinsAfterAll(t *testing.T) {
	t.Parallel()
	k := newEscalation(t, sandbox.Config{}, "LIAISON_WAIT=1s")
	sandboxtest.Press(t, k.user, k.sees(t, nobodyJoined).ID, leaveMessage, nil)
	k.sees(t, "Please write your message now")
	k.does(t, http.MethodPost, "join", nil)
	k.sees(t, "has joined")
	sandboxtest.Say(t, k.user, "Please call me back")
	k.reads(t, 1, "Please call me back")
	if n := k.mappings(t, "active"); n != 1 || k.times("has been passed on") > 0 {
		t.Errorf("%d conversations are active, and the user sees %q", n, byAuthor(k.user, sandbox.ByAgent))
	}
}

// TestButtons that are pressed when their time is over do nothing twice and
// nothing to another conversation.
func TestButtons(t *testing.T) {
	t.Parallel()
	k := newEscalation(t, sandbox.Config{}, "LIAISON_WAIT=1s")
	first := k.sees(t, nobodyJoined)
	sandboxtest.Press(t, k.user, first.ID, toCopilot, nil)
	k.over(t)
	sandboxtest.Press(t, k.user, first.ID, toCopilot, nil) // after the end it is the copilot's
	sandboxtest.WaitLine(t, k.user, sandbox.ByCopilot, sandbox.Fallback)

	k.escalates(t)
	sandboxtest.Press(t, k.user, first.ID, toCopilot, nil) // of the conversation before
	sandboxtest.Say(t, k.user, "still there?")
	k.reads(t, 1, "still there?")
	if n := k.times("You have ended"); n != 1 || k.mappings(t, "waiting") != 1 {
		t.Errorf("the end was told %d times, or an old button ended the conversation", n)
	}

	card := k.sees(t, nobodyJoined)
	eventually(t, "the question of this conversation", func() bool { return k.times(nobodyJoined) == 2 })
	for _, line := range k.user.Lines() {
		if line.Author == sandbox.ByAgent && len(line.Cards) > 0 {
			card = line
		}
	}
	for range 2 {
		sandboxtest.Press(t, k.user, card.ID, keepWaiting, nil)
	}
	if s := k.standing(t); s.State != "waiting" {
		t.Errorf("the hub has it %s", s.State)
	}
}

// TestPressAfterTheEnd: where the host still routes to us, a press gives control
// back and is nothing for the copilot to answer.
func TestPressAfterTheEnd(t *testing.T) {
	t.Parallel()
	k := newEscalation(t, sandbox.Config{Switches: sandbox.Switches{RefuseEnd: http.StatusNotFound}})
	k.does(t, http.MethodPost, "join", nil)
	card := k.sees(t, "has joined")
	k.agentEnds(t, k.id)
	k.sees(t, "has ended the conversation")
	sandboxtest.Press(t, k.user, card.ID, endChat, nil)
	out := k.over(t)
	if out["endedBy"] != "agent" || out["pendingText"] != nil {
		t.Errorf("outputs %v", out)
	}
}

// TestQueueUpdates tells the user of a better place, at most as often as set.
func TestQueueUpdates(t *testing.T) {
	t.Parallel()
	const pause = 2 * time.Second
	w := quickWorld(t, sandbox.Config{}, "LIAISON_QUEUE_UPDATE="+pause.String(), "CONTOSO_QUEUE_NEWS=100ms")
	for i, name := range []string{"Alex", "Lee"} {
		sandboxtest.Say(t, w.sandbox.User(name), "talk to a person", "help")
		eventually(t, "who is before", func() bool { return len(w.chats(t)) == i+1 })
	}
	before := w.chats(t)
	k := w.escalation(t)
	for i, c := range before {
		other := escalation{world: w, id: c.ID}
		other.does(t, http.MethodPost, "join", nil)
		eventually(t, "the new place told", func() bool { return k.times("Thank you for waiting.") == i+1 })
	}
	k.sees(t, "You are now number 2 in the queue")
	k.sees(t, "You are next in the queue")
	if at := k.told(t, "Thank you for waiting."); len(at) != 2 || at[1].Sub(at[0]) < pause {
		t.Errorf("the user was told at %s, want twice, %s apart", at, pause)
	}
}
