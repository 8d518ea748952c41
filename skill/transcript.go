package skill

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/livechat"
)

// Limits of a transcript. What was said last is what the agent needs, so it is the
// beginning that is left out.
const (
	maxLines = 50
	maxLine  = 2000 // UTF-16 code units; the rest is cut off
)

// A spokenLine is a line of a transcript in JSON, by any of the names in use.
type spokenLine struct {
	Role, From, Sender, Speaker, Author any
	Text, Content, Message              string
	Timestamp, Time                     string
}

// readTranscript reads what a topic hands over of the conversation so far: a list
// of objects, also as JSON text, or text with a line each, "User: …" or
// "Copilot: …". A line that names nobody goes on with the one before.
func readTranscript(value any) []livechat.Line {
	raw, isText := value.(string)
	if !isText {
		encoded, err := json.Marshal(value)
		if err != nil {
			return nil
		}
		raw = string(encoded)
	}
	lines := readSpoken(raw)
	if lines == nil && isText {
		lines = readText(raw)
	}
	lines = slices.DeleteFunc(lines, func(l livechat.Line) bool { return l.Text == "" })
	return lines[max(0, len(lines)-maxLines):]
}

// readSpoken returns the lines of a JSON list, or nil if text is none.
func readSpoken(text string) []livechat.Line {
	var list []json.RawMessage
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	if d.Decode(&list) != nil || list == nil {
		return nil
	}
	lines := make([]livechat.Line, 0, len(list))
	for _, item := range list[max(0, len(list)-maxLines):] {
		var s spokenLine
		var words string
		if json.Unmarshal(item, &words) == nil {
			lines = append(lines, readText(words)...)
			continue
		}
		_ = json.Unmarshal(item, &s) // members of another type than expected are left out
		name := cmp.Or(nameOf(s.Role), nameOf(s.From), nameOf(s.Sender), nameOf(s.Speaker), nameOf(s.Author))
		lines = append(lines, spoken(name, cmp.Or(s.Text, s.Content, s.Message), cmp.Or(s.Timestamp, s.Time)))
	}
	return lines
}

// nameOf reads who said something: a name, or an account with a role or a name.
func nameOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		role, _ := v["role"].(string)
		name, _ := v["name"].(string)
		return cmp.Or(role, name)
	}
	return ""
}

func readText(text string) []livechat.Line {
	var lines []livechat.Line
	for row := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		name, words, named := strings.Cut(row, ":")
		_, known := sides(name)
		switch {
		case named && known:
			lines = append(lines, spoken(name, words, ""))
		case len(lines) == 0:
			lines = append(lines, spoken("", row, ""))
		default:
			last := &lines[len(lines)-1]
			last.Text = clip(last.Text+"\n"+row, maxLine)
		}
	}
	return lines
}

// spoken makes a line. Whoever is not known for the user counts as the copilot: no
// agent should take its words for the user's.
func spoken(name, words, at string) livechat.Line {
	side, known := sides(name)
	l := livechat.Line{Side: side, Text: clip(words, maxLine)}
	if !known {
		l.Sender = clip(name, maxHint)
	}
	if t, err := time.Parse(time.RFC3339, at); err == nil {
		l.At = t
	}
	return l
}

// sides tells the user from the copilot by the names that hosts and makers give
// them.
func sides(name string) (side livechat.Side, known bool) {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "user", "customer", "human", "me":
		return livechat.SideUser, true
	case "copilot", "bot", "assistant", "agent", "ai":
		return livechat.SideCopilot, true
	}
	return livechat.SideCopilot, false
}
