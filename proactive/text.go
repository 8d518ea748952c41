package proactive

import (
	"encoding/base64"
	"strings"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/words"
)

// maxText keeps a message well below the 100 KB that Teams takes, in UTF-16 code
// units of two bytes, with room for all that is not text
// (https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages).
const maxText = 20_000

// AgentLines returns the message activities that show a human agent's words in
// Teams under the agent's name: one, or several that are numbered where the words
// are longer than one takes. The words are Markdown, as [words.ToTeams] and
// [words.Literal] make it; the name is literal, and an empty one is left out.
func AgentLines(sender, markdown string) []activity.Activity {
	label := ""
	if name := words.Literal(strings.Join(strings.Fields(sender), " ")); name != "" { // bold ends at a blank or a new line
		label = "**" + name + "**: "
	}
	parts := words.Split(markdown, maxText, words.UTF16)
	lines := make([]activity.Activity, len(parts))
	for i, part := range parts {
		if label != "" {
			part = words.Lead(label, part)
		}
		lines[i] = activity.Activity{Type: activity.TypeMessage, Text: part, TextFormat: activity.FormatMarkdown}
	}
	return lines
}

// AgentPicture returns a message activity that shows a picture from a human agent,
// whose media type is kind.
func AgentPicture(sender, name, kind string, content []byte) activity.Activity {
	a := AgentLines(sender, words.Literal(name))[0] // a name is short
	a.Attachments = []activity.Attachment{{
		ContentType: kind, ContentURL: "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(content), Name: name,
	}}
	return a
}

// Notice returns a message activity in the service's own words.
func Notice(text string) activity.Activity {
	return activity.Activity{
		Type: activity.TypeMessage, Text: text, TextFormat: activity.FormatPlain,
	}
}
