package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// conclude is how Adele ends a conversation.
func conclude() map[string]string {
	return map[string]string{"reason": "solved", "summary": "The parcel was sent again."}
}

// concluded is what the copilot is given then.
func (k *escalation) concluded(more ...string) map[string]any {
	out := map[string]any{
		"LiveChatConversationId": k.id, "status": "ended", "endedBy": "agent", "reason": "solved", "summary": "The parcel was sent again.",
	}
	for i := 0; i+1 < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}

const concludedText = "Adele Vance has ended the conversation. You are back with the copilot.\n\nReason: solved\n\nSummary: The parcel was sent again."

// TestR10_AgentEnds: the agent's pending lines arrive, then the user is told what
// came of it, then the copilot has them back, with the outcome.
func TestR10_AgentEnds(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*testing.T, *escalation) (resume func()){
		"at once": func(*testing.T, *escalation) func() { return func() {} },
		"during back-off": func(_ *testing.T, k *escalation) func() {
			k.sandbox.Fault(sandbox.Connector, sandbox.Fault{Status: http.StatusTooManyRequests, RetryAfter: time.Second, Times: 3})
			return func() {}
		},
		"while the service is stopped": func(_ *testing.T, k *escalation) func() {
			k.service.stop()
			return k.service.start
		},
		"across a restart": func(t *testing.T, k *escalation) func() {
			t.Helper()
			k.sandbox.Fault(sandbox.Connector, sandbox.Fault{Status: http.StatusServiceUnavailable})
			return func() {
				eventually(t, "the end accepted", func() bool { return k.mappings(t, "ending") == 1 })
				k.service.stop()
				k.sandbox.ClearFaults(sandbox.Connector)
				k.service.start()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newEscalation(t, sandbox.Config{})
			k.does(t, http.MethodPost, "join", nil)
			k.sees(t, "has joined")
			resume := prepare(t, k)
			for _, text := range []string{"one", "two", "three"} {
				k.does(t, http.MethodPost, "messages", map[string]string{"message": text})
			}
			k.does(t, http.MethodPost, "end", conclude())
			resume()
			if diff := cmp.Diff(k.concluded(), k.over(t)); diff != "" {
				t.Errorf("outputs (-want +got):\n%s", diff)
			}
			said := byAuthor(k.user, sandbox.ByAgent)
			want := []string{"**Adele Vance**: one", "**Adele Vance**: two", "**Adele Vance**: three", concludedText}
			if diff := cmp.Diff(want, said[max(0, len(said)-4):]); diff != "" {
				t.Errorf("the user's last lines (-want +got):\n%s", diff)
			}
			sandboxtest.WaitLine(t, k.user, sandbox.ByCopilot, sandbox.Summary+"The parcel was sent again.")
			sandboxtest.Say(t, k.user, "hello")
			sandboxtest.WaitLine(t, k.user, sandbox.ByCopilot, sandbox.Greeting)
		})
	}
}

// TestR10_ToldSoon: the user knows within three seconds that the agent has ended it;
// a busy machine may hold that up, but not each of ten times.
func TestR10_ToldSoon(t *testing.T) {
	t.Parallel()
	w := quickWorld(t, sandbox.Config{})
	const soon = 3 * time.Second
	best := time.Hour
	for n := 0; n < 10 && best > soon; n++ {
		k := w.escalation(t)
		k.does(t, http.MethodPost, "join", nil)
		k.sees(t, "has joined")
		before := k.times("has ended the conversation")
		began := time.Now()
		k.agentEnds(t, k.id)
		eventually(t, "the user told", func() bool { return k.times("has ended the conversation") > before })
		best = min(best, time.Since(began))
		k.over(t)
	}
	if best > soon {
		t.Errorf("the user was told after %s", best)
	}
	t.Logf("the user was told after %s", best)
}

// TestR10_EndRefused: a host that takes no end out of turn gets it in the user's
// next turn, whose words the copilot answers.
func TestR10_EndRefused(t *testing.T) {
	t.Parallel()
	for name, inline := range map[string]bool{"posted": false, "expectReplies": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newEscalation(t, sandbox.Config{ExpectReplies: inline, Switches: sandbox.Switches{RefuseEnd: http.StatusForbidden}})
			k.does(t, http.MethodPost, "join", nil)
			k.sees(t, "has joined")
			k.reads(t, 1, "help") // what comes behind the end is nobody's
			k.does(t, http.MethodPost, "end", conclude())
			k.sees(t, concludedText)
			eventually(t, "the host refused", func() bool {
				return slices.ContainsFunc(k.sandbox.Requests(sandbox.SkillHost), func(r sandbox.Request) bool { return r.Status == http.StatusForbidden })
			})
			sandboxtest.Say(t, k.user, "hello")
			sandboxtest.WaitLine(t, k.user, sandbox.ByCopilot, "Adele Vance has left the conversation. The copilot answers you now.")
			sandboxtest.WaitLine(t, k.user, sandbox.ByCopilot, sandbox.Greeting)
			if diff := cmp.Diff(k.concluded("pendingText", "hello"), k.over(t)); diff != "" {
				t.Errorf("outputs (-want +got):\n%s", diff)
			}
			if said := k.said(t, k.id); !cmp.Equal(said, []string{"help"}) {
				t.Errorf("the hub got %q", said)
			}
		})
	}
}

// TestUserEnds by the button and by the topic, and not by a word of good bye in a
// sentence.
func TestUserEnds(t *testing.T) {
	t.Parallel()
	k := newEscalation(t, sandbox.Config{})
	k.does(t, http.MethodPost, "join", nil)
	card := k.sees(t, "has joined")
	sandboxtest.Say(t, k.user, "no thank you, goodbye is what he said to me")
	k.reads(t, 1, "no thank you, goodbye is what he said to me")
	sandboxtest.Say(t, k.user, "one more")
	sandboxtest.Press(t, k.user, card.ID, endChat, nil)
	k.sees(t, "You have ended the conversation. You are back with the copilot.")
	out := k.over(t)
	if out["status"] != "ended" || out["endedBy"] != "user" {
		t.Errorf("outputs %v", out)
	}
	if said := k.said(t, k.id); said[len(said)-1] != "one more" {
		t.Errorf("the agent reads %q", said)
	}
	if s := k.standing(t); s.EndedBy != "user" {
		t.Errorf("the hub says that it was ended by %q", s.EndedBy)
	}

	k.escalates(t)
	sandboxtest.Say(t, k.user, "Good bye")
	sandboxtest.WaitLine(t, k.user, sandbox.ByCopilot, sandbox.Back)
	if out := k.over(t); out["status"] != "ended" {
		t.Errorf("outputs %v", out)
	}
}

// TestHostEnds: the hub is told once, and nothing is sent to a host or a user who
// are gone.
func TestHostEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, *escalation) error{
		"the app removed":        func(t *testing.T, k *escalation) error { t.Helper(); return k.user.Uninstall(t.Context()) },
		"the conversation reset": func(t *testing.T, k *escalation) error { t.Helper(); return k.user.Cancel(t.Context()) },
		"an end of conversation": func(t *testing.T, k *escalation) error {
			t.Helper()
			c := newCaller(t, k.world)
			for n := range 3 { // posted again under other ids
				c.says([]string{"end", "end again", "end once more"}[n], map[string]any{"type": "endOfConversation", "text": nil})
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newEscalation(t, sandbox.Config{})
			k.does(t, http.MethodPost, "join", nil)
			k.sees(t, "has joined")
			posts := func() int {
				return len(k.sandbox.Requests(sandbox.SkillHost)) + len(k.sandbox.Requests(sandbox.Connector))
			}
			k.idle(t)
			before := posts()
			if err := end(t, k); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the end at the hub", func() bool { return k.standing(t).State == "ended" })
			k.idle(t)
			if n := posts(); n != before {
				t.Errorf("%d posts went out after the end", n-before)
			}
			if ends := k.happened(t, "ended"); ends != 1 {
				t.Errorf("the hub was told %d times", ends)
			}
			if n := k.mappings(t, "closed"); n != 1 {
				t.Errorf("%d mappings are closed", n)
			}
		})
	}
}

// happened counts what happened to the conversation at the hub.
func (k *escalation) happened(tb testing.TB, event string) (n int) {
	tb.Helper()
	err := k.hubDB.QueryRow(tb.Context(), `SELECT count(*) FROM contoso.line WHERE conversation_id = $1 AND event = $2`, k.id, event).Scan(&n)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// TestR9_AfterTheEnd: what comes late from either side reaches nobody it is not
// for.
func TestR9_AfterTheEnd(t *testing.T) {
	t.Parallel()
	k := newEscalation(t, sandbox.Config{})
	k.does(t, http.MethodPost, "join", nil)
	card := k.sees(t, "has joined")
	sandboxtest.Press(t, k.user, card.ID, endChat, nil)
	k.over(t)
	k.idle(t)
	before := len(k.sandbox.Requests(sandbox.Connector))
	for n, e := range []map[string]any{
		{"message": "too late"},
		{"event": "joined"},
		{"event": "typing"},
		{"event": "transferred", "to": "Billing"},
		{"event": "edited", "messageId": "m", "message": "too late"},
		{"event": "deleted", "messageId": "m"},
	} {
		e["id"], e["conversationId"], e["sender"] = strings.Repeat("x", n+1), k.id, "Bo"
		if status := k.hubSays(t, e); status != http.StatusConflict {
			t.Errorf("%v: status %d, want 409", e, status)
		}
	}
	if status := k.hubSays(t, map[string]any{"id": "end", "conversationId": k.id, "event": "ended"}); status != http.StatusNoContent {
		t.Errorf("an end again: status %d, want 204", status)
	}

	c := newCaller(t, k.world) // a host that still thinks we have the user
	host := len(k.sandbox.Requests(sandbox.SkillHost))
	c.says("late", map[string]any{"text": "are you there?"})
	answers, err := k.sandbox.WaitRequests(t.Context(), sandbox.SkillHost, host+2)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"You are not connected to a person. You are back with the copilot.", `"pendingText":"are you there?"`} {
		if body := string(answers[host+i].Body); !strings.Contains(body, want) {
			t.Errorf("the host got %s, want %s", body, want)
		}
	}
	k.idle(t)
	if n := len(k.sandbox.Requests(sandbox.Connector)); n != before {
		t.Errorf("%d posts went to the user after the end", n-before)
	}
	if said := k.said(t, k.id); !cmp.Equal(said, []string{"help"}) {
		t.Errorf("the hub got %q", said)
	}
}
