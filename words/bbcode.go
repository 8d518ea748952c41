package words

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// bbcodeToHTML reads BBCode as Live Helper Chat writes it
// (https://doc.livehelperchat.com/docs/bbcode). A tag that is not known, or
// closes nothing, is text.
func bbcodeToHTML(text string) string {
	b := bbcode{rest: clean(text)}
	b.lower = lower(b.rest)
	for b.rest != "" {
		before, after, found := strings.Cut(b.rest, "[")
		b.text(before)
		if !found {
			break
		}
		b.advance(len(before))
		after = after[:min(len(after), longestTag)]
		end := strings.IndexAny(after, "[]")
		if end < 0 || after[end] == '[' || !b.tag(after[:end]) {
			b.out.WriteByte('[')
			b.advance(1)
		}
	}
	return b.out.String()
}

// longestTag is as long as a tag with an address may be.
const longestTag = 2048

// A bbcode is what is left to read, and what was written.
type bbcode struct {
	rest, lower string // lower is rest in lower case
	out         strings.Builder
	open        []string
	unclosed    []string // tags whose end was looked for in vain
}

func (b *bbcode) advance(n int) { b.rest, b.lower = b.rest[n:], b.lower[n:] }

func (b *bbcode) text(s string) {
	if s == "" {
		return
	}
	b.out.WriteString(strings.ReplaceAll(html.EscapeString(s), "\n", "<br>"))
}

// tag reads a tag that rest begins with, and reports whether it is one.
func (b *bbcode) tag(tag string) bool {
	name, value, _ := strings.Cut(tag, "=")
	name = lower(strings.TrimSpace(name))
	if closed, ok := strings.CutPrefix(name, "/"); ok {
		return b.close(closed, len(tag)+2)
	}
	switch {
	case name == "*":
		b.out.WriteString("<li>")
	case name == "code" || name == "img" || name == "url" && value == "":
		return b.verbatim(name, len(tag)+2)
	case element(name) == "":
		return false
	default:
		b.start(name, strings.Trim(value, `"' `))
	}
	b.advance(len(tag) + 2)
	return true
}

func (b *bbcode) start(name, value string) {
	b.open = append(b.open, name)
	switch {
	case name == "url" || name == "email":
		if name == "email" {
			value = "mailto:" + value
		}
		b.out.WriteString(`<a href="` + html.EscapeString(value) + `">`)
	case name == "quote" && value != "":
		b.out.WriteString("<blockquote><div>" + html.EscapeString(value) + ":</div>")
	default:
		b.out.WriteString("<" + element(name) + ">")
	}
}

// close ends the tag that was opened last, if it is of that name, and those
// within it.
func (b *bbcode) close(name string, length int) bool {
	last := -1
	for i := len(b.open) - 1; i >= max(0, len(b.open)-16); i-- { // no deeper: a page of tags would take for ever
		if b.open[i] == name {
			last = i
			break
		}
	}
	if last < 0 {
		return false
	}
	for _, inner := range slices.Backward(b.open[last:]) {
		b.out.WriteString("</" + element(inner) + ">")
	}
	b.open = b.open[:last]
	b.advance(length)
	return true
}

// verbatim reads a tag whose content is no BBCode.
func (b *bbcode) verbatim(name string, length int) bool {
	end := "[/" + name + "]"
	if slices.Contains(b.unclosed, name) {
		return false
	}
	n := strings.Index(b.lower[length:], end)
	if n < 0 {
		b.unclosed = append(b.unclosed, name)
		return false
	}
	content := html.EscapeString(b.rest[length : length+n])
	switch name {
	case "code":
		b.out.WriteString("<pre>\n" + content + "</pre>")
	case "img":
		b.out.WriteString(`<img src="` + content + `">`)
	default:
		b.out.WriteString(`<a href="` + content + `">` + content + "</a>")
	}
	b.advance(length + n + len(end))
	return true
}

// element is a tag's element in HTML, or "".
func element(name string) string {
	switch name {
	case "b", "i", "u", "s", "li":
		return name
	case "url", "email":
		return "a"
	case "quote":
		return "blockquote"
	case "list", "ul":
		return "ul"
	case "ol":
		return "ol"
	case "color", "size", "font":
		return "span"
	case "center", "left", "right":
		return "div"
	}
	return ""
}

// lower is s in lower case, as far as ASCII goes: no byte moves.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r | 0x20
		}
		return r
	}, s)
}
