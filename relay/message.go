package relay

import (
	"net/url"
	"slices"
	"strings"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/directline"
	"github.com/liaison-skill/liaison/words"
)

// said is what the copilot says, as any hub can show it.
type said struct {
	text    string // Markdown
	offered offered
}

// read reads a message of the copilot's for a canvas that shows at most so many
// choices; more of them, or where there is nothing else to show, are a list.
func read(a directline.Activity, choices int) said {
	parts := []string{markdown(a.Activity)}
	var s said
	for _, attached := range a.Attachments {
		c := readCard(attached)
		parts = append(parts, c.text)
		s.offered.Options = append(s.offered.Options, c.options...)
	}
	for _, one := range a.Suggestions {
		s.offered.Options = append(s.offered.Options, option{Title: one.Title, Value: one.Value})
	}
	s.offered.bound()
	s.text = strings.Join(slices.DeleteFunc(parts, func(p string) bool { return strings.TrimSpace(p) == "" }), "\n\n")
	if n := len(s.offered.Options); n > 0 && (n > choices || s.text == "") {
		s.offered.Numbered = true
		s.text = strings.TrimPrefix(s.text+"\n"+s.offered.list(), "\n\n")
	}
	return s
}

// markdown is an activity's text. What is plain has no marks.
func markdown(a activity.Activity) string {
	if a.TextFormat == activity.FormatPlain {
		return words.Literal(a.Text)
	}
	return a.Text
}

// link is a link in Markdown, or its title where the address is none that a browser
// should open.
func link(title, address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return words.Literal(title)
	}
	if title == "" {
		title = u.Host
	}
	return "[" + words.Literal(title) + "](" + strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E").Replace(u.String()) + ")"
}
