package sandbox_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// done fails the test when a user could not do something.
func done(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func TestUserEditsDeletesAndReacts(t *testing.T) {
	t.Parallel()
	for name, drop := range map[string]bool{"and the skill learns of it": false, "and the host keeps it": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, k, alex := withSkill(t, sandbox.Config{Switches: sandbox.Switches{DropEvents: drop}})
			theirs := posted(t, s, alex, hello)
			mine := sandboxtest.Send(t, alex, sandbox.Message{Text: "helo"})
			if got := k.last().ID; got != mine {
				t.Errorf("the skill knows the message as %s, the chat as %s", got, mine)
			}
			before := len(s.Calls())
			done(t, alex.Edit(patient(t), mine, "hello"))
			done(t, alex.Delete(patient(t), mine))
			done(t, alex.Undelete(patient(t), mine))
			done(t, alex.React(patient(t), theirs, "like", true))
			done(t, alex.React(patient(t), theirs, "like", false))
			var got []string
			for _, c := range s.Calls()[before:] {
				got = append(got, eventOf(t, c))
			}
			want := []string{
				"messageUpdate " + mine + " hello editMessage", "messageDelete " + mine + "  softDeleteMessage",
				"messageUpdate " + mine + " hello undeleteMessage", "messageReaction " + theirs + " +like", "messageReaction " + theirs + " -like",
			}
			if drop {
				want = nil
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			lines := alex.Lines()
			if last := lines[len(lines)-1]; last.Text != "hello" || !last.Edited || last.Deleted {
				t.Errorf("the chat shows %+v", last)
			}
		})
	}
}

// eventOf is what a call tells of a message.
func eventOf(tb testing.TB, c sandbox.Call) string {
	tb.Helper()
	var a struct {
		Type, ID, Text, ReplyToID        string
		ChannelData                      struct{ EventType string }
		ReactionsAdded, ReactionsRemoved []struct{ Type string }
	}
	if err := json.Unmarshal(c.Body, &a); err != nil {
		tb.Fatal(err)
	}
	switch {
	case len(a.ReactionsAdded) == 1:
		return a.Type + " " + a.ReplyToID + " +" + a.ReactionsAdded[0].Type
	case len(a.ReactionsRemoved) == 1:
		return a.Type + " " + a.ReplyToID + " -" + a.ReactionsRemoved[0].Type
	}
	return a.Type + " " + a.ID + " " + a.Text + " " + a.ChannelData.EventType
}

func TestUserCannotChangeWhatIsNotTheirs(t *testing.T) {
	t.Parallel()
	s, _, alex := withSkill(t, sandbox.Config{})
	theirs := posted(t, s, alex, hello)
	mine := sandboxtest.Send(t, alex, sandbox.Message{Text: "gone"})
	done(t, alex.Delete(patient(t), mine))
	before := len(s.Calls())
	for name, err := range map[string]error{
		"edit another's":           alex.Edit(patient(t), theirs, "x"),
		"delete another's":         alex.Delete(patient(t), theirs),
		"edit what is deleted":     alex.Edit(patient(t), mine, "x"),
		"restore what is there":    alex.Undelete(patient(t), theirs),
		"react to nothing":         alex.React(patient(t), "1", "like", true),
		"take back what is not on": alex.React(patient(t), theirs, "like", false),
	} {
		if err == nil {
			t.Errorf("%s: allowed", name)
		}
	}
	if n := len(s.Calls()) - before; n != 0 {
		t.Errorf("the skill was told %d times", n)
	}
}

func TestTypingReachesTheSkillWhileItHasTheUser(t *testing.T) {
	t.Parallel()
	s, k, alex := withSkill(t, sandbox.Config{})
	done(t, alex.Type(patient(t)))
	if got := k.last().Type; got != activity.TypeTyping {
		t.Errorf("last is a %s", got)
	}
	n := len(s.Calls())
	s.SetSwitches(sandbox.Switches{DropTyping: true})
	done(t, alex.Type(patient(t)))
	done(t, s.User("Lee").Type(patient(t))) // who is with the copilot
	if got := len(s.Calls()); got != n {
		t.Errorf("%d calls more", got-n)
	}
}

func TestUserRemovesAndBlocksTheApp(t *testing.T) {
	t.Parallel()
	s, k, alex := withSkill(t, sandbox.Config{})
	target, token := chatURL(s, alex.Conversation()), botToken(t.Context(), t, s)
	refusal := func() string {
		status, body := sendRead(t.Context(), t, http.MethodPost, target, token, hello)
		if status == http.StatusCreated {
			return ""
		}
		return code(t, body)
	}
	done(t, alex.Uninstall(patient(t)))
	if a := k.last(); a.Type != activity.TypeInstallationUpdate || a.Action != "remove" {
		t.Errorf("told %+v", a)
	}
	if got := refusal(); got != "BotNotInConversationRoster" {
		t.Errorf("removed: %q", got)
	}
	if err := alex.Say(patient(t), "hello?"); err == nil {
		t.Error("the user wrote to an app that is not there")
	}
	done(t, alex.Install(patient(t)))
	got := k.received()
	if a, b := got[len(got)-2], got[len(got)-1]; a.Type != "conversationUpdate" || len(a.MembersAdded) != 1 || b.Action != "add" {
		t.Errorf("told %+v and %+v", a, b)
	}
	if got := refusal(); got != "" {
		t.Errorf("installed: %q", got)
	}
	n := len(s.Calls())
	alex.Block(true)
	if got := refusal(); got != "ConversationBlockedByUser" {
		t.Errorf("blocked: %q", got)
	}
	alex.Block(false)
	if got := refusal(); got != "" || len(s.Calls()) != n {
		t.Errorf("unblocked: %q, and %d calls", got, len(s.Calls())-n)
	}
}

func TestHostCancels(t *testing.T) {
	t.Parallel()
	for name, style := range map[string]sandbox.Style{"Copilot Studio": sandbox.StyleCopilotStudio, "Bot Framework": sandbox.StyleBotFramework} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, k, alex := withSkill(t, sandbox.Config{Style: style})
			conversation := k.last().Conversation.ID
			done(t, alex.Cancel(patient(t)))
			if a := k.last(); a.Type != activity.TypeEndOfConversation || a.Conversation.ID != conversation || alex.Holder() != sandbox.WithCopilot {
				t.Errorf("told %+v; with %s", a, alex.Holder())
			}
			n := len(s.Calls())
			done(t, alex.Cancel(patient(t)))
			say(t, alex, "Hello")
			if got := len(s.Calls()); got != n {
				t.Errorf("%d calls after the end", got-n)
			}
		})
	}
}

func TestEditsCountTowardsTheLimitsOfTeams(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{Limits: true})
	alex := s.User("Alex")
	target, token := chatURL(s, alex.Conversation())+"/"+posted(t, s, alex, hello), botToken(t.Context(), t, s)
	untilThrottled(t, 6, http.StatusOK, func() int { return send(t.Context(), t, http.MethodPut, target, token, hello) })
}
