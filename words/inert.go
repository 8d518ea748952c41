package words

import "strings"

// joiner is invisible, has no width and allows no line to break.
const joiner = '\u2060' // WORD JOINER

// Inert returns what a user wrote, safe for a hub that expands templates in what
// it is given: the marks that begin and end one, such as "{{" and "${", are
// broken up by an invisible character. Applied again it changes nothing.
//
// LibreDesk expands {{ … }} in agents' messages and private notes.
func Inert(text string) string {
	text = clean(text)
	if !strings.ContainsAny(text, "{}%") {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 32)
	last := byte(0)
	for i := range len(text) {
		if isTemplate(last, text[i]) {
			b.WriteRune(joiner)
		}
		last = text[i]
		b.WriteByte(last)
	}
	return b.String()
}

// isTemplate reports whether a and b together begin or end a template's part in
// Go, Jinja, Liquid, Handlebars, ERB, JavaScript or a shell.
func isTemplate(a, b byte) bool {
	switch a {
	case '{':
		return b == '{' || b == '%' || b == '#'
	case '}':
		return b == '}'
	case '$':
		return b == '{'
	case '#':
		return b == '{' || b == '}'
	case '%':
		return b == '}' || b == '>'
	case '<':
		return b == '%'
	}
	return false
}
