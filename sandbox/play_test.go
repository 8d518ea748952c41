package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
)

// play does something on the page's API, and returns the status.
func play(tb testing.TB, s *sandbox.Sandbox, method, path string, v any) (int, []byte) {
	tb.Helper()
	return sendRead(tb.Context(), tb, method, s.URL()+"/api/"+path, "", v)
}

func TestPageAPIPlaysTheUser(t *testing.T) {
	t.Parallel()
	s, k, alex := withSkill(t, sandbox.Config{})
	theirs := posted(t, s, alex, withCards(survey()))
	const me = "people/Alex%20Wilber/"
	play(t, s, "POST", me+"messages", object{"text": "see", "files": []object{{"name": "a.txt", "type": "text/plain", "content": "aGVsbG8="}}})
	mine := k.last()
	if d := downloadOf(t, mine); d.FileType != "txt" || mine.Text != "see" {
		t.Errorf("sent %+v", mine)
	}
	for _, row := range []struct {
		method, path string
		body         any
		status       int
		want         string // the type of the activity the skill gets last
	}{
		{"PUT", me + "messages/" + mine.ID, object{"text": "look"}, 204, "messageUpdate"},
		{"DELETE", me + "messages/" + mine.ID, nil, 204, "messageDelete"},
		{"POST", me + "messages/" + mine.ID + "/restored", nil, 204, "messageUpdate"},
		{"POST", me + "reactions", object{"line": theirs, "emoji": "heart", "on": true}, 204, "messageReaction"},
		{"POST", me + "typing", nil, 204, activity.TypeTyping},
		{"POST", me + "presses", object{"line": theirs, "title": "Send", "inputs": object{"stars": "1"}}, 204, activity.TypeMessage},
		{"POST", me + "app", object{"do": "uninstall"}, 204, activity.TypeInstallationUpdate},
		{"POST", me + "messages", object{"text": "gone?"}, 409, activity.TypeInstallationUpdate},
		{"POST", me + "app", object{"do": "install"}, 204, activity.TypeInstallationUpdate},
		{"POST", me + "app", object{"do": "block"}, 204, activity.TypeInstallationUpdate},
		{"POST", me + "app", object{"do": "unblock"}, 204, activity.TypeInstallationUpdate},
		{"POST", me + "app", object{"do": "cancel"}, 204, activity.TypeEndOfConversation},
		{"PUT", me + "messages/" + theirs, object{"text": "not mine"}, 409, activity.TypeEndOfConversation},
	} {
		if status, body := play(t, s, row.method, row.path, row.body); status != row.status || k.last().Type != row.want {
			t.Errorf("%s %s: %d %s, last is %s; want %d, %s", row.method, row.path, status, body, k.last().Type, row.status, row.want)
		}
	}
}

func TestPageAPIKeepsToItsForm(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	for _, row := range []struct {
		method, path string
		body         any
		want         int
	}{
		{"POST", "people/Lee%20Gu/messages", object{"text": strings.Repeat("x", 70_000)}, 400},
		{"PUT", "people/Lee%20Gu/messages/1", object{"text": ""}, 400},
		{"POST", "people/Lee%20Gu/presses", object{"line": "1", "title": "x"}, 404},
		{"POST", "people/Lee%20Gu/app", object{"do": "dance"}, 400},
		{"PUT", "people/Nobody/profile", object{}, 404},
		{"GET", "people/Nobody/profile", nil, 404},
		{"PUT", "switches", object{"refuseEnd": 200}, 400},
		{"GET", "files/none", nil, 404},
	} {
		if status, body := play(t, s, row.method, row.path, row.body); status != row.want {
			t.Errorf("%s %s: %d %s, want %d", row.method, row.path, status, body, row.want)
		}
	}
}

func TestProfileAndSwitchesAreSetAndRead(t *testing.T) {
	t.Parallel()
	config := sandbox.Config{StateFile: filepath.Join(t.TempDir(), "state.jsonl")}
	s, stop := run(t, config, "127.0.0.1:0")
	const profile = "people/Lee%20Gu/profile"
	play(t, s, "PUT", profile, object{"locale": "ja-JP", "variables": object{"Order": 7}})
	play(t, s, "PUT", "switches", object{"dropFiles": true, "refuseEnd": 502})
	if got := s.Switches(); got != (sandbox.Switches{DropFiles: true, RefuseEnd: 502}) {
		t.Errorf("switches %+v", got)
	}
	s.User("Lee").Block(true)
	stop()
	second, _ := run(t, config, "127.0.0.1:0")
	var got sandbox.Profile
	if _, body := play(t, second, "GET", profile, nil); json.Unmarshal(body, &got) != nil {
		t.Errorf("profile %s", body)
	}
	if diff := cmp.Diff("Lee Gu ja-JP UTC", got.Name+" "+got.Locale+" "+got.TimeZone); diff != "" || got.Variables["Order"] != 7.0 {
		t.Errorf("after a restart (-want +got), with %v:\n%s", got.Variables, diff)
	}
	lee := url.PathEscape(string(second.User("Lee").Conversation()))
	if status := send(t.Context(), t, http.MethodPost, second.URL()+"/teams/v3/conversations/"+lee+"/activities", botToken(t.Context(), t, second), hello); status != http.StatusForbidden {
		t.Errorf("a bot that was blocked before the restart: %d", status)
	}
}
