package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// A corpus is files that a file must come through as, by what is hard about them.
func corpus(tb testing.TB) []sandbox.File {
	tb.Helper()
	random := make([]byte, 20<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(random)
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewRGBA(image.Rect(0, 0, 16, 16))); err != nil {
		tb.Fatal(err)
	}
	return []sandbox.File{
		{Name: "nothing.txt"},
		{Name: "one.bin", Content: []byte{0}},
		{Name: "part.bin", Content: random[:256<<10]},
		{Name: "largest.bin", Content: random},
		{Name: "Übung №1 – 日本語 👩‍💻.txt", Content: []byte("ß")},
		{Name: `..\..\etc/pass "wd"'; x=1&y.txt`, Content: []byte("x")},
		{Name: "\u202etxt.fdp", Content: []byte("y")},
		{Name: strings.Repeat("long", 80) + ".txt", Content: []byte("z")},
		{Name: "pasted.png", Type: "image/png", Content: picture.Bytes(), Inline: true},
	}
}

func sum(content []byte) string {
	digest := sha256.Sum256(content)
	return hex.EncodeToString(digest[:])
}

// deskLine is a line of the hub's own record.
type deskLine struct {
	Message, From, Sender, ID string
	Attachments               []struct {
		Name, URL string
		Size      int64
	}
}

func (w *world) deskLines(tb testing.TB, id string) (lines []deskLine) {
	tb.Helper()
	w.desk(tb, http.MethodGet, "/api/chat/messages?conversationId="+url.QueryEscape(id), nil, &lines)
	return lines
}

// userLines are what the agent has of the user: words, and names of files in brackets.
func (w *world) agentHas(tb testing.TB, id string) (all []string) {
	tb.Helper()
	for _, l := range w.deskLines(tb, id) {
		if l.From != "user" {
			continue
		}
		if l.Message != "" {
			all = append(all, l.Message)
		}
		for _, f := range l.Attachments {
			all = append(all, "["+f.Name+"]")
		}
	}
	return all
}

// get returns what a URL gives without any credential.
func get(tb testing.TB, rawURL string) []byte {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, rawURL, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		tb.Fatalf("status %d, %v, %d bytes", resp.StatusCode, err, len(content))
	}
	return content
}

var anyURL = regexp.MustCompile(`https?://[^\s,)\]\\]+`)

// urlIn returns the last URL of a text: in Markdown a link's label is before it.
func urlIn(text string) string {
	all := anyURL.FindAllString(text, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// noLeaks fails if a token was sent where none belongs.
func (w *world) noLeaks(tb testing.TB) {
	tb.Helper()
	if v := w.sandbox.Violations(); len(v) > 0 {
		tb.Errorf("violations: %q", v)
	}
	for _, telling := range []string{"tempauth", "/files/", "signature=", "a.txt", "a.exe", "largest", "bung", "pasted"} {
		if strings.Contains(w.log.String(), telling) {
			tb.Errorf("%q, of a file's name or URL, is in the log", telling)
		}
	}
}

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
