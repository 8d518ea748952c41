package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// botID is the app of the service's own bot beside the copilot.
const botID = "cccccccc-0000-4000-8000-000000000003"

// beside is a sandbox whose users have a chat with the copilot, and another with a bot
// of the service's own: another app, at the same connector.
func beside() sandbox.Config { return sandbox.Config{BotAppID: botID} }

// chatAbout waits for the desk's conversation of a problem.
func (w *world) chatAbout(tb testing.TB, problem string) (found chat) {
	tb.Helper()
	eventually(tb, "a conversation about "+problem, func() bool {
		all := w.chats(tb)
		i := slices.IndexFunc(all, func(c chat) bool { return strings.Contains(c.Problem, problem) })
		if i >= 0 {
			found = all[i]
		}
		return i >= 0
	})
	return found
}

// TestTwoBots_one_process_speaks_as_each_in_its_own_chat: what is said in a chat goes
// there with the token of that chat's bot, also what was promised before a kill; the
// connector refuses any other.
func TestTwoBots_one_process_speaks_as_each_in_its_own_chat(t *testing.T) {
	t.Parallel()
	w, service := newProcessWorld(t, beside())
	user := w.sandbox.User("Megan")
	own := user.Bot()
	sandboxtest.Say(t, user, "talk to a person", "the copilot's chair")
	byCopilot := w.chatAbout(t, "chair").ID
	sandboxtest.Say(t, own, person)
	sandboxtest.WaitLine(t, own, sandbox.ByAgent, "You are number 2 in the queue.")
	var ownChat string
	for _, c := range w.chats(t) {
		if c.ID != byCopilot {
			ownChat = c.ID
		}
	}
	w.agentSays(t, byCopilot, "about the chair")
	w.agentSays(t, ownChat, "about the rest")
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "about the chair")
	sandboxtest.WaitLine(t, own, sandbox.ByAgent, "about the rest")

	service.kill()
	w.agentSays(t, byCopilot, "still the chair")
	w.agentSays(t, ownChat, "still the rest")
	service.start()
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "still the chair")
	sandboxtest.WaitLine(t, own, sandbox.ByAgent, "still the rest")

	// A pasted picture is behind the connector, for its chat's bot alone.
	for _, u := range []sandbox.User{user, own} {
		picture := corpus(t)[8]
		sandboxtest.Send(t, u, sandbox.Message{Text: "look", Files: []sandbox.File{picture}})
	}
	for _, id := range []string{byCopilot, ownChat} {
		eventually(t, "the picture is with the agent", func() bool {
			has := w.agentHas(t, id)
			return len(has) > 1 && strings.HasPrefix(has[len(has)-1], "[") && has[len(has)-2] == "look"
		})
	}

	apps := map[string]bool{}
	for _, r := range w.sandbox.Requests(sandbox.Connector) {
		app, _ := r.Claims["azp"].(string)
		apps[app] = true
		if strings.Contains(r.Path, "/conversations/") && r.Status/100 != 2 {
			t.Errorf("%s as %s is answered %d", r.Method, app, r.Status)
		}
	}
	if diff := cmp.Diff(map[string]bool{copilotID: true, botID: true}, apps); diff != "" {
		t.Errorf("apps at the connector (-want +got):\n%s", diff)
	}
	w.noLeaks(t)
}
