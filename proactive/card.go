package proactive

import (
	"encoding/json"
	"fmt"

	"github.com/liaison-skill/liaison/activity"
)

// cardType is the content type of an Adaptive Card.
const cardType = "application/vnd.microsoft.card.adaptive"

// A Button sends a message back when it is pressed: Title as its text, so that
// the user sees what they said, and Value, a JSON object. With a URL it opens
// that instead.
type Button struct {
	Title string
	Value any
	URL   string
}

type (
	card struct {
		Type    string   `json:"type"`
		Schema  string   `json:"$schema"`
		Version string   `json:"version"`
		Actions []action `json:"actions"`
	}

	action struct {
		Type  string `json:"type"`
		Title string `json:"title"`
		URL   string `json:"url,omitempty"`
		Data  *data  `json:"data,omitempty"`
	}

	data struct {
		Teams back `json:"msteams"`
	}

	// back is Teams' messageBack: what a press sends ("Adaptive Card actions in
	// Teams", Microsoft Teams platform documentation).
	back struct {
		Type        string          `json:"type"`
		Text        string          `json:"text"`
		DisplayText string          `json:"displayText"`
		Value       json.RawMessage `json:"value"`
	}
)

// Ask returns a notice with buttons below it.
func Ask(text string, buttons ...Button) (activity.Activity, error) {
	c := card{Type: "AdaptiveCard", Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Version: "1.4"}
	for _, b := range buttons {
		if b.URL != "" {
			c.Actions = append(c.Actions, action{Type: "Action.OpenUrl", Title: b.Title, URL: b.URL})
			continue
		}
		value, err := json.Marshal(b.Value)
		if err != nil {
			return activity.Activity{}, fmt.Errorf("encode button: %w", err)
		}
		c.Actions = append(c.Actions, action{Type: "Action.Submit", Title: b.Title, Data: &data{
			back{Type: "messageBack", Text: b.Title, DisplayText: b.Title, Value: value},
		}})
	}
	content, err := json.Marshal(c)
	if err != nil {
		return activity.Activity{}, fmt.Errorf("encode card: %w", err)
	}
	a := Notice(text)
	a.Attachments = []activity.Attachment{{ContentType: cardType, Content: content}}
	return a, nil
}

// Typing returns the sign that somebody is typing.
func Typing() activity.Activity { return activity.Activity{Type: activity.TypeTyping} }
