package words_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// dialects are readers of Markdown other than our own. GitHub's is without its
// boxes for tasks, for which this library takes links named "x", too.
func dialects() map[string]goldmark.Markdown {
	return map[string]goldmark.Markdown{
		"CommonMark": goldmark.New(),
		"GitHub's":   goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.Linkify)),
	}
}

// A showing is what a reader of Markdown makes of a source: the text it shows,
// and the kinds of markup it obeys.
type showing struct {
	text  string
	kinds []string
}

func show(t *testing.T, md goldmark.Markdown, markdown string) showing {
	t.Helper()
	source := []byte(markdown)
	doc := md.Parser().Parse(text.NewReader(source))
	var s showing
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			s.see(n)
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := md.Renderer().Render(&b, source, doc); err != nil {
		t.Fatal(err)
	}
	nodes, err := html.ParseFragment(strings.NewReader(b.String()), body())
	if err != nil {
		t.Skip("nested too deep to show")
	}
	var shown strings.Builder
	for _, n := range nodes {
		walk(n, &shown)
	}
	s.text = shown.String()
	return s
}

func (s *showing) see(n ast.Node) {
	kind := n.Kind().String()
	switch n := n.(type) {
	case *ast.Document, *ast.Paragraph, *ast.TextBlock, *ast.Text, *ast.String, *ast.AutoLink:
		return // an automatic link leads where it says
	case *ast.Link:
		kind = link(kind, string(n.Destination))
	}
	s.kinds = append(s.kinds, kind)
}

// link is the kind of a link that may be followed, or says where another leads.
func link(kind, to string) string {
	for _, scheme := range []string{"http://", "https://", "mailto:", "tel:"} {
		if len(to) >= len(scheme) && strings.EqualFold(to[:len(scheme)], scheme) {
			return kind
		}
	}
	return kind + " to " + to
}

// allowed reports whether a kind of markup is of the subset Teams shows.
func allowed(kind string) bool {
	return slices.Contains([]string{
		"Emphasis", "CodeSpan", "FencedCodeBlock", "Blockquote", "List", "ListItem", "Link",
	}, kind)
}

func body() *html.Node {
	return &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
}

// dense is a text without white space and control characters.
func dense(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
}

// alphanumeric are a text's letters and digits.
func alphanumeric(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

// contains reports whether s has the characters of part in their order.
func contains(s, part string) bool {
	for _, r := range part {
		i := strings.IndexRune(s, r)
		if i < 0 {
			return false
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		s = s[i+n:]
	}
	return true
}
