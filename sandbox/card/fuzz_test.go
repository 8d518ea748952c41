package card_test

import (
	"encoding/json"
	"testing"

	"github.com/liaison-skill/liaison/sandbox/card"
)

// FuzzParse looks for cards that are taken and cannot be pressed.
func FuzzParse(f *testing.F) {
	f.Add(card.TypeAdaptive, survey)
	f.Add(card.TypeHero, `{"title":"x","buttons":[{"type":"imBack","title":"x","value":"y"}]}`)
	f.Fuzz(func(t *testing.T, contentType, content string) {
		c, err := card.Parse(contentType, json.RawMessage(content))
		if err != nil {
			return
		}
		inputs := map[string]string{}
		for _, b := range c.Blocks {
			switch {
			case len(b.Choices) > 0 && !b.Multi: // a choice that holds a comma cannot be one of several
				inputs[b.ID] = b.Choices[0].Value
			case b.ID != "" && len(b.Choices) == 0:
				inputs[b.ID] = "1"
			}
		}
		for _, a := range c.Actions() {
			p, err := c.Press(a, inputs)
			if err != nil {
				continue
			}
			if len(p.Value) > 0 && !json.Valid(p.Value) {
				t.Errorf("%+v sends %s", a, p.Value)
			}
			if p.Text == "" && p.URL == "" && len(p.Value) == 0 {
				t.Errorf("%+v sends nothing", a)
			}
		}
	})
}
