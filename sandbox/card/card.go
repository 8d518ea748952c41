// Package card reads the cards that bots send into Teams and says what Teams
// sends back when a user presses one of their buttons.
//
// It knows Adaptive Cards and hero cards as far as a notice, a choice or a survey
// of one question needs them. What it does not know it refuses: a bot that relies
// on more should learn so from the sandbox.
// (https://adaptivecards.io/explorer,
// https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference)
package card

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
)

// Content types of attachments that are cards.
const (
	TypeAdaptive = "application/vnd.microsoft.card.adaptive"
	TypeHero     = "application/vnd.microsoft.card.hero"
)

// maxActions is how many buttons Teams shows on a card.
const maxActions = 6

// A Card is what is shown of an attachment, from top to bottom.
type Card struct {
	Blocks []Block `json:"blocks"`
}

// A Kind is what a block or an action is.
type Kind string

// The kinds of blocks.
const (
	Text    Kind = "text"
	Facts   Kind = "facts"
	Image   Kind = "image"
	Input   Kind = "input"
	Choice  Kind = "choice"
	Rating  Kind = "rating"
	Buttons Kind = "buttons"
)

// A Block is one part of a card. Its kind decides which members are set.
type Block struct {
	Kind     Kind     `json:"kind"`
	Text     string   `json:"text,omitempty"` // of a text; of an image, what it shows; the label of an input
	Heading  bool     `json:"heading,omitempty"`
	Subtle   bool     `json:"subtle,omitempty"`
	Facts    []Fact   `json:"facts,omitempty"`
	URL      string   `json:"url,omitempty"`
	ID       string   `json:"id,omitempty"` // of an input, choice or rating
	Choices  []Fact   `json:"choices,omitempty"`
	Multi    bool     `json:"multi,omitempty"` // several choices, or several lines of input
	Max      int      `json:"max,omitempty"`   // stars of a rating
	Required bool     `json:"required,omitempty"`
	Actions  []Action `json:"actions,omitempty"`
}

// A Fact is a title with its value.
type Fact struct {
	Title string `json:"title"`
	Value string `json:"value"`
}

// The kinds of actions.
const (
	IMBack      Kind = "imBack"
	MessageBack Kind = "messageBack"
	OpenURL     Kind = "openUrl"
	Submit      Kind = "submit"
)

// An Action is a button.
type Action struct {
	Kind        Kind            `json:"kind"`
	Title       string          `json:"title"`
	Text        string          `json:"text,omitempty"`        // what imBack and messageBack say
	DisplayText string          `json:"displayText,omitempty"` // what messageBack shows the user to have said
	Value       json.RawMessage `json:"value,omitempty"`
	URL         string          `json:"url,omitempty"`
}

// Parse reads the content of an attachment that is a card. The error says, for
// the bot's author, what is wrong.
func Parse(contentType string, content json.RawMessage) (Card, error) {
	switch contentType {
	case TypeAdaptive:
		return parseAdaptive(content)
	case TypeHero:
		return parseHero(content)
	}
	return Card{}, fmt.Errorf("%s is no card that is known here", contentType)
}

// Actions returns the buttons of the card, from top to bottom.
func (c Card) Actions() []Action {
	var all []Action
	for _, b := range c.Blocks {
		all = append(all, b.Actions...)
	}
	return all
}

// hero is the content of a hero card.
type hero struct {
	Title    string                      `json:"title"`
	Subtitle string                      `json:"subtitle"`
	Text     string                      `json:"text"`
	Images   []struct{ URL, Alt string } `json:"images"`
	Buttons  []json.RawMessage           `json:"buttons"`
}

func parseHero(content json.RawMessage) (Card, error) {
	var h hero
	if err := json.Unmarshal(content, &h); err != nil {
		return Card{}, fmt.Errorf("hero card: %w", err)
	}
	var c Card
	for _, text := range []Block{{Text: h.Title, Heading: true}, {Text: h.Subtitle, Subtle: true}, {Text: h.Text}} {
		if text.Text != "" {
			text.Kind = Text
			c.Blocks = append(c.Blocks, text)
		}
	}
	for _, image := range h.Images {
		if err := checkURL(image.URL); err != nil {
			return Card{}, fmt.Errorf("hero card: image: %w", err)
		}
		c.Blocks = append(c.Blocks, Block{Kind: Image, URL: image.URL, Text: image.Alt})
	}
	buttons, err := ParseActions(h.Buttons)
	if err != nil {
		return Card{}, fmt.Errorf("hero card: %w", err)
	}
	if len(buttons) > 0 {
		c.Blocks = append(c.Blocks, Block{Kind: Buttons, Actions: buttons})
	}
	if len(c.Blocks) == 0 {
		return Card{}, errors.New("hero card: it is empty")
	}
	return c, nil
}

// ParseActions reads card actions: the buttons of a hero card, or suggested
// actions.
func ParseActions(list []json.RawMessage) ([]Action, error) {
	if len(list) > maxActions {
		return nil, fmt.Errorf("%d buttons, and Teams shows %d", len(list), maxActions)
	}
	var actions []Action
	for _, encoded := range list {
		a, err := parseAction(encoded)
		if err != nil {
			return nil, fmt.Errorf("button %d: %w", len(actions)+1, err)
		}
		actions = append(actions, a)
	}
	return actions, nil
}

func parseAction(encoded json.RawMessage) (Action, error) {
	var in struct {
		Type, Title, Text, DisplayText string
		Value                          json.RawMessage
	}
	if err := json.Unmarshal(encoded, &in); err != nil {
		return Action{}, err
	}
	if in.Title == "" {
		return Action{}, errors.New("it has no title")
	}
	a := Action{Kind: Kind(in.Type), Title: in.Title}
	var text string
	textual := json.Unmarshal(in.Value, &text) == nil && text != ""
	switch a.Kind {
	case IMBack:
		if a.Text = text; !textual {
			return Action{}, errors.New("imBack: value is not what the user is to say")
		}
	case OpenURL:
		a.URL = text
		return a, checkURL(text)
	case MessageBack:
		a.Text, a.DisplayText, a.Value = in.Text, in.DisplayText, in.Value
		if a.Text == "" && len(a.Value) == 0 {
			return Action{}, errors.New("messageBack: neither text nor value")
		}
	default:
		return Action{}, fmt.Errorf("type %q is not known here", in.Type)
	}
	return a, nil
}

// checkURL takes what a client opens or shows.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" && u.Opaque == "" || !slices.Contains([]string{"http", "https", "mailto", "data"}, u.Scheme) {
		return errors.New("the URL is not absolute, or of a scheme no client opens")
	}
	return nil
}
