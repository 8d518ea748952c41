package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

const (
	consentText  = "Would you like this file? Teams puts it into your OneDrive."
	declinedText = "The file bill.txt was declined."
)

// ownEscalated is a user who talks to a person in our own bot's chat.
func ownEscalated(tb testing.TB, w *world) (own sandbox.User, hub string) {
	tb.Helper()
	own = w.sandbox.User("Megan").Bot()
	sandboxtest.Say(tb, own, person)
	sandboxtest.WaitLine(tb, own, sandbox.ByAgent, "You are next in the queue.")
	return own, w.chat(tb).ID
}

// shownFile waits for a file in the chat.
func shownFile(tb testing.TB, u sandbox.User, name string) (found sandbox.Shown) {
	tb.Helper()
	eventually(tb, "the file is in the chat", func() bool {
		for _, l := range u.Lines() {
			for _, f := range l.Files {
				if found = f; f.Name == name {
					return true
				}
			}
		}
		return false
	})
	return found
}

// TestR19_consent_an_agents_file_goes_into_the_users_OneDrive in our own bot's chat, when
// they want it, byte by byte; small pictures are shown, and in a copilot's chat it is a
// link.
func TestR19_consent_an_agents_file_goes_into_the_users_OneDrive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, beside())
	own, id := ownEscalated(t, w)
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	w.agentGives(t, id, sandbox.File{Name: "bill.txt", Content: content})
	line := sandboxtest.WaitLine(t, own, sandbox.ByAgent, consentText)
	if len(line.Cards) != 1 || line.Cards[0].Blocks[0].Text != "bill.txt" {
		t.Fatalf("asked with %+v", line.Cards)
	}
	sandboxtest.Press(t, own, line.ID, "Allow", nil)
	if f := shownFile(t, own, "bill.txt"); sum(get(t, w.sandbox.URL()+"/"+f.URL)) != sum(content) {
		t.Error("the content is another")
	}
	for range 2 { // the card is still there
		sandboxtest.Press(t, own, line.ID, "Allow", nil)
	}
	w.agentGives(t, id, corpus(t)[8])
	if f := shownFile(t, own, "pasted.png"); !f.Picture {
		t.Errorf("a small picture comes as %+v", f)
	}
	uploads := 0
	for _, r := range w.sandbox.Requests(sandbox.Files) {
		if r.Method == http.MethodPut {
			uploads++
		}
	}
	if uploads != 1 {
		t.Errorf("%d uploads, want 1", uploads)
	}
	w.noLeaks(t)
}

// TestR19_consent_a_declined_file_is_told_of on both sides.
func TestR19_consent_a_declined_file_is_told_of(t *testing.T) {
	t.Parallel()
	w := newWorld(t, beside())
	own, id := ownEscalated(t, w)
	w.agentGives(t, id, sandbox.File{Name: "bill.txt", Content: []byte("x")})
	sandboxtest.Press(t, own, sandboxtest.WaitLine(t, own, sandbox.ByAgent, consentText).ID, "Decline", nil)
	sandboxtest.WaitLine(t, own, sandbox.ByAgent, declinedText)
	eventually(t, "the agent hears of it", func() bool {
		return strings.Contains(fmt.Sprint(w.deskLines(t, id)), declinedText)
	})
}

// TestR19_consent_gives_a_link_where_the_upload_fails: one that is refused for good at
// once, one that is refused for a while later.
func TestR19_consent_gives_a_link_where_the_upload_fails(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sandbox.Fault{
		"the session is over": {Status: http.StatusNotFound, Code: "itemNotFound"},
		"it leads elsewhere":  {Redirect: "http://169.254.169.254/", Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, beside())
			own, id := ownEscalated(t, w)
			w.agentGives(t, id, sandbox.File{Name: "bill.txt", Content: []byte("the bill")})
			line := sandboxtest.WaitLine(t, own, sandbox.ByAgent, consentText)
			w.sandbox.Fault(sandbox.Files, fault)
			sandboxtest.Press(t, own, line.ID, "Allow", nil)
			link := urlIn(sandboxtest.WaitLine(t, own, sandbox.ByAgent, "/files/").Text)
			if got := string(get(t, link)); got != "the bill" {
				t.Errorf("the link gives %q", got)
			}
		})
	}
	t.Run("for a moment", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, beside())
		own, id := ownEscalated(t, w)
		w.agentGives(t, id, sandbox.File{Name: "bill.txt", Content: []byte("the bill")})
		line := sandboxtest.WaitLine(t, own, sandbox.ByAgent, consentText)
		w.sandbox.Fault(sandbox.Files, sandbox.Fault{Status: http.StatusServiceUnavailable, Times: 2})
		sandboxtest.Press(t, own, line.ID, "Allow", nil)
		shownFile(t, own, "bill.txt")
	})
}

// TestR16_consent_uploads_to_no_stranger: neither another host gets a file, nor
// somebody the file of somebody else, by an invoke that Teams vouches for.
func TestR16_consent_uploads_to_no_stranger(t *testing.T) {
	t.Parallel()
	evil := startEavesdropper(t)
	w := newWorld(t, sandbox.Config{}, ownBot)
	megan, alex := newOwn(t, w, "Megan"), newOwn(t, w, "Alex")
	megan.says(t, "m1", person, nil)
	id := w.chat(t).ID
	w.agentGives(t, id, sandbox.File{Name: "bill.txt", Content: []byte("the bill")})
	megan.told(t, consentText)
	var file int64
	if err := w.db.QueryRow(t.Context(), `SELECT id FROM file`).Scan(&file); err != nil {
		t.Fatal(err)
	}
	accept := func(to string) map[string]any {
		return map[string]any{
			"type": "fileUpload", "action": "accept", "context": map[string]any{"liaison": map[string]any{"file": file}},
			"uploadInfo": map[string]any{"uploadUrl": to, "contentUrl": to, "name": "bill.txt", "uniqueId": "x", "fileType": "txt"},
		}
	}
	for name, value := range map[string]any{
		"nothing": nil, "no file": map[string]any{"action": "accept"}, "no answer": map[string]any{"context": accept("")["context"]}, "no place": accept(""),
	} {
		if status, answer := megan.invoke(t, "bad "+name, "fileConsent/invoke", value); status != http.StatusBadRequest {
			t.Errorf("%s: status %d %s, want 400", name, status, answer)
		}
	}
	if status, answer := alex.invoke(t, "i:alex", "fileConsent/invoke", accept(evil.plain.URL)); status != http.StatusOK || answer != "" {
		t.Errorf("somebody else: status %d %s, want an empty 200", status, answer)
	}
	alex.told(t, "The file bill.txt could not be delivered: it is no longer available.")
	for range 2 {
		if status, answer := megan.invoke(t, "i:megan", "fileConsent/invoke", accept(evil.plain.URL)); status != http.StatusOK || answer != "" {
			t.Errorf("status %d %s, want an empty 200", status, answer)
		}
	}
	megan.told(t, "/files/")
	evil.heardNothing(t)
}
