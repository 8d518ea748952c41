package handoff

// Content types of cards.
const (
	adaptiveCard  = "application/vnd.microsoft.card.adaptive"
	thumbnailCard = "application/vnd.microsoft.card.thumbnail"
)

// An Answer is the body that answers a composeExtension/query.
type Answer struct {
	ComposeExtension compose `json:"composeExtension"`
}

type (
	// compose is a list of results, or a message in their place.
	compose struct {
		Type   string       `json:"type"` // result or message
		Layout string       `json:"attachmentLayout,omitempty"`
		Cards  []attachment `json:"attachments,omitzero"` // of a result never null
		Text   string       `json:"text,omitempty"`
	}

	// attachment is a card, with what is shown of it in the list.
	attachment struct {
		ContentType string   `json:"contentType"`
		Content     card     `json:"content"`
		Preview     *preview `json:"preview"`
	}

	preview struct {
		ContentType string `json:"contentType"`
		Content     struct {
			Title string `json:"title"`
			Text  string `json:"text,omitempty"`
		} `json:"content"`
	}

	card struct {
		Type    string    `json:"type"`
		Schema  string    `json:"$schema"`
		Version string    `json:"version"`
		Body    []element `json:"body"`
		Actions []Action  `json:"actions"`
	}

	// element is a TextBlock or a FactSet.
	element struct {
		Type   string `json:"type"`
		Text   string `json:"text,omitempty"`
		Weight string `json:"weight,omitempty"`
		Size   string `json:"size,omitempty"`
		Wrap   bool   `json:"wrap,omitempty"`
		Facts  []Fact `json:"facts,omitempty"`
	}
)

// An Action is a card's button that opens a link.
type Action struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

// OpenLink returns the button that hands a conversation over.
func OpenLink(title, link string) Action {
	return Action{Type: "Action.OpenUrl", Title: title, URL: link}
}

// attach shows a result as a card with one button.
func attach(r Result, button Action) attachment {
	body := []element{{Type: "TextBlock", Text: r.Title, Weight: "Bolder", Size: "Medium", Wrap: true}}
	if r.Text != "" {
		body = append(body, element{Type: "TextBlock", Text: r.Text, Wrap: true})
	}
	if len(r.Facts) > 0 {
		body = append(body, element{Type: "FactSet", Facts: r.Facts})
	}
	a := attachment{
		ContentType: adaptiveCard,
		Content: card{
			Type: "AdaptiveCard", Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Version: "1.5",
			Body: body, Actions: []Action{button},
		},
		Preview: &preview{ContentType: thumbnailCard},
	}
	a.Preview.Content.Title, a.Preview.Content.Text = r.Title, r.Text
	return a
}

// say is an answer in words.
func say(text string) Answer { return Answer{compose{Type: "message", Text: text}} }

// list is an answer of cards.
func list(cards []attachment) Answer {
	return Answer{compose{Type: "result", Layout: "list", Cards: cards}}
}
