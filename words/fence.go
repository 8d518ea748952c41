package words

import (
	"strings"
	"unicode"
)

// A fence is a block of code in Markdown: the line that opens it and the one that
// closes it.
type fence struct {
	open, close string
	bare        bool // nothing follows the marks
}

// longestInfo is how much of what follows an opening fence is repeated.
const longestInfo = 40

// readFence reads a fence at the beginning of text, behind the marks of quotes
// and lists.
func readFence(text string) (fence, bool) {
	text, _, _ = strings.Cut(text[:min(len(text), 256)], "\n")
	marks := strings.TrimLeft(text, " >-.0123456789")
	lead := text[:len(text)-len(marks)]
	info := strings.TrimLeft(marks, "`")
	ticks := marks[:len(marks)-len(info)]
	if len(ticks) < 3 || strings.Contains(info, "`") {
		return fence{}, false
	}
	lead = strings.Map(func(r rune) rune {
		if r == '>' {
			return r
		}
		return ' '
	}, lead)
	info = strings.TrimRightFunc(info, unicode.IsSpace)
	f := fence{open: lead + ticks, close: lead + ticks, bare: info == ""}
	if len(info) <= longestInfo {
		f.open += info
	}
	return f, true
}

// closedBy reports whether another fence closes this one.
func (f fence) closedBy(other fence) bool {
	return f.open != "" && other.bare && strings.HasPrefix(strings.TrimLeft(other.close, " >"), strings.TrimLeft(f.close, " >"))
}

// closing is the cost of ending a part within the block.
func (f fence) closing(u Unit) int {
	if f.open == "" {
		return 0
	}
	return u.Len(f.close) + 1
}

// costs is the cost of a part within the block, beside the code.
func (f fence) costs(u Unit) int { return u.Len(f.open) + 1 + f.closing(u) }
