package skill

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/texts"
	"github.com/liaison-skill/liaison/words"
)

// companion is the type of the attachment in which Teams repeats a text with its
// formatting.
const companion = "text/html"

// said is what a message says to an agent, or the problem it brings. Attachments
// that are not passed on are named, so that the agent knows of them.
func (h *Handler) said(a activity.Activity, others []activity.Attachment, bot activity.Account, problem string) string {
	lines := []string{}
	name := cmp.Or(a.Mentioned(bot.ID), bot.Name)
	if text := cmp.Or(words.FromTeams(a.Text, formatted(a), name), problem); text != "" {
		lines = append(lines, text)
	}
	for _, f := range others {
		lines = append(lines, h.Agents.Say(texts.FileNotShown(named(f))))
	}
	return strings.Join(lines, "\n")
}

// formatted is a message's text as HTML, or "".
func formatted(a activity.Activity) string {
	for _, f := range a.Attachments {
		var html string
		if strings.EqualFold(f.ContentType, companion) && json.Unmarshal(f.Content, &html) == nil {
			return html
		}
	}
	return ""
}

func named(f activity.Attachment) string {
	return clean(cmp.Or(f.Name, f.ContentType))
}
