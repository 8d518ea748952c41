package e2e

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestAgentsComeAndGo: the user sees who has the conversation, which stays one
// although its agents change.
func TestAgentsComeAndGo(t *testing.T) {
	t.Parallel()
	k := newEscalation(t, sandbox.Config{})
	holds := func(state, agent string) {
		t.Helper()
		eventually(t, "the mapping is "+state, func() bool { return k.mappings(t, state) == 1 })
		if got := k.standing(t).Agent; got != agent {
			t.Errorf("the hub's agent is %q, want %q", got, agent)
		}
	}
	k.does(t, http.MethodPost, "join", nil)
	k.sees(t, "Adele Vance has joined the conversation.")
	holds("active", "Adele Vance")

	k.does(t, http.MethodPost, "leave", nil)
	k.sees(t, "Adele Vance has left the conversation. Somebody else will join you.")
	holds("waiting", "")

	k.agentSays(t, k.id, "now me")
	k.sees(t, "Bo has joined the conversation.")
	k.sees(t, "**Bo**: now me")
	holds("active", "Bo")

	k.does(t, http.MethodPost, "transfer", map[string]string{"agent": "Diego Siciliani", "note": "private"})
	k.sees(t, "You have been transferred to Diego Siciliani.")
	holds("waiting", "Diego Siciliani")

	k.does(t, http.MethodPost, "transfer", map[string]string{"queue": "Billing"})
	k.sees(t, "You have been transferred to Billing. A person will join you as soon as possible.")
	holds("waiting", "")
	if q := k.standing(t).Queue; q != "Billing" {
		t.Errorf("the queue is %q", q)
	}
	k.does(t, http.MethodPost, "join", nil)
	eventually(t, "Adele again", func() bool { return k.times("Adele Vance has joined") == 2 })
	sandboxtest.Say(t, k.user, "thank you all")
	k.reads(t, 1, "thank you all")
	if k.times("private") > 0 {
		t.Error("the user sees an agent's note")
	}
	if n := len(k.chats(t)); n != 1 {
		t.Errorf("%d conversations at the hub, want one", n)
	}
}

// TestAgentTypes shows the three dots at most once in three seconds, and never
// behind words that are late. On a busy machine one sign may come so late that the
// next is close behind it, but not each time.
func TestAgentTypes(t *testing.T) {
	t.Parallel()
	for round := 1; ; round++ {
		violations := agentTypes(t)
		if len(violations) == 0 {
			return
		}
		if round == 3 {
			t.Fatalf("violations: %q", violations)
		}
	}
}

// agentTypes has an agent type until the user has seen it twice, and returns what the
// connector holds against it.
func agentTypes(t *testing.T) []string {
	t.Helper()
	k := newEscalation(t, sandbox.Config{})
	k.does(t, http.MethodPost, "join", nil)
	k.sees(t, "has joined")
	shown := func() (n int) {
		for _, r := range k.sandbox.Requests(sandbox.Connector) {
			if strings.Contains(string(r.Body), `"type":"typing"`) {
				n++
			}
		}
		return n
	}
	began := time.Now()
	for n := 0; shown() < 2; n++ {
		if status := k.hubSays(t, map[string]any{"id": fmt.Sprint("typing ", n), "conversationId": k.id, "event": "typing", "sender": "Adele"}); status/100 != 2 {
			t.Fatalf("status %d", status)
		}
		if time.Since(began) > time.Minute {
			t.Fatal("the second sign never came")
		}
		<-time.After(50 * time.Millisecond)
	}
	n, took := shown(), time.Since(began)
	if took < 3*time.Second || n > 1+int(took/(3*time.Second)) {
		t.Errorf("%d signs within %s", n, took)
	}
	var kept int
	if err := k.db.QueryRow(t.Context(), `SELECT count(*) FROM entry WHERE text = ''`).Scan(&kept); err != nil || kept > 0 {
		t.Errorf("typing is in the transcript %d times, %v", kept, err)
	}
	return k.sandbox.Violations()
}

// TestUserTypes shows it on the desk, where the host tells us of it.
func TestUserTypes(t *testing.T) {
	t.Parallel()
	for name, drop := range map[string]bool{"passed on": false, "dropped by the host": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newEscalation(t, sandbox.Config{Switches: sandbox.Switches{DropTyping: drop}})
			k.does(t, http.MethodPost, "join", nil)
			k.sees(t, "has joined")
			typing := func() (shown bool) {
				err := k.hubDB.QueryRow(t.Context(), `SELECT user_typing_at IS NOT NULL FROM contoso.conversation WHERE id = $1`, k.id).Scan(&shown)
				if err != nil {
					t.Fatal(err)
				}
				return shown
			}
			types := func() {
				t.Helper()
				if err := k.user.Type(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if !drop {
				eventually(t, "the desk shows it", func() bool { // one sign that comes too late is not shown
					types()
					return typing()
				})
				return
			}
			types()
			sandboxtest.Say(t, k.user, "done typing")
			k.reads(t, 1, "done typing")
			if typing() {
				t.Error("the desk shows what nobody told")
			}
		})
	}
}

// TestReactions go to nobody, and are counted.
func TestReactions(t *testing.T) {
	t.Parallel()
	k := newEscalation(t, sandbox.Config{})
	k.agentSays(t, k.id, "like this?")
	line := k.sees(t, "like this?")
	for _, on := range []bool{true, false} {
		if err := k.user.React(t.Context(), line.ID, "like", on); err != nil {
			t.Fatal(err)
		}
	}
	metrics := &part{tb: t, serve: k.app.Load().RunMetrics}
	metrics.start()
	t.Cleanup(metrics.stop)
	eventually(t, "both are counted", func() bool {
		return strings.Contains(read(t, metrics.url()+"/metrics"), "\nliaison_reactions_total 2\n")
	})
	reactions := slices.DeleteFunc(k.sandbox.Calls(), func(c sandbox.Call) bool { return c.Activity.Type != activity.TypeMessageReaction })
	if len(reactions) != 2 || reactions[0].Status != http.StatusAccepted {
		t.Errorf("the skill answered %+v", reactions)
	}
	sandboxtest.Say(t, k.user, "yes")
	k.reads(t, 1, "yes")
	if got := k.said(t, k.id); len(got) != 2 {
		t.Errorf("the agent reads %q", got)
	}
}

// read returns what is at a URL.
func read(t *testing.T, at string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
