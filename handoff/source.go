package handoff

import (
	"context"
	"strings"

	"github.com/liaison-skill/liaison/texts"
)

// A Source finds what one command of the message extension answers with.
type Source interface {
	// Search returns the results of the page that q asks for, none for nothing
	// found. It ends when ctx does.
	Search(ctx context.Context, q Query) ([]Result, error)
}

// A Result is one answer, to be shown as a card whose button hands the
// conversation over.
type Result struct {
	Title string
	Text  string // may be empty
	Facts []Fact
	Carry Context // what goes along when the button is pressed
}

// A Fact is a name and its value, shown in a table.
type Fact struct {
	Title string `json:"title"`
	Value string `json:"value"`
}

// Parameters of the commands, as the app's manifest names them.
const (
	ParameterReason = "reason"
	ParameterQueue  = "queue"
	ParameterQuery  = "query"
)

// Person is the source of one card: talk to a person, with the reason and the queue
// that the user or the copilot gave.
type Person struct {
	Texts *texts.Catalogue
	Queue string // when none was given
}

// Search implements [Source].
func (p Person) Search(_ context.Context, q Query) ([]Result, error) {
	if q.Skip > 0 {
		return nil, nil
	}
	voice := p.Texts.In(q.Locale, "")
	reason := strings.TrimSpace(q.Parameters[ParameterReason])
	r := Result{
		Title: voice.Say(texts.ButtonPerson()), Text: reason,
		Carry: Context{Problem: reason, Queue: strings.TrimSpace(q.Parameters[ParameterQueue])},
	}
	if r.Text == "" {
		r.Text = voice.Say(texts.HandoffWelcome())
	}
	if r.Carry.Queue == "" {
		r.Carry.Queue = p.Queue
	}
	return []Result{r}, nil
}
