package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestConversation plays the whole conversation with every kind of host, ended by
// either side.
func TestConversation(t *testing.T) {
	t.Parallel()
	styles := map[string]sandbox.Style{
		"Copilot Studio": sandbox.StyleCopilotStudio, "Bot Framework": sandbox.StyleBotFramework,
	}
	for name, style := range styles {
		for _, inline := range []bool{false, true} {
			for _, agentEnds := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/expectReplies=%t/agentEnds=%t", name, inline, agentEnds), func(t *testing.T) {
					t.Parallel()
					converse(t, sandbox.Config{Style: style, ExpectReplies: inline}, agentEnds)
				})
			}
		}
	}
}

func converse(t *testing.T, cfg sandbox.Config, agentEnds bool) {
	t.Helper()
	play(t, newWorld(t, cfg), agentEnds)
}

// play is the whole conversation.
func play(t *testing.T, w *world, agentEnds bool) {
	t.Helper()
	user := w.sandbox.User("Megan")
	sandboxtest.Say(t, user, "Hello", "I want to talk to a person", "My order has not arrived")
	sandboxtest.WaitLine(t, user, sandbox.ByCopilot, sandbox.OnTheWay)

	c := w.chat(t)
	eventually(t, "the problem on the desk", func() bool {
		return cmp.Equal(w.said(t, c.ID), []string{"My order has not arrived"})
	})
	if c = w.chat(t); c.Problem != "My order has not arrived" || !strings.HasPrefix(c.User.Name, "Megan") {
		t.Errorf("the desk shows %+v, want the problem and Megan", c)
	}

	w.agentSays(t, c.ID, "Hello Megan, I am looking")
	line := sandboxtest.WaitLine(t, user, sandbox.ByAgent, "I am looking")
	if line.Text != "**Bo**: Hello Megan, I am looking" {
		t.Errorf("the user sees %q", line.Text)
	}
	sandboxtest.Say(t, user, "Thank you", "It is order 42")
	eventually(t, "the user's words on the desk", func() bool {
		return cmp.Equal(w.said(t, c.ID), []string{"My order has not arrived", "Thank you", "It is order 42"})
	})
	if agentEnds {
		endByAgent(t, w, user, c.ID)
	} else {
		endByUser(t, w, user, c.ID)
	}
	sandboxtest.Say(t, user, "Hello")
	if last := user.Lines()[len(user.Lines())-1]; last.Author != sandbox.ByCopilot || last.Text != sandbox.Greeting {
		t.Errorf("after the end the last line is %+v, want the copilot's greeting", last)
	}
	if got := w.said(t, c.ID); len(got) != 3 {
		t.Errorf("the hub got %q after the end", got)
	}
	eventually(t, "the mapping closed", func() bool { return w.mappings(t, "closed") == 1 })
	if v := w.sandbox.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}

func endByUser(t *testing.T, w *world, user sandbox.User, id string) {
	t.Helper()
	sandboxtest.Say(t, user, "Good bye")
	sandboxtest.WaitLine(t, user, sandbox.ByCopilot, sandbox.Back)
	eventually(t, "the desk shows the end", func() bool { return w.chat(t).State == "ended" })
	if user.Holder() != sandbox.WithCopilot {
		t.Errorf("the conversation is with %s", user.Holder())
	}
	_ = id
}

func endByAgent(t *testing.T, w *world, user sandbox.User, id string) {
	t.Helper()
	w.agentSays(t, id, "That is all, good bye")
	w.agentEnds(t, id)
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "has ended the conversation")
	said := byAuthor(user, sandbox.ByAgent)
	last := slices.IndexFunc(said, func(s string) bool { return strings.Contains(s, "That is all") })
	end := slices.IndexFunc(said, func(s string) bool { return strings.Contains(s, "has ended") })
	if last < 0 || last > end {
		t.Errorf("the end overtook the agent's last words: %q", said)
	}
	if err := user.WaitHolder(t.Context(), sandbox.WithCopilot); err != nil {
		t.Errorf("the copilot did not get the user back: %v", err)
	}
}

// TestTwoUsers keeps two conversations apart.
func TestTwoUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{})
	for _, name := range []string{"Megan", "Lee"} {
		sandboxtest.Say(t, w.sandbox.User(name), "talk to a person", name+"'s problem")
	}
	eventually(t, "two conversations", func() bool { return len(w.chats(t)) == 2 })
	for _, c := range w.chats(t) {
		first, _, _ := strings.Cut(c.User.Name, " ")
		w.agentSays(t, c.ID, "hello "+first)
		sandboxtest.WaitLine(t, w.sandbox.User(first), sandbox.ByAgent, "hello "+first)
	}
	for _, name := range []string{"Megan", "Lee"} {
		for _, said := range byAuthor(w.sandbox.User(name), sandbox.ByAgent) {
			if strings.Contains(said, "hello") && !strings.Contains(said, name) {
				t.Errorf("%s got %q", name, said)
			}
		}
	}
}
