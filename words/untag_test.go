package words_test

import (
	"testing"

	"github.com/liaison-skill/liaison/words"
)

// TestMentionsInText: without HTML, a message's text has mentions as tags, and no
// other tag is one.
func TestMentionsInText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"<at>Liaison</at> hi":          "hi",
		"hi <at>Bo  Li</at>!":          "hi @Bo Li!",
		"<at>@Bo</at>":                 "@Bo",
		"<at></at>x":                   "x",
		"<at>Liaison</at>":             "",
		"a <at> sign and <b>x</b> & y": "a <at> sign and <b>x</b> & y",
		"</at><at>Bo</at><at>":         "</at>@Bo<at>",
		"  two\r\nlines \x00 ":         "two\nlines",
	} {
		if got := words.FromTeams(text, "", "Liaison"); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	if got := words.FromTeams("<at>Bo</at> hi", "", ""); got != "@Bo hi" {
		t.Errorf("with a bot of no name: %q", got)
	}
}
