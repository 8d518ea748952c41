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
	if sender != "" {
		words = "**" + literal(sender) + "**: " + words
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
	address    = regexp.MustCompile(`https?://[^\s<>"]+`)
	lineMarker = regexp.MustCompile(`(?m)^(\s*)([#+-]|\d+[.)])(\s)`)
)

// literal escapes the markdown and the HTML that Teams obeys in a message. An
// address is left alone, so that it stays a link.
func literal(text string) string {
	inline := strings.NewReplacer(
		`\`, `\\`, "`", "\\`", `*`, `\*`, `_`, `\_`, `~`, `\~`, `[`, `\[`, `]`, `\]`, `|`, `\|`,
		`&`, `&amp;`, `<`, `&lt;`, `>`, `&gt;`,
	)
	var b strings.Builder
	rest := text
	for {
		at := address.FindStringIndex(rest)
		if at == nil {
			break
		}
		b.WriteString(inline.Replace(rest[:at[0]]))
		b.WriteString(rest[at[0]:at[1]])
		rest = rest[at[1]:]
	}
	b.WriteString(inline.Replace(rest))
	escaped := lineMarker.ReplaceAllString(b.String(), `$1\$2$3`)
	// A single line break is no break in markdown.
	return strings.ReplaceAll(strings.ReplaceAll(escaped, "\r\n", "\n"), "\n", "\n\n")
}
