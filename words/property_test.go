package words_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/liaison-skill/liaison/words"
)

// TestFormattingLosesNoWord: whatever is nested in whatever, the agent reads
// every word, and Teams shows every word and no mark of its Markdown.
func TestFormattingLosesNoWord(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var document strings.Builder
		tree(rt, &document, 6)
		source := document.String()
		want := visible(source)
		if got := words.FromTeams("", source, ""); !contains(alphanumeric(got), want) {
			rt.Fatalf("an agent reads\n%s\nof\n%s", got, source)
		}
		got := words.ToTeams(source, words.HTML)
		for name, md := range dialects() {
			shown := show(t, md, got)
			if alphanumeric(shown.text) != want || strings.ContainsAny(shown.text, "*_`[]\\&<>") {
				rt.Fatalf("%s shows\n%s\nof\n%s\nof\n%s", name, shown.text, got, source)
			}
		}
	})
}

// tree writes a random document: words, punctuation, and elements around them.
func tree(rt *rapid.T, b *strings.Builder, depth int) {
	for range rapid.IntRange(0, 4).Draw(rt, "children") {
		b.WriteString(rapid.SampledFrom([]string{"", "", " ", "\n"}).Draw(rt, "space"))
		element := rapid.SampledFrom([]string{
			"", "", "b", "i", "code", "a", "p", "div", "span", "ul", "ol", "li", "blockquote", "pre", "h2", "table", "tr", "td", "br",
		}).Draw(rt, "element")
		switch {
		case element == "" || depth == 0:
			b.WriteString(rapid.SampledFrom([]string{"word", "x", "7)", "!", "“q”", "漢字", "שלום", "- 1", "+", "#", "wo rd", "👨‍👩‍👧"}).Draw(rt, "words"))
		case element == "br":
			b.WriteString("<br>")
		case element == "a":
			b.WriteString(`<a href="https://x.example/?_=~">`)
			tree(rt, b, depth-1)
			b.WriteString("link</a>")
		default:
			fmt.Fprintf(b, "<%s>", element)
			tree(rt, b, depth-1)
			fmt.Fprintf(b, "</%s>", element)
		}
	}
}

// TestBounded: what nobody writes takes no more time or stack for it, and its
// words still arrive.
func TestBounded(t *testing.T) {
	t.Parallel()
	const n = 10_000
	for name, text := range map[string]string{
		"elements":         strings.Repeat("<div>", n) + "words",
		"formatting":       strings.Repeat("<b>", n) + "words" + strings.Repeat("</b>", n),
		"unlike":           unlike(n) + "words",
		"tables":           strings.Repeat("<table><tr><td>", n) + "words",
		"as deep as it is": strings.Repeat("<blockquote><ul><li>", 160) + "words",
		"quotes":           strings.Repeat(">", n) + "words",
		"lists":            strings.Repeat("- ", n) + "words",
		"links":            strings.Repeat("[a](", n) + "words",
		"stars":            strings.Repeat("*a ", n) + "words",
		"tags":             strings.Repeat("[b]", n) + "words",
		"unclosed":         strings.Repeat("[code]", n) + "words",
		"brackets":         strings.Repeat("[", n) + "words",
		"comments":         strings.Repeat("<!--", n) + "--> words",
		"100 kB":           strings.Repeat("some <b>bold</b> *words*, [b]bold[/b] too\n", 2500),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, f := range formats() {
				if got := words.ToTeams(text, f); !strings.Contains(got, "words") {
					t.Errorf("%s became %.80q", f, got)
				}
			}
			if got := words.FromTeams("", text, ""); !strings.Contains(got, "words") {
				t.Errorf("an agent reads %.80q", got)
			}
			if got := strings.Join(words.Split(words.Inert(text), 100, words.Runes), ""); !strings.Contains(got, "words") {
				t.Errorf("parts are %.80q", got)
			}
		})
	}
}

// unlike nests formatting of which no two are alike, for a parser to repeat.
func unlike(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "<p><b id=%d>", i)
	}
	return b.String()
}
