package sandbox_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
)

// run is start with an end: stop before the test is over, start again on the
// same address.
func run(tb testing.TB, cfg sandbox.Config, address string) (s *sandbox.Sandbox, stop func()) {
	tb.Helper()
	ln, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", address)
	if err != nil {
		tb.Fatalf("listen: %v", err)
	}
	cfg.BaseURL = "http://" + ln.Addr().String()
	cfg.TenantID, cfg.CopilotAppID, cfg.SkillAppID = tenant, copilot, skill
	if s, err = sandbox.New(cfg); err != nil {
		tb.Fatalf("make sandbox: %v", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, ln) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("run: %v", err)
		}
	}
	tb.Cleanup(stop)
	return s, stop
}

func TestConversationsOutliveARestart(t *testing.T) {
	t.Parallel()
	for name, style := range map[string]sandbox.Style{"Copilot Studio": sandbox.StyleCopilotStudio, "Bot Framework": sandbox.StyleBotFramework} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := sandbox.Config{Style: style, StateFile: filepath.Join(t.TempDir(), "state.jsonl")}
			first, stop := run(t, config, "127.0.0.1:0")
			k := newSkill(t, first)
			lee, guest := first.User("Lee"), first.User("A guest")
			escalated(t, lee)
			say(t, guest, "Hello")
			stop()
			leaveHalfALine(t, config.StateFile)

			second, stop := run(t, config, "127.0.0.1:0")
			k2 := newSkill(t, second)
			for _, pair := range [][2]sandbox.User{{lee, second.User("Lee Gu")}, {guest, second.User("A guest")}} {
				if diff := cmp.Diff(pair[0].Lines(), pair[1].Lines()); diff != "" {
					t.Errorf("lines (-before +after):\n%s", diff)
				}
				if pair[0].Conversation() != pair[1].Conversation() || pair[0].Holder() != pair[1].Holder() {
					t.Errorf("conversation or holder changed: %s", pair[1].Holder())
				}
			}
			late := k.last()
			late.ServiceURL = second.URL() + "/pvaruntime/api/runtime/bots/" + copilot + "/skillsV2/"
			if status := k2.post(t.Context(), late, activity.Activity{Type: activity.TypeMessage, Text: "still there"}); status != 200 {
				t.Errorf("the skill's post after the restart: %d", status)
			}
			say(t, second.User("Lee"), "bye")
			wantCalls(t, k2, `event endConversation {"LiveChatConversationId":"chat-1"}`)
			stop()
			third, _ := run(t, config, "127.0.0.1:0")
			if diff := cmp.Diff(chat(second.User("Lee")), chat(third.User("Lee"))); diff != "" {
				t.Errorf("chat after the second restart (-before +after):\n%s", diff)
			}
		})
	}
}

// leaveHalfALine ends the file as a killed process may.
func leaveHalfALine(tb testing.TB, name string) {
	tb.Helper()
	file, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(`{"person":"Lee Gu","event":{"line":{"text":"` + strings.Repeat("x", 10_000)); err != nil {
		tb.Fatal(err)
	}
}

func TestWithoutAStateFileConversationsBeginAnew(t *testing.T) {
	t.Parallel()
	a, b := start(t, sandbox.Config{}), start(t, sandbox.Config{})
	if a.User("Lee").Conversation() == b.User("Lee").Conversation() {
		t.Error("two sandboxes share a conversation")
	}
	if a.User("Lee").ID() != b.User("Lee").ID() {
		t.Error("people have no stable id")
	}
}

func TestSpoiltStateFileIsRefused(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "state.jsonl")
	if err := os.WriteFile(name, []byte("nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sandbox.New(sandbox.Config{BaseURL: "http://127.0.0.1:1", StateFile: name}); err == nil {
		t.Error("no error")
	}
}
