package words_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/net/html"

	"github.com/liaison-skill/liaison/words"
)

// seeds are all texts of testdata.
func seeds(f *testing.F) []string {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*", "*"))
	if err != nil {
		f.Fatal(err)
	}
	var texts []string
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			texts = append(texts, read(f, file))
		}
	}
	return texts
}

// wellFormed fails the test if text is not what every function here promises.
func wellFormed(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Fatalf("invalid UTF-8: %q", text)
	}
	for _, r := range text {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			t.Fatalf("control character %U in %q", r, text)
		}
	}
}

// FuzzLiteral: Markdown shows a literal text as it was, and as nothing but text
// and links to where the text says.
func FuzzLiteral(f *testing.F) {
	for _, text := range seeds(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := words.Literal(text)
		wellFormed(t, got)
		for name, md := range dialects() {
			shown := show(t, md, got)
			if want := dense(text); dense(shown.text) != want {
				t.Fatalf("%s shows %q of %q as\n%q, want\n%q", name, got, text, dense(shown.text), want)
			}
			for _, kind := range shown.kinds {
				if kind != "Link" {
					t.Fatalf("%s obeys %s in %q of %q", name, kind, got, text)
				}
			}
		}
	})
}

// FuzzFromTeams: no visible word is lost.
func FuzzFromTeams(f *testing.F) {
	for _, text := range seeds(f) {
		f.Add("", text)
		f.Add(text, "")
	}
	f.Fuzz(func(t *testing.T, text, document string) {
		got := words.FromTeams(text, document, "")
		wellFormed(t, got)
		want := visible(document)
		if document == "" && !strings.Contains(text, ">") { // else there may be mentions
			want = alphanumeric(text)
		}
		if !contains(alphanumeric(got), want) {
			t.Fatalf("%q of %q\nhas not all of %q", got, document, want)
		}
	})
}

// FuzzToTeams: Teams shows every word, and obeys nothing but formatting and
// links that may be followed.
func FuzzToTeams(f *testing.F) {
	for _, text := range seeds(f) {
		for format := range formats() {
			f.Add(text, format)
		}
	}
	f.Fuzz(func(t *testing.T, text string, format int) {
		if format < 0 || format >= len(formats()) {
			return
		}
		got := words.ToTeams(text, formats()[format])
		wellFormed(t, got)
		for name, md := range dialects() {
			shown := show(t, md, got)
			for _, kind := range shown.kinds {
				if !allowed(kind) {
					t.Fatalf("%s obeys %s in\n%q of\n%q", name, kind, got, text)
				}
			}
			if formats()[format] != words.HTML {
				continue
			}
			if want := visible(text); !contains(alphanumeric(shown.text), want) {
				t.Fatalf("%s shows\n%q of\n%q, which has not all of %q", name, shown.text, got, want)
			}
		}
	})
}

func formats() []words.Format {
	return []words.Format{words.Plain, words.Markdown, words.HTML, words.BBCode}
}

// FuzzSplit: parts keep the limit and the words, and cut no character.
func FuzzSplit(f *testing.F) {
	for i, text := range seeds(f) {
		f.Add(text, 20+i, i%3)
	}
	f.Add(`\{؀\`, 3, 1)
	f.Fuzz(func(t *testing.T, text string, limit, unit int) {
		if limit < 4 || unit < 0 || unit > 2 { // 4: the longest rune
			return
		}
		u := words.Unit(unit)
		parts := words.Split(text, limit, u)
		text = strings.ToValidUTF8(text, "\ufffd")
		for i, part := range parts {
			if !utf8.ValidString(part) || u.Len(part) > limit {
				t.Fatalf("part %d of %d is too long or invalid: %q", i, len(parts), part)
			}
		}
		if strings.Contains(text, "```") || len(parts) == 1 && parts[0] == text {
			return // blocks of code are closed and opened
		}
		rest, ends := text, clusters(text)
		for _, part := range unnumbered(parts) {
			at := strings.Index(rest, part)
			if at < 0 || strings.TrimSpace(rest[:at]) != "" {
				t.Fatalf("%q is not what follows: %q", part, rest)
			}
			rest = rest[at+len(part):]
			if end := len(text) - len(rest); ends.longest(u) < limit/2 && !ends.at[end] {
				t.Fatalf("%q ends within a character of %q", part, text)
			}
		}
		if strings.TrimSpace(rest) != "" {
			t.Fatalf("%q is left over", rest)
		}
	})
}

// unnumbered takes the numbers off the parts.
func unnumbered(parts []string) []string {
	texts := make([]string, len(parts))
	for i, part := range parts {
		rest, ok := strings.CutPrefix(part, fmt.Sprintf("(%d/%d)", i+1, len(parts)))
		if !ok {
			return parts
		}
		if texts[i], ok = strings.CutPrefix(rest, "\n\n"); !ok {
			texts[i] = strings.TrimPrefix(rest, " ")
		}
	}
	return texts
}

// boundaries are where a text's characters end.
type boundaries struct {
	all []string
	at  map[int]bool
}

func clusters(text string) boundaries {
	b := boundaries{at: map[int]bool{}}
	for g := uniseg.NewGraphemes(text); g.Next(); {
		_, end := g.Positions()
		b.at[end] = true
		b.all = append(b.all, g.Str())
	}
	return b
}

func (b boundaries) longest(u words.Unit) int {
	n := 0
	for _, c := range b.all {
		n = max(n, u.Len(c))
	}
	return n
}

// FuzzInert: no template is left, nothing else has changed, and once is enough.
func FuzzInert(f *testing.F) {
	for _, text := range seeds(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := words.Inert(text)
		wellFormed(t, got)
		for _, mark := range []string{"{{", "}}", "{%", "%}", "${", "#{", "{#", "#}", "<%", "%>"} {
			if strings.Contains(got, mark) {
				t.Fatalf("%q is left in %q", mark, got)
			}
		}
		if words.Inert(got) != got {
			t.Fatalf("%q changes once more", got)
		}
		joined := strings.NewReplacer("\u2060", "")
		if dense(joined.Replace(got)) != dense(joined.Replace(text)) {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

// visible are the letters and digits a browser shows of a document.
func visible(document string) string {
	nodes, err := html.ParseFragmentWithOptions(strings.NewReader(strings.ToValidUTF8(document, "\ufffd")), body(),
		html.ParseOptionEnableScripting(false))
	if err != nil {
		return ""
	}
	var b strings.Builder
	for _, n := range nodes {
		walk(n, &b)
	}
	return alphanumeric(b.String())
}

func walk(n *html.Node, b *strings.Builder) {
	if n.Type == html.TextNode {
		b.WriteString(n.Data)
	}
	if n.Type == html.ElementNode && strings.Contains(" script style template title iframe noembed noframes ", " "+n.Data+" ") {
		return
	}
	for c := range n.ChildNodes() {
		walk(c, b)
	}
}
