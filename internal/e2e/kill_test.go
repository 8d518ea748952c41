package e2e

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestR1_Kill kills the service again and again while both sides write. Whatever was
// accepted arrives, in order. The hub knows our keys: each word is there once.
// Teams knows none: a kill may repeat the line that was in flight.
func TestR1_Kill(t *testing.T) {
	t.Parallel()
	w, service := newProcessWorld(t, sandbox.Config{})
	user := w.sandbox.User("Megan")
	sandboxtest.Say(t, user, "talk to a person", "help")
	id := w.chat(t).ID

	const rounds = 6
	accepted, spoken := []string{"help"}, []string{}
	for round := range rounds {
		for n := range 3 {
			word := fmt.Sprintf("user %d.%d", round, n)
			sandboxtest.Say(t, user, word)
			accepted = append(accepted, word)
			line := fmt.Sprintf("agent %d.%d", round, n)
			w.agentSays(t, id, line)
			spoken = append(spoken, "**Bo**: "+line)
		}
		service.kill()
		w.agentSays(t, id, fmt.Sprintf("agent %d, to nobody", round))
		spoken = append(spoken, fmt.Sprintf("**Bo**: agent %d, to nobody", round))
		began := time.Now()
		service.start()
		sandboxtest.WaitLine(t, user, sandbox.ByAgent, fmt.Sprintf("agent %d, to nobody", round))
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("round %d: delivery resumed after %s", round, took)
		}
	}
	eventually(t, "all of the user's words on the desk", func() bool { return len(w.said(t, id)) >= len(accepted) })
	if diff := cmp.Diff(accepted, w.said(t, id)); diff != "" {
		t.Errorf("at the hub (-want +got):\n%s", diff)
	}
	said := slices.DeleteFunc(byAuthor(user, sandbox.ByAgent), func(s string) bool { return !strings.HasPrefix(s, "**") })
	repeats := len(said) - len(slices.Compact(slices.Clone(said)))
	if diff := cmp.Diff(spoken, slices.Compact(said)); diff != "" {
		t.Errorf("in Teams, repeats folded (-want +got):\n%s", diff)
	}
	if repeats > rounds {
		t.Errorf("%d repeats in Teams after %d kills", repeats, rounds)
	}
	t.Logf("%d words, %d lines, %d kills: 0 lost, %d repeated in Teams", len(accepted), len(spoken), rounds, repeats)
}

// TestKillDuringStart kills the service while the hub is being asked. The start
// ends one way or the other, and never in two conversations.
func TestKillDuringStart(t *testing.T) {
	t.Parallel()
	w, service := newProcessWorld(t, sandbox.Config{})
	for n, wait := range []time.Duration{0, time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond} {
		user := w.sandbox.User(fmt.Sprint("Person", n))
		sandboxtest.Say(t, user, "talk to a person")
		done := make(chan error, 1)
		go func() { done <- user.Say(t.Context(), "help") }()
		<-time.After(wait)
		service.kill()
		service.start()
		if err := <-done; err != nil {
			t.Logf("killed after %s, the copilot apologised: %v", wait, err)
		}
	}
	eventually(t, "no mapping still opening", func() bool { return w.mappings(t, "opening") == 0 })
	open := w.mappings(t, "waiting", "active")
	eventually(t, "the desk agrees", func() bool {
		waiting := 0
		for _, c := range w.chats(t) {
			if c.State != "ended" {
				waiting++
			}
		}
		return waiting == open
	})
}

// TestTerminate drains: nothing that was accepted waits for the next start longer
// than it must, and the program ends by itself.
func TestTerminate(t *testing.T) {
	t.Parallel()
	w, service := newProcessWorld(t, sandbox.Config{})
	user := w.sandbox.User("Megan")
	sandboxtest.Say(t, user, "talk to a person", "help", "one", "two")
	id := w.chat(t).ID
	began := time.Now()
	service.end(syscall.SIGTERM)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the end took %s", took)
	}
	service.start() // what waited behind an attempt in flight was left to it
	eventually(t, "the words on the desk", func() bool { return cmp.Equal(w.said(t, id), []string{"help", "one", "two"}) })
}
