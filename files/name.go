package files

import (
	"cmp"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Lengths in bytes.
const (
	maxName   = 200
	maxEnding = 20 // what is longer is no ending
)

const (
	folders = `/\`
	noName  = "file"
)

// device matches names that Windows takes for a device, whatever their ending
// (https://learn.microsoft.com/windows/win32/fileio/naming-a-file).
var device = regexp.MustCompile(`(?i)^(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|COM[0-9¹²³]|LPT[0-9¹²³]) *(\.|$)`)

// cleanName makes of any text a name that can be shown and saved under, and that
// its sender recognises: without folders, invisible characters and those that no
// Windows name has, of at most 200 bytes, in Unicode's form C.
func cleanName(name string) string {
	name = strings.TrimRight(strings.ToValidUTF8(name, "_"), folders)
	name = strings.Map(safe, name[strings.LastIndexAny(name, folders)+1:])
	name = strings.Trim(norm.NFC.String(name), " .")
	if name == "" {
		return noName
	}
	if name = shorten(name, maxName); device.MatchString(name) {
		name = shorten("_"+name, maxName)
	}
	return name
}

// safe returns what stands for r in a name; -1 is nothing. Joiners stay: words and
// emoji are made with them.
func safe(r rune) rune {
	const joiner, nonJoiner = '\u200d', '\u200c'
	switch {
	case strings.ContainsRune(`<>:"|?*`, r):
		return '_'
	case r == joiner, r == nonJoiner, isTag(r):
		return r
	case unicode.IsSpace(r):
		return ' ' // a line break, too
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp), r == '\uffff', r == '\ufffe':
		return -1 // Cf has the characters that turn the direction of writing
	}
	return r
}

// isTag reports whether r continues a flag such as Scotland's.
func isTag(r rune) bool { return r >= 0xe0020 && r <= 0xe007f }

// shorten cuts a name to at most limit bytes, between two characters as people
// count them, and keeps its ending.
func shorten(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	ending := path.Ext(name)
	if len(ending) > maxEnding {
		ending = ""
	}
	stem, cut := name[:len(name)-len(ending)], 0
	for at := 0; at <= limit-len(ending) && at < len(stem); at += cluster(stem[at:]) {
		cut = at
	}
	return cmp.Or(strings.TrimRight(stem[:cut], " ."), noName) + ending
}

// cluster returns the length of the character that s begins with and all that is
// joined to it, much as Unicode's annex 29 has it: marks, what follows a joiner,
// skin tones, tags, and flags of two letters.
func cluster(s string) int {
	const joiner = '\u200d'
	last, at := utf8.DecodeRuneInString(s)
	flag := isLetterOfFlag(last)
	for at < len(s) {
		r, size := utf8.DecodeRuneInString(s[at:])
		pair := flag && isLetterOfFlag(r)
		if !pair && last != joiner && r != joiner && !unicode.IsMark(r) && !isTag(r) && !isSkinTone(r) {
			break
		}
		flag = false
		last, at = r, at+size
	}
	return at
}

func isLetterOfFlag(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }

func isSkinTone(r rune) bool { return r >= 0x1f3fb && r <= 0x1f3ff }
