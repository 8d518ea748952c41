package words

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// A reader turns a document's tree into a page.
type reader struct {
	page

	teams bool   // the document is Teams' own: "@" before mentions
	own   string // the bot's name, whose mention is left out
	links int    // begun so far
}

// parse reads HTML. What is nested too deep to be meant is an error.
func parse(source string) ([]*html.Node, error) {
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := html.ParseFragmentWithOptions(strings.NewReader(strings.ToValidUTF8(source, "\ufffd")), body,
		html.ParseOptionEnableScripting(false))
	if err != nil {
		return nil, fmt.Errorf("parse HTML: %w", err)
	}
	return nodes, nil
}

func (r *reader) read(nodes []*html.Node) {
	for _, n := range nodes {
		r.node(n, style{})
	}
}

func (r *reader) children(n *html.Node, st style) {
	for c := range n.ChildNodes() {
		r.node(c, st)
	}
}

func (r *reader) node(n *html.Node, st style) {
	switch {
	case n.Type == html.TextNode:
		r.say(n.Data, st)
	case n.Type != html.ElementNode || isHidden(n.Data):
	case isBlock(n.Data):
		r.block()
		r.element(n, st)
		r.block()
	default:
		r.element(n, st)
	}
}

// element shows an element by its meaning; one without any is its content.
func (r *reader) element(n *html.Node, st style) {
	st = st.of(n.Data)
	switch n.Data {
	case "a":
		r.link(n, st)
		return
	case "br":
		r.lineBreak()
	case "hr":
		r.say("———", st)
	case "img", "emoji", "customemoji":
		r.picture(n, st)
	case "pre", "codeblock":
		r.code(source(n))
		return
	case "blockquote":
		r.within("> ", "> ", func() { r.children(n, st) })
		return
	case "ul", "ol":
		r.list(n, st)
		return
	case "li":
		r.item(n, st, "- ")
		return
	case "tr":
		r.row(n, st)
		return
	case "at", "span":
		if r.teams && isMention(n) {
			r.mention(n, st)
			return
		}
	}
	r.children(n, st)
	if r.teams && attribute(n, "itemprop") == "mri" { // whom a reply quotes
		r.say(":", style{})
	}
}

// link shows a link's words, and where it leads if that may be followed.
func (r *reader) link(n *html.Node, st style) {
	href, ok := safeAddress(attribute(n, "href"))
	if !ok {
		r.children(n, st)
		return
	}
	r.children(n, r.linked(st, href))
}

// linked is st within one more link. There is none within a link.
func (r *reader) linked(st style, href string) style {
	if st.href != "" {
		return st
	}
	r.links++
	return style{bold: st.bold, italic: st.italic, href: href, link: r.links}
}

// picture shows an emoji as it is, and another image as a link to it.
func (r *reader) picture(n *html.Node, st style) {
	alt := attribute(n, "alt")
	if n.Data == "img" && !strings.HasSuffix(attribute(n, "itemtype"), "Emoji") && st.href == "" {
		if src, ok := safeAddress(attribute(n, "src")); ok {
			st = r.linked(st, src)
			if strings.TrimSpace(alt) == "" {
				alt = src
			}
		}
	}
	r.say(alt, st)
}

func isMention(n *html.Node) bool {
	return n.Data == "at" || strings.HasSuffix(attribute(n, "itemtype"), "/Mention")
}

func (r *reader) mention(n *html.Node, st style) {
	name := strings.Join(strings.Fields(source(n)), " ")
	switch {
	case name != "" && name == r.own:
		return
	case name != "" && !strings.HasPrefix(name, "@"):
		r.say("@", st)
	}
	r.children(n, st)
}

// list shows a list's items, numbered from where it starts.
func (r *reader) list(n *html.Node, st style) {
	number := 1
	if start, err := strconv.Atoi(attribute(n, "start")); err == nil && start >= 0 && start < 1e8 {
		number = start
	}
	for c := range n.ChildNodes() {
		if c.Data != "li" || c.Type != html.ElementNode {
			r.node(c, st)
			continue
		}
		mark := "- "
		if n.Data == "ol" {
			mark = strconv.Itoa(number) + ". "
			number++
		}
		r.block()
		r.item(c, st, mark)
		r.block()
	}
}

func (r *reader) item(n *html.Node, st style, mark string) {
	r.within(mark, strings.Repeat(" ", len(mark)), func() { r.children(n, st) })
}

// row shows a table's row as a line. A row of one cell, which lays out a page
// rather than showing a table, is its content.
func (r *reader) row(n *html.Node, st style) {
	cells := 0
	for c := range n.ChildNodes() {
		if c.Data == "td" || c.Data == "th" {
			cells++
		}
	}
	if cells < 2 {
		r.children(n, st)
		return
	}
	r.flat++
	cells = 0
	for c := range n.ChildNodes() {
		if c.Data == "td" || c.Data == "th" {
			if cells++; cells > 1 {
				r.space = true
				r.say("|", style{})
				r.space = true
			}
		}
		r.node(c, st)
	}
	r.flat--
}

// source returns an element's text with its white space.
func source(n *html.Node) string {
	var b strings.Builder
	var add func(*html.Node)
	add = func(n *html.Node) {
		switch {
		case n.Type == html.TextNode:
			b.WriteString(n.Data)
		case n.Data == "br", isBlock(n.Data) && b.Len() > 0 && !strings.HasSuffix(b.String(), "\n"):
			b.WriteByte('\n')
		case n.Data == "img", n.Data == "emoji", n.Data == "customemoji":
			b.WriteString(attribute(n, "alt"))
		}
		if n.Type == html.ElementNode && isHidden(n.Data) {
			return
		}
		for c := range n.ChildNodes() {
			add(c)
		}
	}
	for c := range n.ChildNodes() {
		add(c)
	}
	return b.String()
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}

// isHidden reports whether a browser shows nothing of an element's content.
func isHidden(element string) bool {
	switch element {
	case "script", "style", "template", "title", "iframe", "noembed", "noframes":
		return true
	}
	return false
}

func isBlock(element string) bool {
	switch element {
	case "address", "article", "aside", "blockquote", "caption", "center", "codeblock", "dd", "details", "dialog", "div",
		"dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
		"hr", "li", "main", "nav", "ol", "option", "p", "pre", "section", "summary", "table", "tr", "ul":
		return true
	}
	return false
}
