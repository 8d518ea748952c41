package words

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// plain writes the page for reading as it is.
func (p *page) plain() string {
	var b strings.Builder
	for i, l := range p.lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		row := l.lead + string(l.text)
		if !l.code {
			row = l.lead + l.plain()
		}
		b.WriteString(strings.TrimRightFunc(strings.ReplaceAll(row, string(nbsp), " "), unicode.IsSpace))
	}
	return b.String()
}

func (l line) plain() string {
	var b strings.Builder
	from := 0
	for _, s := range l.spans {
		text := string(l.text[from:s.end])
		from = s.end
		before, core, after := trim(text)
		b.WriteString(before)
		switch {
		case core == "":
		case s.style.href != "":
			b.WriteString(core)
			if !says(core, s.style.href) {
				b.WriteString(" (" + s.style.href + ")")
			}
		case s.style.code:
			b.WriteString(code(core))
		default:
			b.WriteString(core)
		}
		b.WriteString(after)
	}
	return b.String()
}

// render writes the page in the Markdown that Teams shows everywhere: bold,
// italic, code, quotes and links. A line is a paragraph of its own, because not
// every client joins lines in the same way.
func (p *page) render() string {
	var e escaper
	for i, l := range p.lines {
		switch {
		case i == 0:
		case l.tight:
			e.b.WriteByte('\n')
		default:
			e.b.WriteString("\n" + common(p.lines[i-1].follow, l.follow) + "\n")
		}
		e.b.WriteString(l.lead)
		if l.code {
			e.b.Write(l.text)
			continue
		}
		e.spans(l)
	}
	return e.b.String()
}

// spans writes a line's words.
func (e *escaper) spans(l line) {
	e.sealed, e.fresh = false, true
	from := 0
	for _, s := range l.spans {
		text := string(l.text[from:s.end])
		from = s.end
		before, core, after := trim(text)
		e.joined = after == "" && from < len(l.text)
		if e.fresh && s.style == (style{}) {
			e.line(text)
			continue
		}
		if before != "" {
			e.words(before)
		}
		if core != "" {
			e.span(core, s.style)
		}
		if after != "" {
			e.words(after)
		}
	}
}

// span writes words in a style.
func (e *escaper) span(s string, st style) {
	switch {
	case st.href != "":
		e.link(s, st)
		return
	case st.code && !e.sealed && !mentions(s):
		e.b.WriteString(code(s))
		e.sealed, e.fresh = true, false
		return
	}
	marks := e.marks(s, st)
	e.marked = marks != ""
	e.b.WriteString(marks)
	if e.fresh {
		e.line(s)
	} else {
		e.words(s)
	}
	e.b.WriteString(marks)
	e.sealed, e.marked = e.marked, false
}

// marks are what stands before and after words in bold or italic, or "" where
// Markdown would not take it for that: next to other marks, or within a word
// next to punctuation.
func (e *escaper) marks(s string, st style) string {
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	switch {
	case e.sealed, isMark(first) && !e.apart(), isMark(last) && e.joined:
		return ""
	case st.bold && st.italic:
		return "***"
	case st.bold:
		return "**"
	case st.italic:
		return "*"
	}
	return ""
}

// apart reports whether a blank, or nothing in the line, was written last.
func (e *escaper) apart() bool {
	written := e.b.String()
	return e.fresh || strings.HasSuffix(written, " ") || strings.HasSuffix(written, "\n")
}

// link writes a link. Words that look like another address are followed by the
// true one.
func (e *escaper) link(s string, st style) {
	label := strings.TrimSpace(visible(s))
	if label == "" {
		label = st.href
	}
	marks := (&escaper{fresh: true}).marks(label, st)
	e.b.WriteString("[" + marks)
	e.label(label)
	e.b.WriteString(marks + "](" + destination(st.href) + ")")
	e.sealed, e.fresh = false, false
	if misleads(label, st.href) {
		e.words(" (" + st.href + ")")
	}
}

// code marks words as code.
func code(s string) string {
	marks := strings.Repeat("`", longestRun(s, '`')+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return marks + s + marks
}

// trim takes the white space off both ends of s.
func trim(s string) (before, core, after string) {
	core = strings.TrimLeftFunc(s, unicode.IsSpace)
	before = s[:len(s)-len(core)]
	core = strings.TrimRightFunc(core, unicode.IsSpace)
	return before, core, s[len(before)+len(core):]
}

// isMark is what Markdown calls punctuation.
func isMark(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) }
