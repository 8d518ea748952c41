package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestOutcomesOfAStart: the topic can branch on what startConversation gives it,
// and the user hears what is the matter.
func TestOutcomesOfAStart(t *testing.T) {
	t.Parallel()
	// A hub that has the contract alone says nothing of queues.
	plain := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/chat/start":
			_, _ = io.WriteString(rw, `{"conversationId":"plain"}`)
		case "/api/chat/receive", "/api/chat/end":
		default:
			http.NotFound(rw, r)
		}
	}))
	t.Cleanup(plain.Close)
	closed := "UTC " + time.Now().UTC().AddDate(0, 0, 3).Weekday().String() + " 09:00-10:00"
	away := func(t *testing.T, w *world) {
		t.Helper()
		w.desk(t, http.MethodPost, "/api/desk/presence", map[string]bool{"away": true}, nil)
	}
	for name, tc := range map[string]struct {
		setting string
		before  func(*testing.T, *world)
		want    map[string]any // without the hub's id
		hears   []string       // from the copilot
		open    int
	}{
		"connected": {
			setting: "LIAISON_HUB_CONTOSO_URL=" + plain.URL,
			want:    map[string]any{"status": "connected"}, hears: []string{sandbox.Connecting}, open: 1,
		},
		"queued": {
			before: occupied,
			want:   map[string]any{"status": "queued", "queuePosition": 2.0, "estimatedWaitSeconds": 240.0},
			hears:  []string{sandbox.Queued + " You are number 2 in the queue. It should take about 4 minutes."}, open: 3,
		},
		"closed": {
			setting: "LIAISON_HOURS=" + closed,
			want:    map[string]any{"status": "unavailable", "reason": "closed"},
			hears:   []string{"it is outside our opening hours. We are back", sandbox.NotNow},
		},
		"nobody at the desk": {
			before: away,
			want:   map[string]any{"status": "unavailable", "reason": "noAgents"},
			hears:  []string{"Nobody is available right now. Please try again later.", sandbox.NotNow},
		},
		"hub away": {
			before: func(_ *testing.T, w *world) { w.hub.stop() },
			want:   map[string]any{"status": "failed", "reason": "hubUnavailable"},
			hears:  []string{"could not reach a person just now", sandbox.NotNow},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Config{}, tc.setting)
			if tc.before != nil {
				tc.before(t, w)
			}
			k := &escalation{world: w, user: w.sandbox.User("Megan")}
			sandboxtest.Say(t, k.user, "talk to a person", "help")
			for _, text := range tc.hears {
				sandboxtest.WaitLine(t, k.user, sandbox.ByCopilot, text)
			}
			got := k.outputs(t)
			if id := got["LiveChatConversationId"]; (id != nil) != (tc.open > 0) {
				t.Errorf("the hub's id is %v", id)
			}
			delete(got, "LiveChatConversationId")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("outputs (-want +got):\n%s", diff)
			}
			if n := w.mappings(t, "opening", "waiting", "active"); n != tc.open {
				t.Errorf("%d mappings are open, want %d", n, tc.open)
			}
		})
	}
}

// occupied has Alex talk to an agent, after a wait of four minutes, and Lee wait.
func occupied(t *testing.T, w *world) {
	t.Helper()
	alex := w.sandbox.User("Alex")
	sandboxtest.Say(t, alex, "talk to a person", "help")
	k := escalation{world: w, user: alex, id: w.chat(t).ID}
	k.does(t, http.MethodPost, "join", nil)
	k.sees(t, "Adele Vance has joined")
	if _, err := w.hubDB.Exec(t.Context(), `UPDATE contoso.conversation SET waited = '4 minutes'`); err != nil {
		t.Fatal(err)
	}
	sandboxtest.Say(t, w.sandbox.User("Lee"), "talk to a person", "help")
	eventually(t, "two conversations", func() bool { return len(w.chats(t)) == 2 })
}

// TestLocales: users are spoken to in the language of their Teams, agents in the
// one that is configured.
func TestLocales(t *testing.T) {
	t.Parallel()
	for locale, tc := range map[string]struct{ joined, button, ended string }{
		"de-DE": {"Adele Vance ist dem Gespräch beigetreten.", "Chat beenden", "Sie haben das Gespräch beendet."},
		"ja-JP": {"Adele Vanceが会話に参加しました。", "チャットを終了", "会話を終了しました"},
	} {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			w := quickWorld(t, sandbox.Config{}, "LIAISON_LOCALE=fr")
			user := w.sandbox.User("Megan")
			profile := user.Profile()
			profile.Locale = locale
			user.SetProfile(profile)
			k := w.escalation(t)
			k.does(t, http.MethodPost, "join", nil)
			line := k.sees(t, tc.joined)
			sandboxtest.Send(t, user, sandbox.Message{Files: []sandbox.File{{Name: "tool.exe", Content: []byte("MZ")}}})
			k.reads(t, 1, "ce type de fichier n’est pas autorisé")
			sandboxtest.Press(t, user, line.ID, tc.button, nil)
			k.sees(t, tc.ended)
			k.over(t)
		})
	}
	for locale, greeting := range map[string]string{"de-DE": "Im Moment ist niemand frei.", "ja-JP": "ただいま対応できる担当者がおりません"} {
		t.Run(fmt.Sprint("nobody there, ", locale), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Config{})
			w.desk(t, http.MethodPost, "/api/desk/presence", map[string]bool{"away": true}, nil)
			user := w.sandbox.User("Megan")
			profile := user.Profile()
			profile.Locale = locale
			user.SetProfile(profile)
			sandboxtest.Say(t, user, "talk to a person", "help")
			line := sandboxtest.WaitLine(t, user, sandbox.ByCopilot, greeting)
			if strings.Contains(line.Text, "Nobody") {
				t.Errorf("the user hears %q", line.Text)
			}
		})
	}
}
