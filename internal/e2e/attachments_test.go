package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestR19_FilesToAgent: every file comes to the agent as the user sent it, in its
// place among the words.
func TestR19_FilesToAgent(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	all := corpus(t)
	for i, f := range all {
		sandboxtest.Send(t, user, sandbox.Message{Text: fmt.Sprint("before ", i), Files: []sandbox.File{f}})
	}
	sandboxtest.Say(t, user, "after all")
	eventually(t, "all of it is with the agent", func() bool {
		has := w.agentHas(t, id)
		return len(has) > 0 && has[len(has)-1] == "after all"
	})
	lines := slices.DeleteFunc(w.deskLines(t, id), func(l deskLine) bool { return l.From != "user" || l.Message == "help" })
	if len(lines) != 2*len(all)+1 {
		t.Fatalf("%d lines, want %d: %q", len(lines), 2*len(all)+1, w.agentHas(t, id))
	}
	for i, f := range all {
		if got := lines[2*i].Message; got != fmt.Sprint("before ", i) {
			t.Errorf("before file %d comes %q", i, got)
		}
		l, link := lines[2*i+1], ""
		if len(l.Attachments) == 1 {
			link = l.Attachments[0].URL
		} else { // the hub takes no empty file
			link = urlIn(l.Message)
		}
		if link == "" {
			t.Errorf("%q: the agent has %q and %d files", f.Name, l.Message, len(l.Attachments))
			continue
		}
		if got := sum(get(t, link)); got != sum(f.Content) {
			t.Errorf("%q: the content is another", f.Name)
		}
	}
	w.noLeaks(t)
}

// agentGives has an agent give a file at the desk.
func (w *world) agentGives(tb testing.TB, id string, f sandbox.File) {
	tb.Helper()
	query := url.Values{"sender": {"Bo"}, "name": {f.Name}}
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost,
		w.hub.url()+"/api/desk/conversations/"+id+"/files?"+query.Encode(), bytes.NewReader(f.Content))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set("X-Desk", "1")
	resp, err := w.signIn(tb).Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(resp.Body)
		tb.Fatalf("status %d %s", resp.StatusCode, answer)
	}
}

// TestR19_FilesToUser: every file comes to the user as the agent gave it, small
// pictures within the chat.
func TestR19_FilesToUser(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	all := slices.DeleteFunc(corpus(t), func(f sandbox.File) bool {
		return len(f.Content) == 0 || len(f.Name) > 200 // which this hub does not take
	})
	for i, f := range all {
		w.agentSays(t, id, fmt.Sprintf("before %d.", i))
		w.agentGives(t, id, f)
	}
	w.agentSays(t, id, "after all")
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "after all")
	lines := slices.DeleteFunc(user.Lines(), func(l sandbox.Line) bool {
		return l.Author != sandbox.ByAgent || !strings.HasPrefix(l.Text, "**")
	})
	if len(lines) != 2*len(all)+1 {
		t.Fatalf("%d lines, want %d", len(lines), 2*len(all)+1)
	}
	for i, f := range all {
		if got := lines[2*i].Text; !strings.HasSuffix(got, fmt.Sprintf("before %d.", i)) {
			t.Errorf("before file %d comes %q", i, got)
		}
		l := lines[2*i+1]
		link := urlIn(l.Text)
		if len(l.Files) == 1 {
			link = w.sandbox.URL() + "/" + l.Files[0].URL
		}
		if f.Inline != (len(l.Files) == 1) {
			t.Errorf("%q: shown within is %t", f.Name, len(l.Files) == 1)
		}
		if link == "" {
			t.Errorf("%q: the user has %q", f.Name, l.Text)
			continue
		}
		if got := sum(get(t, link)); got != sum(f.Content) {
			t.Errorf("%q: the content is another", f.Name)
		}
	}
	w.noLeaks(t)
}

// TestR19_NoFile tells both sides when there is none, and why.
func TestR19_NoFile(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file  sandbox.File
		fault sandbox.Fault
		want  string
	}{
		"expired":   {sandbox.File{Name: "a.txt", Content: []byte("x")}, sandbox.Fault{Status: http.StatusForbidden}, "no longer available"},
		"too large": {sandbox.File{Name: "a.txt", Content: make([]byte, 2<<20)}, sandbox.Fault{}, "larger than"},
		"a program": {sandbox.File{Name: "a.exe", Content: []byte("x")}, sandbox.Fault{}, "not allowed"},
		"to a private address": {
			sandbox.File{Name: "a.txt", Content: []byte("x")}, sandbox.Fault{Redirect: "http://127.0.0.1:1/secret"}, "could not be delivered",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, user, id := escalated(t, sandbox.Config{}, "LIAISON_MAX_ATTACHMENT=1MiB")
			if tc.fault != (sandbox.Fault{}) {
				w.sandbox.Fault(sandbox.Files, tc.fault)
			}
			sandboxtest.Send(t, user, sandbox.Message{Text: "look", Files: []sandbox.File{tc.file}})
			sandboxtest.Say(t, user, "seen?")
			sandboxtest.WaitLine(t, user, sandbox.ByAgent, tc.want)
			eventually(t, "the agent has all", func() bool { return len(w.agentHas(t, id)) == 4 })
			has := w.agentHas(t, id)
			if has[1] != "look" || !strings.Contains(has[2], tc.want) || has[3] != "seen?" {
				t.Errorf("the agent has %q", has)
			}
			w.noLeaks(t)
		})
	}
}
