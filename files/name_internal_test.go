package files

import (
	"path"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestNames(t *testing.T) {
	t.Parallel()
	const family = "👩\u200d👩\u200d👧" // 18 bytes
	for name, want := range map[string]string{
		"report.pdf":             "report.pdf",
		"Übersicht 日本語 (1).docx": "Übersicht 日本語 (1).docx",
		"U\u0308bersicht.txt":    "Übersicht.txt", // in form D
		"../../etc/passwd":       "passwd",
		`..\..\windows\win.ini`:  "win.ini",
		"/":                      "file",
		"folder/":                "folder",
		"..":                     "file",
		"":                       "file",
		" . ":                    "file",
		".htaccess":              "htaccess",
		"a.txt. . ":              "a.txt",
		"C:\\x.txt":              "x.txt",
		"a:b.txt":                "a_b.txt",
		`<a>"b"|c?*.txt`:         "_a__b__c__.txt",
		"CON":                    "_CON",
		"con.txt":                "_con.txt",
		"Aux .tar.gz":            "_Aux .tar.gz",
		"lpt¹.txt":               "_lpt¹.txt",
		"COM1":                   "_COM1",
		"con" + strings.Repeat(" ", 200) + "x.txt": "_con.txt", // a device once it is cut
		"con." + strings.Repeat("y", 300):          "_con." + strings.Repeat("y", 195),
		"CONIN$":                                   "_CONIN$",
		"console.txt":                              "console.txt",
		"COM10.txt":                                "COM10.txt",
		"photo\u202egnp.exe":                       "photognp.exe",
		"\u2066a\u2069\u200fb.txt":                 "ab.txt",
		"a\x00b\x1b[31m\x7f.txt":                   "ab[31m.txt",
		"a\r\nb\tc\u2028d.txt":                     "a  b c d.txt",
		"a\u00a0b.txt":                             "a b.txt",
		"\xff\xfe.txt":                             "_.txt",
		"\u0645\u0644\u0641.pdf":                   "\u0645\u0644\u0641.pdf",
		family + "🏴\U000e0067\U000e0062\U000e007f.png":    family + "🏴\U000e0067\U000e0062\U000e007f.png",
		strings.Repeat("x", 300) + ".jpeg":                strings.Repeat("x", 195) + ".jpeg",
		strings.Repeat("x", 300):                          strings.Repeat("x", 200),
		strings.Repeat("x", 190) + " . . .  yyyyyyy.jpeg": strings.Repeat("x", 190) + ".jpeg",
		"a." + strings.Repeat("y", 300):                   "a." + strings.Repeat("y", 198),
		strings.Repeat("😀", 300) + ".png":                 strings.Repeat("😀", 49) + ".png",
		strings.Repeat(family, 300) + ".png":              strings.Repeat(family, 10) + ".png",
		strings.Repeat("👍🏽", 300):                         strings.Repeat("👍🏽", 25),
		strings.Repeat("🇩🇪", 300) + ".x":                  strings.Repeat("🇩🇪", 24) + ".x",
		strings.Repeat("e\u0323\u0302", 300):              strings.Repeat("ệ", 66),
		"z" + strings.Repeat("\u0334", 300) + ".txt":      "file.txt", // one letter, longer than all
	} {
		if got := cleanName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// FuzzName holds what every name must keep to.
func FuzzName(f *testing.F) {
	for _, seed := range []string{"", "../CON.txt", "a\x00\u202eb", strings.Repeat("👩\u200d👧", 60), "x.\u0334", "\xff", "a\x00\u0300"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := cleanName(name)
		switch {
		case got == "", len(got) > maxName, !utf8.ValidString(got), strings.ContainsAny(got, `/\<>:"|?*`):
			t.Errorf("%q: %q", name, got)
		case strings.Trim(got, ". ") != got, device.MatchString(got), !norm.NFC.IsNormalString(got):
			t.Errorf("%q: %q", name, got)
		case cleanName(got) != got:
			t.Errorf("%q: %q, cleaned again %q", name, got, cleanName(got))
		case strings.ContainsFunc(got, unicode.IsControl):
			t.Errorf("%q: %q holds a control character", name, got)
		}
		if ended := withEnding(got, "image/png"); len(ended) > maxName || path.Ext(ended) == "" {
			t.Errorf("%q: %q with an ending", name, ended)
		}
	})
}
