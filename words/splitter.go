package words

import (
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// The levels a text may be cut at, worst first.
const (
	atCharacter = iota
	atWord
	atSentence
	atLine
	atParagraph
	levels
)

// A splitter takes one part after the other from the front of rest.
type splitter struct {
	rest    string
	room    int // for a part without its number
	unit    Unit
	newLine bool  // rest begins a line
	fence   fence // the block of code that rest begins in
}

// A place is where a part may end, and the block of code it ends in.
type place struct {
	end   int
	fence fence
}

// A scan looks for the last place of each level within a splitter's room.
type scan struct {
	*splitter
	used   int
	pos    int
	places [levels]place
	fence  fence // the block of code at pos
	marks  bool  // pos is within a fence
	begun  fence // the block that begins behind it

	blankFrom int // where the white space before pos began, or -1
	breaks    int // in that white space
	opened    bool
	last      rune // before that white space
	escape    int  // characters that may belong to an escape begun
}

// next takes the next part.
func (s *splitter) next() part {
	open := ""
	if s.fence.open != "" {
		open = s.fence.open + "\n"
	}
	p := part{newLine: s.newLine || open != ""}
	c := scan{splitter: s, used: s.unit.Len(open), fence: s.fence, blankFrom: -1}
	if c.run(s.newLine) {
		p.text, s.rest = open+s.rest, ""
		return p
	}
	to, level := c.choose()
	p.text = open + s.rest[:to.end]
	if to.fence.open != "" {
		p.text += "\n" + to.fence.close
	}
	s.rest, s.fence = s.rest[to.end:], to.fence
	s.newLine = s.skipBlanks() && level >= atLine
	return p
}

// run scans until the room is used up, and reports whether all of rest fits.
func (c *scan) run(lineStart bool) bool {
	for c.pos < len(c.rest) {
		if lineStart {
			c.startLine()
		}
		char := c.character(c.rest[c.pos:], c.room-c.used)
		n := c.unit.Len(char)
		if c.used+n+c.fence.closing(c.unit) > c.room {
			return false
		}
		c.used += n
		c.pos += len(char)
		lineStart = strings.HasSuffix(char, "\n")
		c.see(char, lineStart)
	}
	return true
}

// startLine looks at the line ahead. If it is no fence that closes, the text may
// be cut before it; if it is a fence, not within.
func (c *scan) startLine() {
	f, ok := readFence(c.rest[c.pos:])
	closes := ok && c.fence.closedBy(f)
	if c.blankFrom > 0 && !closes && !c.opened {
		c.mark(min(atLine+c.breaks-1, atParagraph), c.blankFrom)
	}
	switch {
	case closes:
		c.marks, c.fence = true, fence{}
	case ok && c.fence.open == "" && f.costs(c.unit)*2 <= c.room: // else no room for both the code and its marks
		c.marks, c.begun = true, f
	}
}

// see takes note of a character that fits.
func (c *scan) see(char string, newline bool) {
	if strings.TrimSpace(char) == "" {
		if c.blankFrom < 0 {
			c.blankFrom = c.pos - len(char)
			c.breaks = 0
		}
		c.opened = false
		if newline {
			c.breaks++
			c.marks = false
			if c.begun.open != "" {
				c.opened, c.fence, c.begun = true, c.begun, fence{}
			}
		}
		if c.blankFrom > 0 && c.breaks == 0 {
			c.mark(c.space(), c.blankFrom)
		}
		return
	}
	c.blankFrom = -1
	c.last, _ = utf8.DecodeLastRuneInString(char)
	if !c.escapes(char) {
		c.mark(atCharacter, c.pos)
	}
	if strings.ContainsRune("。！？；，、", c.last) { // no space follows these
		c.mark(atSentence, c.pos)
	}
}

// escapes reports whether what follows char belongs to it, as in `\*` and "&lt;".
func (c *scan) escapes(char string) bool {
	if c.escape > 0 {
		c.escape--
		if char == ";" {
			c.escape = 0
		}
		return c.escape > 0
	}
	switch char {
	case `\`:
		c.escape = 1
	case "&":
		c.escape = len("amp;")
	}
	return c.escape > 0
}

// space is the level of white space within a line.
func (c *scan) space() int {
	if strings.ContainsRune(".!?…؟۔।", c.last) {
		return atSentence
	}
	return atWord
}

func (c *scan) mark(level, end int) {
	if !c.marks {
		c.places[level] = place{end: end, fence: c.fence}
	}
}

// choose returns the best place seen and its level: the highest at which the
// part is not too short, else the latest within white space.
func (c *scan) choose() (place, int) {
	best, level := place{}, atCharacter
	for l := atParagraph; l >= atWord; l-- {
		p := c.places[l]
		if l > atWord && p.end > c.pos/2 {
			return p, l
		}
		if p.end > best.end {
			best, level = p, l
		}
	}
	switch {
	case best.end > 0:
		return best, level
	case c.places[atCharacter].end > 0:
		return c.places[atCharacter], atCharacter
	case c.pos > 0:
		return place{end: c.pos, fence: c.fence}, atCharacter
	}
	return place{end: c.runes(), fence: c.fence}, atCharacter
}

// runes returns the end of what fits of a character that does not; one rune
// always does.
func (c *scan) runes() int {
	used := c.used + c.fence.closing(c.unit)
	for i, r := range c.rest {
		used += c.unit.Len(string(r))
		if i > 0 && used > c.room {
			return i
		}
	}
	return len(c.rest)
}

// skipBlanks drops the white space that rest begins with, but for the indent of
// its first line, and reports whether rest begins a line.
func (s *splitter) skipBlanks() bool {
	at, line := 0, -1
	for at < len(s.rest) {
		char := s.character(s.rest[at:], s.room)
		if strings.TrimSpace(char) != "" {
			break
		}
		at += len(char)
		if strings.HasSuffix(char, "\n") {
			line = at
		}
	}
	if line < 0 {
		s.rest = s.rest[at:]
		return false
	}
	s.rest = s.rest[line:]
	return true
}

// character returns what a reader sees as the first character of text. It looks
// no further than one that fills the room.
func (s *splitter) character(text string, room int) string {
	if text[0] < utf8.RuneSelf && text[0] != '\r' && (len(text) == 1 || text[1] < utf8.RuneSelf) {
		return text[:1]
	}
	window := text
	if far := 4 * (max(room, 0) + 2); len(text) > far {
		for far < len(text) && !utf8.RuneStart(text[far]) {
			far++
		}
		window = text[:far]
	}
	char, _, _, _ := uniseg.FirstGraphemeClusterInString(window, -1)
	return char
}
