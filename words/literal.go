package words

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Literal returns Markdown that Teams shows as text reads: nothing in it is
// obeyed, neither markup nor mentions, indents and empty lines are kept, and
// addresses stay links. Control characters are left out.
//
// Teams documents a subset of Markdown and HTML for textFormat markdown
// (https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages).
func Literal(text string) string {
	text = clean(text)
	var e escaper
	e.b.Grow(len(text) + len(text)/8)
	breaks := 0
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" {
			e.breakLine(breaks)
			e.line(line)
			breaks = 0
		}
		breaks++
	}
	return e.b.String()
}

// An escaper writes Markdown.
type escaper struct {
	b strings.Builder
	// sealed says that the last thing written was markup of our own, which
	// the same kind of markup would not begin after.
	sealed bool
	fresh  bool // nothing of the line's own was written
	joined bool // what is written now is followed by more without a blank
	marked bool // what is written now stands between marks
}

// breakLine writes n line breaks, if there is a line to break. One break is none
// in Markdown, and two with nothing between are as good as one.
func (e *escaper) breakLine(n int) {
	if e.b.Len() == 0 {
		return
	}
	for range n - 1 {
		e.b.WriteString("\n\n\u00a0")
	}
	e.b.WriteString("\n\n")
}

// line writes a line's words from its beginning, where blanks and the marks of
// lists and headings would be obeyed.
func (e *escaper) line(s string) {
	for s != "" && isBlank(s[0]) { // four blanks would begin a block of code
		indent := string(nbsp)
		if s[0] == '\t' {
			indent = strings.Repeat(indent, 4)
		}
		e.b.WriteString(indent)
		s = s[1:]
	}
	rest := strings.TrimLeft(s, "0123456789")
	digits := s[:len(s)-len(rest)]
	switch {
	case digits == "" && rest != "" && strings.IndexByte("#+=-", rest[0]) >= 0,
		digits != "" && rest != "" && (rest[0] == '.' || rest[0] == ')'):
		e.b.WriteString(digits)
		e.b.WriteByte('\\')
		e.b.WriteByte(rest[0])
		s = rest[1:]
	}
	e.words(s)
}

// words writes what stands within a line.
func (e *escaper) words(s string) {
	e.sealed, e.fresh = false, false
	from := 0
	for i := 0; i < len(s); i++ {
		escaped := escape(s[i])
		switch {
		case escaped != "":
		case s[i] == '!' && e.linkMayFollow(s[i+1:]):
			escaped = `\!` // with a link, it would be an image
		case isBlank(s[i]) && i > 0 && isBlank(s[i-1]):
			escaped = string(nbsp) // blanks in a row are shown as one
		case s[i]|0x20 == 'h':
			n := addressLen(s[i:])
			if n == 0 {
				continue
			}
			e.b.WriteString(s[from:i])
			e.address(s[i:i+n], s[i+n:])
			from, i = i+n, i+n-1
			continue
		default:
			continue
		}
		e.b.WriteString(s[from:i])
		e.b.WriteString(escaped)
		from = i + 1
	}
	e.b.WriteString(s[from:])
}

// linkMayFollow reports whether what comes next may be a link of our own.
func (e *escaper) linkMayFollow(after string) bool {
	return after == "" && e.joined && !e.marked || addressLen(after) > 0
}

// label writes what stands between a link's brackets, where no link begins.
func (e *escaper) label(s string) {
	from := 0
	for i := range len(s) {
		if escaped := escape(s[i]); escaped != "" {
			e.b.WriteString(s[from:i])
			e.b.WriteString(escaped)
			from = i + 1
		}
	}
	e.b.WriteString(s[from:])
}

// escape returns what stands for a character that Markdown or HTML obeys
// anywhere in a line, or "".
func escape(c byte) string {
	switch c {
	case '\\':
		return `\\`
	case '`':
		return "\\`"
	case '*':
		return `\*`
	case '_':
		return `\_`
	case '~':
		return `\~`
	case '[':
		return `\[`
	case ']':
		return `\]`
	case '|':
		return `\|`
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	}
	return ""
}

// notLast is the punctuation of a sentence, with which no address ends.
const notLast = ".,:!?'"

// addressLen returns the length of the web address that s begins with, or 0. It
// ends where Markdown could begin, and before a sentence's punctuation.
func addressLen(s string) int {
	host := 0
	for _, scheme := range [...]string{"https://", "http://"} {
		if len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			host = len(scheme)
		}
	}
	if host == 0 {
		return 0
	}
	end := len(s)
	if i := strings.IndexAny(s, " \t<>\"`*|[]\\\u00a0"); i >= 0 {
		end = i
	}
	end = len(strings.TrimRight(s[:end], notLast))
	if strings.HasSuffix(s[:end], ")") && !strings.Contains(s[:end], "(") {
		end = len(strings.TrimRight(s[:end], notLast+")"))
	}
	if end <= host {
		return 0
	}
	return end
}

// address writes a web address as it is, for Teams to make a link of, or as a
// link of its own where Markdown would obey a part of it.
func (e *escaper) address(s, after string) {
	if e.ends(after) && isInert(s) {
		e.b.WriteString(s)
		return
	}
	e.b.WriteByte('[')
	e.label(s)
	e.b.WriteString("](")
	e.b.WriteString(destination(s))
	e.b.WriteByte(')')
}

// ends reports whether an address ends where every reader sees its end: before a
// blank, or punctuation and a blank.
func (e *escaper) ends(after string) bool {
	after = strings.TrimLeft(after, notLast+")")
	return after == "" && !e.joined && !e.marked || after != "" && isBlank(after[0])
}

// isInert reports whether an address has nothing that is obeyed: its underscores
// are within words, it strikes nothing through and names no HTML entity.
func isInert(s string) bool {
	if strings.Contains(s, "~") || strings.Contains(s, "&") && hasEntity(s) {
		return false
	}
	for i := range len(s) {
		if s[i] != '_' {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(s[:i])
		next, _ := utf8.DecodeRuneInString(s[i+1:])
		if !isWord(before) || !isWord(next) {
			return false
		}
	}
	return true
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// hasEntity reports whether s has something like "&lt;".
func hasEntity(s string) bool {
	for i := strings.IndexByte(s, '&'); i >= 0; i = strings.IndexByte(s, '&') {
		s = s[i+1:]
		if name := strings.TrimLeftFunc(s, func(r rune) bool { return r == '#' || isWord(r) }); name != s && strings.HasPrefix(name, ";") {
			return true
		}
	}
	return false
}

// destination writes an address to stand between a link's parentheses.
func destination(address string) string {
	if hasEntity(address) {
		address = strings.ReplaceAll(address, "&", "&amp;")
	}
	return strings.NewReplacer(
		" ", "%20", "(", "%28", ")", "%29", "<", "%3C", ">", "%3E", `\`, "%5C", "`", "%60", `"`, "%22",
		"*", "%2A", "[", "%5B", "]", "%5D", "|", "%7C",
	).Replace(address)
}
