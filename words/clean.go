package words

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const nbsp = '\u00a0'

// clean returns text as valid UTF-8 whose only control characters are tabs and
// "\n", which stands for every way to break a line.
func clean(text string) string {
	if isClean(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return r
		case r == '\r' || r == '\v' || r == '\f' || r == '\u0085' || r == '\u2028' || r == '\u2029':
			return '\n'
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, strings.ReplaceAll(text, "\r\n", "\n"))
}

func isClean(text string) bool {
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
				return false
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		if n == 1 || r < nbsp || r == '\u2028' || r == '\u2029' {
			return false
		}
		i += n
	}
	return true
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }
