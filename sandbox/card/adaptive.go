package card

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Limits of Adaptive Cards. Teams renders versions up to 1.5 for bots, and the
// rating of 1.6 (https://learn.microsoft.com/adaptive-cards/resources/partners).
const (
	newestMinor  = 6
	maxDepth     = 8
	defaultStars = 5
)

// element is an element of any type; type decides which members count.
type element struct {
	Type          string    `json:"type"`
	Text          string    `json:"text"`
	Size          string    `json:"size"`
	Weight        string    `json:"weight"`
	IsSubtle      bool      `json:"isSubtle"`
	Facts         []Fact    `json:"facts"`
	Items         []element `json:"items"`
	Columns       []element `json:"columns"`
	Actions       []button  `json:"actions"`
	URL           string    `json:"url"`
	AltText       string    `json:"altText"`
	ID            string    `json:"id"`
	Label         string    `json:"label"`
	Placeholder   string    `json:"placeholder"`
	Choices       []Fact    `json:"choices"`
	IsMultiSelect bool      `json:"isMultiSelect"`
	IsMultiline   bool      `json:"isMultiline"`
	IsRequired    bool      `json:"isRequired"`
	Max           int       `json:"max"`
}

// button is an action of an Adaptive Card.
type button struct {
	Type  string          `json:"type"`
	Title string          `json:"title"`
	URL   string          `json:"url"`
	Data  json.RawMessage `json:"data"`
}

// adaptive collects the blocks of a card.
type adaptive struct {
	blocks  []Block
	inputs  map[string]bool
	actions int
}

func parseAdaptive(content json.RawMessage) (Card, error) {
	var in struct {
		Type    string    `json:"type"`
		Version string    `json:"version"`
		Body    []element `json:"body"`
		Actions []button  `json:"actions"`
	}
	if err := json.Unmarshal(content, &in); err != nil {
		return Card{}, fmt.Errorf("adaptive card: %w", err)
	}
	if in.Type != "AdaptiveCard" {
		return Card{}, fmt.Errorf("adaptive card: type is %q", in.Type)
	}
	minor, ok := strings.CutPrefix(in.Version, "1.")
	if n, err := strconv.Atoi(minor); !ok || err != nil || n < 0 || n > newestMinor {
		return Card{}, fmt.Errorf("adaptive card: version is %q", in.Version)
	}
	c := adaptive{inputs: map[string]bool{}}
	err := c.add(in.Body, 0)
	if err == nil && len(in.Actions) > 0 {
		err = c.buttons(in.Actions)
	}
	if err == nil && len(c.blocks) == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		return Card{}, fmt.Errorf("adaptive card: %w", err)
	}
	return Card{Blocks: c.blocks}, nil
}

// add appends elements. Containers are only their content here.
func (c *adaptive) add(elements []element, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("it is nested more than %d deep", maxDepth)
	}
	for _, e := range elements {
		var err error
		switch e.Type {
		case "Container", "Column":
			err = c.add(e.Items, depth+1)
		case "ColumnSet":
			for i := range e.Columns {
				e.Columns[i].Type = "Column" // which may be left out
			}
			err = c.add(e.Columns, depth+1)
		case "ActionSet":
			err = c.buttons(e.Actions)
		default:
			err = c.leaf(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leaf appends an element without content of its own.
func (c *adaptive) leaf(e element) error {
	b := Block{Text: e.Text}
	var err error
	switch e.Type {
	case "TextBlock":
		b.Kind, b.Subtle = Text, e.IsSubtle
		b.Heading = strings.EqualFold(e.Weight, "bolder") || strings.EqualFold(e.Size, "large") || strings.EqualFold(e.Size, "extraLarge")
		if e.Text == "" {
			err = errors.New("it has no text")
		}
	case "FactSet":
		b.Kind, b.Facts = Facts, e.Facts
		err = complete(e.Facts)
	case "Image":
		b.Kind, b.URL, b.Text = Image, e.URL, e.AltText
		err = checkURL(e.URL)
	case "Input.Text":
		b.Kind, b.Multi = Input, e.IsMultiline
	case "Input.ChoiceSet":
		b.Kind, b.Choices, b.Multi = Choice, e.Choices, e.IsMultiSelect
		err = complete(e.Choices)
	case "Input.Rating":
		b.Kind, b.Max = Rating, e.Max
		if b.Max == 0 {
			b.Max = defaultStars
		}
	default:
		return fmt.Errorf("element %q is not known here", e.Type)
	}
	if strings.HasPrefix(e.Type, "Input.") && err == nil {
		err = c.input(&b, e)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", e.Type, err)
	}
	c.blocks = append(c.blocks, b)
	return nil
}

// input fills in what inputs have in common.
func (c *adaptive) input(b *Block, e element) error {
	b.ID, b.Required, b.Text = e.ID, e.IsRequired, e.Label
	if b.Text == "" {
		b.Text = e.Placeholder
	}
	if e.ID == "" || c.inputs[e.ID] {
		return fmt.Errorf("id %q is empty or used twice", e.ID)
	}
	c.inputs[e.ID] = true
	return nil
}

func complete(facts []Fact) error {
	for _, f := range facts {
		if f.Title == "" || f.Value == "" {
			return errors.New("an entry has no title or no value")
		}
	}
	if len(facts) == 0 {
		return errors.New("it has no entries")
	}
	return nil
}

func (c *adaptive) buttons(list []button) error {
	block := Block{Kind: Buttons}
	for _, in := range list {
		if c.actions++; c.actions > maxActions {
			return fmt.Errorf("more buttons than the %d Teams shows", maxActions)
		}
		a, err := in.action()
		if err != nil {
			return fmt.Errorf("%s %q: %w", in.Type, in.Title, err)
		}
		block.Actions = append(block.Actions, a)
	}
	c.blocks = append(c.blocks, block)
	return nil
}

// action reads a button. A submit with data for Teams is a card action of
// another type
// (https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-actions).
func (in button) action() (Action, error) {
	a := Action{Kind: Submit, Title: in.Title, Value: in.Data}
	if in.Title == "" {
		return Action{}, errors.New("it has no title")
	}
	switch in.Type {
	case "Action.OpenUrl":
		return Action{Kind: OpenURL, Title: in.Title, URL: in.URL}, checkURL(in.URL)
	case "Action.Submit":
	default:
		return Action{}, errors.New("its type is not known here")
	}
	var data map[string]json.RawMessage
	if len(in.Data) > 0 && json.Unmarshal(in.Data, &data) != nil {
		return Action{}, errors.New("data is not an object")
	}
	special, ok := data["msteams"]
	if !ok {
		return a, nil
	}
	var teams map[string]json.RawMessage
	if err := json.Unmarshal(special, &teams); err != nil {
		return Action{}, errors.New("msteams is not an object")
	}
	teams["title"], _ = json.Marshal(in.Title)
	encoded, err := json.Marshal(teams)
	if err != nil {
		return Action{}, err
	}
	return parseAction(encoded)
}
