package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestFileNames_of_a_hub: whatever a hub calls a file, its name cannot do harm.
func TestFileNames_of_a_hub(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	sandboxtest.Send(t, user, sandbox.Message{Files: []sandbox.File{{Name: "a.txt", Content: []byte("hello")}}})
	eventually(t, "the hub has a file", func() bool { return slices.Contains(w.agentHas(t, id), "[a.txt]") })
	lines := w.deskLines(t, id)
	link := lines[len(lines)-1].Attachments[0].URL
	for i, name := range []string{"", "..", "../../x", `C:\a:b`, "a\nb.txt", "<at>x</at>.txt", "[x](https://evil.example)", "\u202etxt.exe", strings.Repeat("ä", 300) + ".txt"} {
		body, err := json.Marshal(map[string]any{
			"conversationId": id, "id": fmt.Sprint("file ", i), "sender": "Bo",
			"attachments": []any{map[string]any{"name": name, "url": link}},
		})
		if err != nil {
			t.Fatal(err)
		}
		w.hears(t, fmt.Sprint("post ", i), string(body))
		w.hears(t, fmt.Sprint("post ", i), string(body)) // a repeat
	}
	w.agentSays(t, id, "after all")
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "after all")
	var links, refused int
	for _, l := range byAuthor(user, sandbox.ByAgent) {
		switch {
		case strings.Contains(l, "not allowed"):
			refused++ // the program
		case strings.Contains(l, w.service.url()+"/files/"):
			links++
			if got := string(get(t, urlIn(l))); got != "hello" || strings.Contains(l, "<at>") || strings.ContainsRune(l, '\u202e') {
				t.Errorf("%q gives %q", l, got)
			}
		}
	}
	if links != 8 || refused != 1 {
		t.Errorf("%d links and %d refusals, want 8 and 1: %q", links, refused, byAuthor(user, sandbox.ByAgent))
	}
}

// TestFileElsewhere: a hub's message may name any URL. What only we can reach is not
// fetched, the hub's key goes to the hub alone, and both sides are told.
func TestFileElsewhere(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	evil := startEavesdropper(t)
	evil.works(t)
	for i, target := range []string{
		evil.plain.URL + "/a.txt", evil.tls.URL + "/a.txt", "http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "http://[::1]/",
	} {
		body, err := json.Marshal(map[string]any{
			"conversationId": id, "id": fmt.Sprint("file ", i), "sender": "Bo",
			"attachments": []any{map[string]any{"name": fmt.Sprintf("%d.txt", i), "url": target}},
		})
		if err != nil {
			t.Fatal(err)
		}
		w.hears(t, fmt.Sprint("post ", i), string(body))
		notice := fmt.Sprintf("%d.txt could not be delivered", i)
		sandboxtest.WaitLine(t, user, sandbox.ByAgent, notice)
		eventually(t, "the agent is told", func() bool {
			return slices.ContainsFunc(w.agentHas(t, id), func(s string) bool { return strings.Contains(s, notice) })
		})
	}
	evil.heardNothing(t)
	if n := w.dead(t, "files") + w.dead(t, "teams"); n > 0 {
		t.Errorf("%d letters for an operator to read", n)
	}
}

// TestFilePicture_needs_the_token, and only the connector gets it.
func TestFilePicture_needs_the_token(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	all := corpus(t)
	sandboxtest.Send(t, user, sandbox.Message{Files: all[len(all)-1:]})
	eventually(t, "the agent has it", func() bool { return len(w.agentHas(t, id)) == 2 })
	requests := w.sandbox.Requests(sandbox.Files)
	if len(requests) != 1 || requests[0].Claims["aud"] != "https://api.botframework.com" {
		t.Errorf("the connector was asked %d times, last with %v", len(requests), requests)
	}
	evil := startEavesdropper(t)
	evil.works(t)
	w.sandbox.Fault(sandbox.Files, sandbox.Fault{Redirect: evil.plain.URL + "/picture"})
	sandboxtest.Send(t, user, sandbox.Message{Files: all[len(all)-1:]})
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "could not be delivered")
	evil.heardNothing(t)
}
