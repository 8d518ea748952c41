package words

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Unit is what a peer counts a text's length in.
type Unit int

// The units that peers count in.
const (
	UTF16 Unit = iota // code units: Teams, JavaScript, .NET, Java
	Bytes             // of UTF-8
	Runes             // Unicode code points
)

// Len returns the length of text.
func (u Unit) Len(text string) int {
	switch u {
	case Bytes:
		return len(text)
	case Runes:
		return utf8.RuneCountInString(text)
	default:
		n := 0
		for _, r := range text {
			n++
			if r > 0xffff {
				n++
			}
		}
		return n
	}
}

// Split cuts text into parts that are no longer than limit, and numbers them:
// "(1/3) ". It cuts between paragraphs, else lines, else sentences, else words,
// else characters as a reader sees them; only a character that is by itself
// longer than the limit is cut. What is left out is white space at the cuts. A
// block of code in Markdown that is cut is closed, and opened again in the next
// part.
//
// A text that fits is its only part. Where numbers would take a quarter of the
// limit or more there are none. A limit below 1 is none.
func Split(text string, limit int, u Unit) []string {
	text = strings.ToValidUTF8(text, "\ufffd")
	total := u.Len(text)
	if limit < 1 || total <= limit {
		return []string{text}
	}
	for digits := len(strconv.Itoa(total / limit)); ; digits++ {
		label := len("(/)\n\n") + 2*digits
		if label*4 > limit {
			return plain(cut(text, limit, u))
		}
		if parts := cut(text, limit-label, u); len(strconv.Itoa(len(parts))) <= digits {
			return numbered(parts)
		}
	}
}

// A part is a piece of text; newLine says that it began a line.
type part struct {
	text    string
	newLine bool
}

func cut(text string, room int, u Unit) []part {
	var parts []part
	s := splitter{rest: text, room: room, unit: u, newLine: true}
	for s.rest != "" {
		if p := s.next(); strings.TrimSpace(p.text) != "" {
			parts = append(parts, p)
		}
	}
	return parts
}

func plain(parts []part) []string {
	texts := make([]string, 0, len(parts)+1)
	for _, p := range parts {
		texts = append(texts, p.text)
	}
	if len(texts) == 0 { // white space only
		texts = append(texts, "")
	}
	return texts
}

func numbered(parts []part) []string {
	if len(parts) < 2 {
		return plain(parts)
	}
	texts := make([]string, len(parts))
	for i, p := range parts {
		label := fmt.Sprintf("(%d/%d) ", i+1, len(parts))
		if p.newLine {
			texts[i] = Lead(label, p.text)
		} else {
			texts[i] = label + p.text
		}
	}
	return texts
}

// Lead returns a Markdown text behind a label, on its own line where the label
// would take that from a mark: a quote's, a list's or a code's.
func Lead(label, markdown string) string {
	if !beginsBlock(markdown) {
		return label + markdown
	}
	return strings.TrimRight(label, " ") + "\n\n" + markdown
}

// beginsBlock reports whether a line begins with a mark of Markdown: a quote, a
// list, code.
func beginsBlock(line string) bool {
	for _, mark := range [...]string{">", "- ", "```", " "} {
		if strings.HasPrefix(line, mark) {
			return true
		}
	}
	rest := strings.TrimLeft(line, "0123456789")
	return rest != line && strings.HasPrefix(rest, ". ")
}
