package proactive

import (
	"regexp"
	"strings"

	"github.com/liaison-skill/liaison/activity"
)

// AgentText returns a message activity that shows a human agent's words in Teams
// under the agent's name. The words are literal: what looks like markup in them
// is shown, not obeyed. An empty sender leaves the name out.
func AgentText(sender, text string) activity.Activity {
	words := literal(text)
	if name := strings.Join(strings.Fields(sender), " "); name != "" { // bold ends at a blank or a new line
		words = "**" + literal(name) + "**: " + words
	}
	return activity.Activity{
		Type: activity.TypeMessage, Text: words, TextFormat: activity.FormatMarkdown,
	}
}

// Notice returns a message activity in the service's own words.
func Notice(text string) activity.Activity {
	return activity.Activity{
		Type: activity.TypeMessage, Text: text, TextFormat: activity.FormatPlain,
	}
}

var (
	// An address ends where markdown could begin.
	address    = regexp.MustCompile("(?i)https?://[^\\s<>\"`*|\\[\\]\\\\]+")
	lineBreak  = regexp.MustCompile(`\r\n?|\n`)
	indent     = regexp.MustCompile(`(?m)^[ \t]+`)
	lineMarker = regexp.MustCompile(`(?m)^(\x{a0}*)([#+=-])`)
	lineNumber = regexp.MustCompile(`(?m)^(\x{a0}*\d+)([.)])`)
)

var inline = strings.NewReplacer( //nolint:gochecknoglobals // read only, like a regexp
	`\`, `\\`, "`", "\\`", `*`, `\*`, `_`, `\_`, `~`, `\~`, `[`, `\[`, `]`, `\]`, `|`, `\|`,
	`&`, `&amp;`, `<`, `&lt;`, `>`, `&gt;`,
)

// literal escapes the markdown and the HTML that Teams obeys in a message. An
// address is left alone, so that it stays a link.
func literal(text string) string {
	text = lineBreak.ReplaceAllString(text, "\n")
	text = indent.ReplaceAllStringFunc(text, func(blanks string) string {
		return strings.Repeat("\u00a0", len(blanks)) // four blanks would begin a block of code
	})
	var b strings.Builder
	for {
		at := address.FindStringIndex(text)
		if at == nil {
			break
		}
		b.WriteString(inline.Replace(text[:at[0]]))
		b.WriteString(text[at[0]:at[1]])
		text = text[at[1]:]
	}
	b.WriteString(inline.Replace(text))
	escaped := lineMarker.ReplaceAllString(b.String(), `$1\$2`)
	escaped = lineNumber.ReplaceAllString(escaped, `$1\$2`)
	// A single line break is no break in markdown.
	return strings.ReplaceAll(escaped, "\n", "\n\n")
}
