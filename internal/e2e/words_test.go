package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
	"github.com/liaison-skill/liaison/words"
)

// formats sends a message of the user's as Teams does, with what it looks like.
func (c caller) formats(id, text, html string) {
	c.t.Helper()
	c.says(id, map[string]any{
		"text": text, "attachments": []any{map[string]any{"contentType": "text/html", "content": html}},
		"entities": []any{map[string]any{
			"type": "mention", "text": "<at>Helpdesk</at>",
			"mentioned": map[string]any{"id": "28:" + copilotID, "name": "Helpdesk"},
		}},
	})
}

// TestWords_of_the_user reach the agent as they were meant.
func TestWords_of_the_user(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{})
	c := newCaller(t, w)
	c.says("start", event("startConversation"))
	corpus := []struct{ text, html, want string }{
		{"hello", "", "hello"},
		{"שלום, מה שלומך?", "<p>שלום, מה שלומך?</p>", "שלום, מה שלומך?"},
		{"注文が届きません。", "<p>注文が届きません。</p>", "注文が届きません。"},
		{"👩‍👩‍👧‍👦 🏴󠁧󠁢󠁷󠁬󠁳󠁿 👍🏽", "", "👩‍👩‍👧‍👦 🏴󠁧󠁢󠁷󠁬󠁳󠁿 👍🏽"},
		{"e\u0301 ก็ ज़्", "", "e\u0301 ก็ ज़्"},
		{"one\ntwo", "<ul><li>one</li><li>two <b>bold</b></li></ul>", "- one\n- two bold"},
		{"first second", "<ol><li>first</li><li>second</li></ol>", "1. first\n2. second"},
		{"said so", "<blockquote>said</blockquote><p>so</p>", "> said\nso"},
		{"x := 1", "<pre><code>if x {\n\treturn\n}</code></pre>", "```\nif x {\n\treturn\n}\n```"},
		{"the page", `<a href="https://a.example/x?a=1&amp;b=2">the page</a>`, "the page (https://a.example/x?a=1&b=2)"},
		{"a < b && <script>", "<p>a &lt; b &amp;&amp; &lt;script&gt;</p>", "a < b && <script>"},
		{"<at>Helpdesk</at> ask <at>Ann</at>", "<p><at>Helpdesk</at> ask <at>Ann</at></p>", "ask @Ann"},
		{"{{ .Author.Email }} ${x}", "", "{\u2060{ .Author.Email }\u2060} $\u2060{x}"},
	}
	var want []string
	for i, tc := range corpus {
		c.formats(fmt.Sprint("m", i), tc.text, tc.html)
		want = append(want, tc.want)
	}
	id := w.chat(t).ID
	eventually(t, "everything is on the desk", func() bool { return len(w.said(t, id)) == len(want) })
	if diff := cmp.Diff(want, w.said(t, id)); diff != "" {
		t.Errorf("the desk shows (-want +got):\n%s", diff)
	}
}

// TestWords_of_the_user_that_are_long arrive in parts, each once, and are whole
// together.
func TestWords_of_the_user_that_are_long(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{})
	c := newCaller(t, w)
	c.says("start", event("startConversation"))
	line := "Grüße 漢字 👩‍👩‍👧‍👦 and so on."
	text := strings.TrimSpace(strings.Repeat(line+"\n", 100_000/len(line)))
	long := map[string]any{"text": text, "value": map[string]any{"order": "42"}}
	c.says("long", long)
	c.says("long", long)
	c.says("short", map[string]any{"text": "that is all"})
	id := w.chat(t).ID
	eventually(t, "the last is on the desk", func() bool { return slices.Contains(w.said(t, id), "that is all") })
	got := w.said(t, id)
	if len(got) != 5 {
		t.Fatalf("the desk shows %d lines", len(got))
	}
	var whole []string
	for i, part := range got[:4] {
		label := fmt.Sprintf("(%d/4) ", i+1)
		if !strings.HasPrefix(part, label+"Grüße") || len(part) > 32<<10 {
			t.Errorf("part %d is %d long and begins %.20q", i+1, len(part), part)
		}
		whole = append(whole, strings.TrimPrefix(part, label))
	}
	if strings.Join(whole, "\n") != text {
		t.Error("the parts are not the text")
	}
	c.says("long", map[string]any{"type": "messageUpdate", "text": "in short"})
	eventually(t, "the change on a line of its own", func() bool { return slices.Contains(w.said(t, id), "(edited) in short") })
}

// hook posts what a hub says, signed, until the service has taken it.
func (w *world) hook(t *testing.T, members map[string]any) {
	t.Helper()
	raw, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprint(members["id"])
	eventually(t, "the event is taken", func() bool {
		status, answer := w.post(t, "/api/livechat/messages", "", raw, sign(id, time.Now(), string(raw))...)
		if status != http.StatusNoContent && status != http.StatusServiceUnavailable {
			t.Fatalf("%s: status %d %s", id, status, answer)
		}
		return status == http.StatusNoContent
	})
}

// ofAgent are the lines that name the agent.
func ofAgent(u sandbox.User) []string {
	var said []string
	for _, line := range byAuthor(u, sandbox.ByAgent) {
		if text, ok := strings.CutPrefix(line, "**Bo**:"); ok {
			said = append(said, strings.TrimPrefix(text, " "))
		}
	}
	return said
}

// TestWords_of_the_agent reach the user as they were meant, and nothing else is
// obeyed.
func TestWords_of_the_agent(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	corpus := []struct{ format, text, want string }{
		{"", "**not bold** <b>x</b>", `\*\*not bold\*\* &lt;b&gt;x&lt;/b&gt;`},
		{"markdown", "**bold** _it_ `c`", "**bold** *it* `c`"},
		{"markdown", "<b>shown</b> & 1 < 2", "&lt;b&gt;shown&lt;/b&gt; &amp; 1 &lt; 2"},
		{"html", "<p>Hi <strong>Ann</strong>, see <a href='https://a.example/'>this</a></p>", "Hi **Ann**, see [this](https://a.example/)"},
		{"html", "<script>alert(1)</script>hello<img src=x onerror=alert(1)>", "hello"},
		{"html", "<blockquote>you said</blockquote><p>yes</p>", "\n\n> you said\n\nyes"},
		{"bbcode", "[b]bold[/b] [url=javascript:alert(1)]x[/url]", "**bold** x"},
		{"markdown", "```\nx := a*b\n```", "\n\n```\nx := a*b\n```"},
		{"", "שלום *עולם*", `שלום \*עולם\*`},
		{"markdown", "漢字 **太字** 👩‍👩‍👧‍👦 e\u0301", "漢字 **太字** 👩‍👩‍👧‍👦 e\u0301"},
	}
	var want []string
	for i, tc := range corpus {
		w.hook(t, map[string]any{"conversationId": id, "id": fmt.Sprint("e", i), "message": tc.text, "sender": "Bo", "format": tc.format})
		want = append(want, tc.want)
	}
	eventually(t, "everything is in Teams", func() bool { return len(ofAgent(user)) == len(want) })
	if diff := cmp.Diff(want, ofAgent(user)); diff != "" {
		t.Errorf("the user sees (-want +got):\n%s", diff)
	}
	if v := w.sandbox.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
	w.hook(t, map[string]any{"conversationId": id, "id": "x1", "event": "edited", "messageId": "e1", "message": "*now*", "sender": "Bo", "format": "markdown"})
	eventually(t, "the edited line", func() bool { return ofAgent(user)[1] == "*now*" })
}

// TestWords_of_the_agent_that_are_long arrive in parts, once and in order, are
// edited in new lines and taken back as a whole.
func TestWords_of_the_agent_that_are_long(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	paragraph := "Zeile 漢字 👩‍👩‍👧‍👦 " + strings.Repeat("und so weiter ", 20)
	text := strings.TrimSpace(strings.Repeat(strings.TrimSpace(paragraph)+"\n\n", 100_000/len(paragraph)))
	said := func(event string, more map[string]any) {
		t.Helper()
		body := map[string]any{"conversationId": id, "id": event, "message": text, "sender": "Bo"}
		maps.Copy(body, more)
		w.hook(t, body)
	}
	said("long", nil)
	said("after", map[string]any{"message": "that is all"})
	said("long", nil)
	said("long", map[string]any{"message": text + text}) // a repeat, whatever it says
	said("last", map[string]any{"message": "bye"})
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "bye")
	lines := ofAgent(user)
	n := len(lines) - 2
	if n < 4 || lines[n] != "that is all" || lines[n+1] != "bye" {
		t.Fatalf("%d lines", len(lines))
	}
	for i, l := range lines[:n] {
		if !strings.HasPrefix(l, fmt.Sprintf("(%d/%d) Zeile", i+1, n)) || words.UTF16.Len(l) > 20_000 {
			t.Errorf("part %d is %d long and begins %.20q", i+1, words.UTF16.Len(l), l)
		}
	}
	said("edit", map[string]any{"event": "edited", "messageId": "long", "message": "in short"})
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "(edited) in short")
	said("back", map[string]any{"event": "deleted", "messageId": "long"})
	eventually(t, "all parts are gone", func() bool { return cmp.Equal(ofAgent(user), []string{"that is all", "bye", "(edited) in short"}) })
	said("longer", map[string]any{"event": "edited", "messageId": "last"})
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, fmt.Sprintf("(1/%d) (edited) Zeile", n))
}
