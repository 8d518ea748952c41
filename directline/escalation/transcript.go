package escalation

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/liaison-skill/liaison/activity"
)

// transcript reads the attachment of that name, and says how many lines it left
// out.
func transcript(a activity.Activity) (lines []Line, omitted int) {
	i := slices.IndexFunc(a.Attachments, func(f activity.Attachment) bool { return strings.EqualFold(f.Name, "transcript") })
	if i < 0 {
		return nil, 0
	}
	var in struct {
		Activities []json.RawMessage `json:"activities"`
	}
	_ = json.Unmarshal(plain(a.Attachments[i].Content), &in) // nothing is known then
	user := ""
	if a.RelatesTo != nil && a.RelatesTo.User != nil {
		user = a.RelatesTo.User.ID
	}
	for _, raw := range in.Activities {
		if l, ok := readLine(raw, user); ok {
			lines = append(lines, l)
		}
	}
	omitted = max(0, len(lines)-MaxLines)
	return slices.Clone(lines[omitted:]), omitted
}

// readLine reads a message; what else happened is not what was said.
func readLine(raw json.RawMessage, user string) (Line, bool) {
	var a activity.Activity
	if json.Unmarshal(raw, &a) != nil || a.Type != activity.TypeMessage {
		return Line{}, false
	}
	l := Line{Side: Copilot, Sender: cut(a.From.Name), Text: cut(a.Text), At: a.Timestamp}
	if a.From.Role == "user" || a.From.Role == "" && a.From.ID == user && user != "" {
		l.Side = User
	}
	for _, f := range a.Attachments[:min(len(a.Attachments), MaxVariables)] {
		l.Files = append(l.Files, cut(cmp.Or(f.Name, f.ContentType)))
	}
	return l, l.Text != "" || len(l.Files) > 0
}
