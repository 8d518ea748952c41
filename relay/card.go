package relay

import (
	"cmp"
	"encoding/json"
	"errors"
	"strings"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/words"
)

// Content types of cards. The smaller cards of Bot Framework are hero cards with
// other pictures
// (https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference).
const (
	cardAdaptive  = "application/vnd.microsoft.card.adaptive"
	cardHero      = "application/vnd.microsoft.card.hero"
	cardThumbnail = "application/vnd.microsoft.card.thumbnail"
	cardSignIn    = "application/vnd.microsoft.card.signin"
)

// Bounds of a card: what is beyond is not shown.
const (
	maxDepth    = 8
	maxElements = 200
	maxOptions  = 20
)

// A card is what there is to read of one, and to press.
type card struct {
	text    string // Markdown
	options []option

	lines    []string
	elements int
}

// readCard reads an attachment. What it does not know of a card it leaves out; any
// other file is a link.
func readCard(a activity.Attachment) card {
	var c card
	switch a.ContentType {
	case cardAdaptive:
		var in element
		if decode(a.Content, &in) {
			c.body(in.Body, 0)
			c.actions(in.Actions)
		}
	case cardHero, cardThumbnail, cardSignIn:
		c.hero(a.Content)
	default:
		if a.ContentURL != "" {
			c.add(link(cmp.Or(a.Name, a.ContentType), a.ContentURL))
		}
	}
	c.text = strings.Join(c.lines, "\n\n")
	return c
}

// decode reads what fits: a member of a type that nobody expected takes nothing else
// with it.
func decode(raw json.RawMessage, out any) bool {
	err := json.Unmarshal(raw, out)
	_, odd := errors.AsType[*json.UnmarshalTypeError](err)
	return err == nil || odd
}

func (c *card) add(line string) {
	if strings.TrimSpace(line) != "" {
		c.lines = append(c.lines, line)
	}
}

// An element is a part of an Adaptive Card, of any type (https://adaptivecards.io/explorer).
type element struct {
	Type    string          `json:"type"`
	Text    string          `json:"text"`
	AltText string          `json:"altText"`
	URL     string          `json:"url"`
	Title   string          `json:"title"`
	Value   string          `json:"value"`
	Facts   []fact          `json:"facts"`
	Body    []element       `json:"body"`
	Items   []element       `json:"items"`
	Columns []element       `json:"columns"`
	Images  []element       `json:"images"`
	Inlines json.RawMessage `json:"inlines"`
	Choices []fact          `json:"choices"`
	Actions []button        `json:"actions"`
}

type fact struct {
	Title string `json:"title"`
	Value string `json:"value"`
}

// body adds elements. Containers are only what is in them.
func (c *card) body(all []element, depth int) {
	if depth > maxDepth {
		return
	}
	for _, e := range all {
		if c.elements++; c.elements > maxElements {
			return
		}
		switch e.Type {
		case "TextBlock", "TextRun":
			c.add(e.Text) // Adaptive Cards have Markdown in it
		case "FactSet":
			c.facts(e.Facts)
		case "Image", "Media":
			c.add(words.Literal(e.AltText))
		case "Input.ChoiceSet":
			for _, one := range e.Choices {
				c.option(option{Title: one.Title, Value: one.Value})
			}
		case "RichTextBlock":
			c.inlines(e.Inlines)
		}
		c.body(e.Items, depth+1)
		c.body(e.Columns, depth+1)
		c.body(e.Images, depth+1)
		c.actions(e.Actions)
	}
}

func (c *card) facts(all []fact) {
	lines := make([]string, 0, len(all))
	for _, f := range all {
		lines = append(lines, "- **"+words.Literal(strings.TrimSuffix(f.Title, ":"))+"**: "+f.Value)
	}
	c.add(strings.Join(lines, "\n"))
}

// inlines adds the runs of a line, which are texts or objects that have one.
func (c *card) inlines(raw json.RawMessage) {
	var runs []json.RawMessage
	_ = json.Unmarshal(raw, &runs) // none, then
	var line strings.Builder
	for _, run := range runs {
		var in element
		if json.Unmarshal(run, &in.Text) != nil {
			_ = json.Unmarshal(run, &in)
		}
		line.WriteString(words.Literal(in.Text))
	}
	c.add(line.String())
}

// A button is an action of any card.
type button struct {
	Type  string          `json:"type"`
	Title string          `json:"title"`
	Text  string          `json:"text"`
	URL   string          `json:"url"`
	Value json.RawMessage `json:"value"`
	Data  json.RawMessage `json:"data"`
	Card  *element        `json:"card"`
}

// actions adds buttons: those that open something are links, those that say
// something are options.
func (c *card) actions(all []button) {
	for _, b := range all {
		var value string
		textual := json.Unmarshal(b.Value, &value) == nil
		switch b.Type {
		case "Action.OpenUrl":
			c.add(link(b.Title, b.URL))
		case "openUrl", "signin", "downloadFile", "showImage", "playVideo", "playAudio":
			c.add(link(b.Title, value))
		case "Action.Submit", "Action.Execute":
			c.submit(b)
		case "imBack", "messageBack", "postBack":
			if !textual && len(b.Value) > 0 {
				c.option(option{Title: b.Title, Value: cmp.Or(b.Text, b.Title), Data: b.Value})
				continue
			}
			c.option(option{Title: b.Title, Value: cmp.Or(b.Text, value, b.Title)})
		case "Action.ShowCard":
			if b.Card != nil && c.elements < maxElements {
				c.elements++
				c.body(b.Card.Body, maxDepth)
				c.actions(b.Card.Actions)
			}
		}
	}
}

// submit adds a button whose data is said for the user, if it has any.
func (c *card) submit(b button) {
	var text string
	switch {
	case json.Unmarshal(b.Data, &text) == nil && text != "":
		c.option(option{Title: b.Title, Value: text})
	case len(b.Data) > 0 && b.Data[0] == '{':
		c.option(option{Title: b.Title, Value: b.Title, Data: b.Data})
	default:
		c.option(option{Title: b.Title, Value: b.Title})
	}
}

func (c *card) option(o option) {
	if o.Value = cmp.Or(o.Value, o.Title); o.Value != "" && len(c.options) < maxOptions {
		c.options = append(c.options, o)
	}
}

// hero adds a hero card, or one like it.
func (c *card) hero(content json.RawMessage) {
	var in struct {
		Title    string   `json:"title"`
		Subtitle string   `json:"subtitle"`
		Text     string   `json:"text"`
		Buttons  []button `json:"buttons"`
	}
	if !decode(content, &in) {
		return
	}
	if in.Title != "" {
		c.add("**" + words.Literal(in.Title) + "**")
	}
	c.add(words.Literal(in.Subtitle))
	c.add(in.Text)
	c.actions(in.Buttons)
}
