package words

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// safeAddress returns an address that may be followed: of the web, of mail, of a
// telephone. Any other is not shown as a link, nor one with a user's name, which
// is there to look like a host.
func safeAddress(raw string) (string, bool) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return "", false
	}
	switch u.Scheme {
	case "http", "https":
		return u.String(), u.Host != "" && u.User == nil
	case "mailto", "tel":
		return u.String(), u.Opaque != "" && !strings.ContainsFunc(u.Opaque, unicode.IsSpace)
	}
	return "", false
}

// says reports whether a link's words are its address.
func says(label, href string) bool {
	short := func(s string) string {
		for _, prefix := range [...]string{"https://", "http://", "mailto:", "tel:"} {
			s = strings.TrimPrefix(s, prefix)
		}
		return strings.TrimSuffix(s, "/")
	}
	return strings.EqualFold(short(label), short(href))
}

// misleads reports whether among a link's words is what looks like an address at
// another host than the link's.
func misleads(label, href string) bool {
	target, err := url.Parse(href)
	if err != nil || target.Host == "" {
		return false
	}
	for word := range strings.FieldsSeq(label) {
		if host := hostOf(word); host != "" && !strings.EqualFold(host, target.Host) {
			return true
		}
	}
	return false
}

// hostOf is the host that a word seems to name, or "".
func hostOf(word string) string {
	word = strings.TrimFunc(word, isMark)
	if !strings.Contains(word, "://") {
		word = "https://" + word
	}
	u, err := url.Parse(word)
	if err != nil {
		return ""
	}
	top, _ := utf8.DecodeRuneInString(u.Host[strings.LastIndexByte(u.Host, '.')+1:])
	if !strings.Contains(u.Host, ".") || !unicode.IsLetter(top) {
		return ""
	}
	return u.Host
}

// visible leaves out what has no width or turns the direction of writing, so
// that a link's words cannot pretend. Emoji and Indic scripts need the joiners.
func visible(label string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d' && !isTag(r) {
			return -1
		}
		return r
	}, label)
}

// isTag reports whether r spells out the region of a flag.
func isTag(r rune) bool { return r >= 0xe0020 && r <= 0xe007f }
