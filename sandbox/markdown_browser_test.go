package sandbox_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/words"
)

// TestPageShowsMarkdown shows what agents' words become for Teams, as Teams does.
func TestPageShowsMarkdown(t *testing.T) {
	t.Parallel()
	s, _, alex := withSkill(t, sandbox.Config{})
	page := browsertest.Open(t, s.URL())
	page.Wait(`document.title`, "Alex Wilber | Contoso copilot")
	for i, tc := range []struct {
		text   string
		format words.Format
		want   string // innerHTML
	}{
		{"**bold** *it* ***both*** `a*b` ``c`d``", words.Markdown, "<strong>bold</strong> <em>it</em> <strong><em>both</em></strong> <code>a*b</code> <code>c`d</code>"},
		{`**not** _it_ <b>x</b> & &lt; \ ~~s~~ | "q"`, words.Plain, `**not** _it_ &lt;b&gt;x&lt;/b&gt; &amp; &amp;lt; \ ~~s~~ | "q"`},
		{"> one\n>\n> two\n\nafter", words.Markdown, "<blockquote>one\n\ntwo</blockquote>after"},
		{"- one\n  - in\n- two", words.Markdown, "<ul><li>one<ul><li>in</li></ul></li><li>two</li></ul>"},
		{"3. three\n4. four", words.Markdown, `<ol start="3"><li>three</li><li>four</li></ol>`},
		{"1. not a list\n- not one\n> no quote\n```\nno code", words.Plain, "1. not a list\n\n- not one\n\n&gt; no quote\n\n```\n\nno code"},
		{"see\n\n```\nif a < b {\n\t*x* = `1`\n}\n```\n\nend", words.Markdown, "see<pre><code>if a &lt; b {\n\t*x* = `1`\n}</code></pre>end"},
		{"[a](https://a.example/?x=1&y=2) [m](mailto:a@b.example) [t](tel:+49)", words.Markdown, link("https://a.example/?x=1&amp;y=2", "a") + " " + link("mailto:a@b.example", "m") + " " + link("tel:+49", "t")},
		{"[x](javascript:alert(1)) <img src=x onerror=alert(1)>", words.HTML, "[x](javascript:alert(1)) "},
	} {
		shows(t, s, alex, page, words.ToTeams(tc.text, tc.format), fmt.Sprint(i), strings.TrimSpace(tc.want))
	}
}

// TestPageObeysNoMarkup: what a channel would not send is shown as it is.
func TestPageObeysNoMarkup(t *testing.T) {
	t.Parallel()
	s, _, alex := withSkill(t, sandbox.Config{})
	page := browsertest.Open(t, s.URL())
	page.Wait(`document.title`, "Alex Wilber | Contoso copilot")
	for i, tc := range []struct{ text, want string }{
		{"<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"},
		{"[x](javascript:alert(1))", "[x](javascript:alert(1))"},
		{"[x](data:text/html,<script>)", "[x](data:text/html,&lt;script&gt;)"},
		{`[x](https://a.example/"onclick="alert(1))`, link("https://a.example/&quot;onclick=&quot;alert(1", "x") + ")"},
		{"> <svg onload=alert(1)>\n> ```\n> </code><script>", "<blockquote>&lt;svg onload=alert(1)&gt;<pre><code>&lt;/code&gt;&lt;script&gt;</code></pre></blockquote>"},
		{strings.Repeat(">", 12) + "x", strings.Repeat("<blockquote>", 10) + "&gt;&gt;x" + strings.Repeat("</blockquote>", 10)},
	} {
		shows(t, s, alex, page, tc.text, fmt.Sprint(i), tc.want)
	}
}

func link(href, label string) string {
	return `<a href="` + href + `" target="_blank" rel="noopener noreferrer">` + label + `</a>`
}

// shows posts a message and waits for what the page makes of it.
func shows(t *testing.T, s *sandbox.Sandbox, alex sandbox.User, page browsertest.Tab, text, mark, want string) {
	t.Helper()
	posted(t, s, alex, object{"type": "message", "textFormat": "markdown", "text": text})
	posted(t, s, alex, object{"type": "message", "textFormat": "plain", "text": mark})
	page.Wait(lastLine, mark)
	if got := page.Eval(`[...document.querySelectorAll("#log .bubble")].at(-2).innerHTML`); strings.TrimSpace(got) != want {
		t.Errorf("%q is shown as\n%s, want\n%s", text, got, want)
	}
}
