package words

import (
	"strings"

	"golang.org/x/net/html"
)

// FromTeams returns what a user wrote in Teams as plain text for an agent. A
// message has its text, and mostly the same once more with its formatting, as an
// attachment of type text/html; the formatting is kept as far as text can show
// it: lists, quotes, code, tables, and where links lead. Mentions read "@Name",
// but the bot's own, by its name, is left out.
//
// Without HTML, or with none that says anything, it is the text that counts.
func FromTeams(text, html, bot string) string {
	r := reader{teams: true, own: strings.Join(strings.Fields(bot), " ")}
	nodes, err := parse(html)
	if err == nil {
		r.read(nodes)
		if said := strings.TrimSpace(r.plain()); said != "" {
			return said
		}
	}
	if said := strings.TrimSpace(untag(clean(text), r.own)); said != "" || err == nil {
		return said
	}
	return strings.TrimSpace(flatten(html))
}

// untag replaces the mentions in a message's text, "<at>Name</at>". The rest is
// no markup.
func untag(text, bot string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "<at>")
		name, after, closed := strings.Cut(rest, "</at>")
		b.WriteString(before)
		if !found || !closed {
			b.WriteString(text[len(before):])
			return b.String()
		}
		if plain := strings.Join(strings.Fields(name), " "); plain != "" && plain != bot {
			b.WriteString("@" + strings.TrimPrefix(plain, "@"))
		}
		text = after
	}
}

// A Format is how a hub writes its agents' words.
type Format string

// The formats of hubs.
const (
	Plain    Format = "plain"
	Markdown Format = "markdown" // CommonMark with GitHub's tables
	HTML     Format = "html"
	BBCode   Format = "bbcode"
)

// ToTeams returns an agent's words in the Markdown that every Teams client shows:
// bold, italic, code, quotes, links and lines that read as lists and tables. A
// link survives if it leads to the web, to mail or to a telephone. Everything
// else is shown and not obeyed, as Literal does it; so is all of it in a format
// that is not known, and Markdown of more than 16 KiB.
func ToTeams(text string, f Format) string {
	switch {
	case f == Markdown && len(text) <= longestMarkdown:
		return fromHTML(markdownToHTML(text), text)
	case f == HTML:
		return fromHTML(text, "")
	case f == BBCode:
		return fromHTML(bbcodeToHTML(text), text)
	default:
		return Literal(text)
	}
}

// fromHTML returns what a document says, or the original, or the mere words, if
// it cannot be read.
func fromHTML(document, original string) string {
	nodes, err := parse(document)
	switch {
	case err == nil:
		r := reader{page: page{markdown: true}}
		r.read(nodes)
		return r.render()
	case original != "":
		return Literal(original)
	}
	return Literal(flatten(document))
}

// flatten returns the text of HTML that is nested too deep for a tree, in lines.
func flatten(document string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(strings.ToValidUTF8(document, "\ufffd")))
	hidden := ""
	for {
		switch z.Next() {
		case html.ErrorToken:
			return clean(b.String())
		case html.TextToken:
			if hidden == "" {
				b.Write(z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			if isHidden(string(name)) && hidden == "" {
				hidden = string(name)
			}
			breakBefore(&b, string(name))
		case html.EndTagToken:
			name, _ := z.TagName()
			if string(name) == hidden {
				hidden = ""
			}
			breakBefore(&b, string(name))
		default: // comments
		}
	}
}

func breakBefore(b *strings.Builder, element string) {
	if (element == "br" || isBlock(element)) && b.Len() > 0 && !strings.HasSuffix(b.String(), "\n") {
		b.WriteByte('\n')
	}
}
