package proactive

import (
	"encoding/base64"
	"strings"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/words"
)

// AgentText returns a message activity that shows a human agent's words in Teams
// under the agent's name. The words are literal: what looks like markup in them
// is shown, not obeyed. An empty sender leaves the name out.
func AgentText(sender, text string) activity.Activity {
	said := words.Literal(text)
	if name := words.Literal(strings.Join(strings.Fields(sender), " ")); name != "" { // bold ends at a blank or a new line
		said = "**" + name + "**: " + said
	}
	return activity.Activity{
		Type: activity.TypeMessage, Text: said, TextFormat: activity.FormatMarkdown,
	}
}

// AgentPicture returns a message activity that shows a picture from a human agent,
// whose media type is kind.
func AgentPicture(sender, name, kind string, content []byte) activity.Activity {
	a := AgentText(sender, name)
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
