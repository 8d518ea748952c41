package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestFileFetchedAtReceipt: the hub is away while the file's URL expires.
func TestFileFetchedAtReceipt(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	w.hub.stop()
	sandboxtest.Send(t, user, sandbox.Message{Text: "look", Files: []sandbox.File{{Name: "a.txt", Content: []byte("hello")}}})
	eventually(t, "the file is fetched", func() bool { return w.files(t, "ready") == 1 })
	w.sandbox.ExpireDownloads()
	w.hub.start()
	eventually(t, "the agent has it", func() bool { return cmp.Equal(w.agentHas(t, id), []string{"help", "look", "[a.txt]"}) })
	w.noLeaks(t)
}

// files counts the service's files in a state.
func (w *world) files(tb testing.TB, state string) (n int) {
	tb.Helper()
	if err := w.db.QueryRow(tb.Context(), `SELECT count(*) FROM file WHERE state = $1`, state).Scan(&n); err != nil {
		tb.Fatal(err)
	}
	return n
}

// TestFileSlow holds up the words behind it, and nobody else's.
func TestFileSlow(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	w.sandbox.Fault(sandbox.Files, sandbox.Fault{Delay: time.Second, Times: 1})
	sandboxtest.Send(t, user, sandbox.Message{Files: []sandbox.File{{Name: "slow.txt", Content: []byte("x")}}})
	sandboxtest.Send(t, user, sandbox.Message{Text: "and", Files: []sandbox.File{{Name: "quick.txt", Content: []byte("y")}}})
	eventually(t, "all in order", func() bool {
		return cmp.Equal(w.agentHas(t, id), []string{"help", "[slow.txt]", "and", "[quick.txt]"})
	})
	var attempts int
	err := w.db.QueryRow(t.Context(), `SELECT count(*) FROM attempt WHERE class NOT IN ('delivered')`).Scan(&attempts)
	if err != nil || attempts > 0 {
		t.Errorf("%d attempts at a hub that was not asked, %v", attempts, err)
	}
	eventually(t, "the transcript names them", func() bool {
		var n int
		err := w.db.QueryRow(t.Context(), `SELECT count(*) FROM entry WHERE text IN ('📎 slow.txt', '📎 quick.txt')`).Scan(&n)
		return err == nil && n == 2
	})
}

// TestFileRepeated: an activity that is posted again brings no second file.
func TestFileRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{})
	c := newCaller(t, w)
	c.says("s1", event("startConversation"))
	id := w.chat(t).ID
	for range 3 {
		c.says("m1", map[string]any{"type": "message", "attachments": []any{
			map[string]any{"contentType": "image/gif", "name": "dot.gif", "contentUrl": "data:image/gif;base64,R0lGODlhAQABAAAAACw="},
		}})
	}
	c.says("m2", map[string]any{"type": "message", "text": "done"})
	eventually(t, "the agent has it", func() bool { return slices.Contains(w.agentHas(t, id), "done") })
	if diff := cmp.Diff([]string{"hello", "[dot.gif]", "done"}, w.agentHas(t, id)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestFileBetweenRefusals: Teams asks for patience between two files.
func TestFileBetweenRefusals(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	w.sandbox.Fault(sandbox.Connector, sandbox.Fault{Status: http.StatusTooManyRequests, RetryAfter: time.Second, Times: 1})
	w.sandbox.Fault(sandbox.Connector, sandbox.Fault{Status: http.StatusPreconditionFailed, Times: 1})
	w.agentGives(t, id, sandbox.File{Name: "a.txt", Content: []byte("x")})
	w.agentSays(t, id, "between")
	w.agentGives(t, id, sandbox.File{Name: "b.txt", Content: []byte("y")})
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "b.txt")
	var got []string
	for _, l := range byAuthor(user, sandbox.ByAgent) {
		for _, mark := range []string{"a.txt", "between", "b.txt"} {
			if strings.Contains(l, mark) {
				got = append(got, mark)
			}
		}
	}
	if diff := cmp.Diff([]string{"a.txt", "between", "b.txt"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestFileKill kills the service while a file is on its way.
func TestFileKill(t *testing.T) {
	t.Parallel()
	w, service := newProcessWorld(t, sandbox.Config{})
	user := w.sandbox.User("Megan")
	sandboxtest.Say(t, user, "talk to a person", "help")
	id := w.chat(t).ID
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	want := []string{"help"}
	for n := range 4 {
		name := fmt.Sprintf("file %d.txt", n)
		sandboxtest.Send(t, user, sandbox.Message{Text: fmt.Sprint("words ", n), Files: []sandbox.File{{Name: name, Content: content}}})
		want = append(want, fmt.Sprint("words ", n), "["+name+"]")
		<-time.After(time.Duration(n) * 30 * time.Millisecond)
		service.kill()
		service.start()
	}
	eventually(t, "all of it is with the agent", func() bool { return len(w.agentHas(t, id)) >= len(want) })
	if diff := cmp.Diff(want, w.agentHas(t, id)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, l := range w.deskLines(t, id) {
		for _, f := range l.Attachments {
			if sum(get(t, f.URL)) != sum(content) {
				t.Errorf("%s: the content is another", f.Name)
			}
		}
	}
}
