package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
)

// TestTheChatPageWhileTheServiceIsAway: the page shows that words wait for the copilot;
// when the service is back they arrive, once and in order.
func TestTheChatPageWhileTheServiceIsAway(t *testing.T) {
	t.Parallel()
	s := raise(t)
	s.echoing()
	s.says(s.user, "one")
	s.lastOf("copilot", "heard one")
	s.service.stop()
	s.says(s.user, "two")
	s.says(s.user, "three")
	s.lastOf("user", "Waiting for the copilot…")
	s.service.start()
	said := func() string { return s.user.Eval(chatSaid) }
	patient(t, "the copilot has heard all", func() bool { return strings.HasSuffix(said(), "heard three") }, func() any { return said() })
	s.user.Wait(`[...document.querySelectorAll("#log .user .meta")].every(n => n.textContent.includes("Sent"))`, "true")
	s.user.Wait(`document.querySelectorAll("#log .user").length`, "3")
	if diff := cmp.Diff([]string{"startConversation", "one", "two", "three"}, s.heard()); diff != "" {
		t.Errorf("the copilot heard (-want +got):\n%s", diff)
	}
}

// TestTheChatPageWithNobodyAtTheDesk: the user is told, and stays with the copilot.
func TestTheChatPageWithNobodyAtTheDesk(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ setting, told string }{
		"outside hours": {"LIAISON_HUB_CONTOSO_HOURS=UTC 2020-01-01 09:00-12:00", "it is outside our opening hours"},
		"nobody there":  {"CONTOSO_OPEN=agents", "Nobody is available right now. Please try again later."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := raise(t, c.setting)
			s.says(s.user, "talk to a person")
			s.sees(s.user, "#log", sandbox.AskProblem)
			s.says(s.user, "My order 4711 has not arrived")
			s.sees(s.user, "#log", c.told)
			patient(t, "the copilot knows", func() bool { return slices.Contains(s.heard(), "handoff.unavailable") }, func() any { return s.heard() })
			s.says(s.user, "hello")
			s.lastOf("copilot", "Ask me anything")
			s.user.Wait(chatStatus, "You talk to the copilot")
		})
	}
}

// TestTheChatPageWhenTheCopilotEnds: the user sees its last words, then the end, and can
// begin anew.
func TestTheChatPageWhenTheCopilotEnds(t *testing.T) {
	t.Parallel()
	s := raise(t)
	s.sees(s.user, "#log", "Ask me anything")
	for _, last := range []activity.Activity{{Type: activity.TypeMessage, Text: "Goodbye!"}, {Type: activity.TypeEndOfConversation}} {
		s.sandbox.Direct().Say(s.lastTalk(), last)
	}
	s.user.Wait(chatOver, "true")
	s.lastOf("copilot", "Goodbye!")
	s.user.Wait(chatStatus, "Ended")
	s.user.Click("#again")
	s.user.Wait(chatStatus, "You talk to the copilot")
	s.sees(s.user, "#log", "Ask me anything")
}
