package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestR20_a_kill_between_redemption_and_escalation kills the program while users follow
// their links, who then press the button again: each is with one person, once, who knows
// what it is about, or has been told that nobody could be reached in time.
func TestR20_a_kill_between_redemption_and_escalation(t *testing.T) {
	t.Parallel()
	w, service := newProcessWorld(t, beside(), northwind)
	w.installApp(t)
	waits := []time.Duration{0, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond}
	problem := func(n int) string {
		return fmt.Sprintf("I want to talk to a person about my order number %d, which is late", n)
	}
	for n, wait := range waits {
		user := w.sandbox.User(fmt.Sprint("Person", n))
		card := ask(t, user, problem(n))[0]
		done := make(chan error, 1)
		go func() { done <- user.Follow(t.Context(), card.Actions()[0].URL) }()
		<-time.After(wait)
		service.kill()
		first := <-done
		service.start()
		press(t, user, card)
		sandboxtest.WaitLine(t, user.Bot(), sandbox.ByAgent, continuing)
		t.Logf("killed after %s: the first press ended with %v", wait, first)
	}
	eventually(t, "all starts are over", func() bool {
		return w.mappings(t, "opening") == 0 && w.mappings(t, "waiting", "active", "failed") == len(waits)
	})
	for n := range waits {
		own := w.sandbox.User(fmt.Sprint("Person", n)).Bot()
		eventually(t, fmt.Sprintf("person %d is in one queue, or knows that they are in none", n), func() bool {
			open := 0
			for _, c := range w.chats(t) {
				if c.State != "ended" && strings.HasPrefix(c.Problem, problem(n)) {
					open++
				}
			}
			if strings.Contains(strings.Join(byAuthor(own, sandbox.ByAgent), "\n"), "Sorry, I could not reach a person") {
				return open == 0
			}
			return open == 1
		})
	}
}
