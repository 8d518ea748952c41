package card

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A Press is what Teams sends when a button is pressed. Nothing is sent for a
// URL: the client opens it.
type Press struct {
	Text  string // of the message; "" for a submit
	Shown string // what the chat shows the user to have said, if anything
	Value json.RawMessage
	URL   string
}

// Press presses a, a button of c, with the inputs filled in by their ids. Several
// choices are separated by commas. The error is what a client would not let the
// user do.
func (c Card) Press(a Action, inputs map[string]string) (Press, error) {
	if a.Kind == OpenURL {
		return Press{URL: a.URL}, nil
	}
	if a.Kind == IMBack {
		return Press{Text: a.Text, Shown: a.Text}, nil
	}
	values, err := c.values(inputs)
	if err != nil {
		return Press{}, err
	}
	p := Press{Text: a.Text, Shown: a.DisplayText, Value: a.Value}
	if len(values) == 0 && (len(a.Value) > 0 || a.Kind == MessageBack) {
		return p, nil
	}
	merged := map[string]any{}
	if len(a.Value) > 0 && json.Unmarshal(a.Value, &merged) != nil {
		return p, nil // a value of one word has no room for inputs
	}
	maps.Copy(merged, values)
	p.Value, err = json.Marshal(merged)
	return p, err
}

// values checks inputs as a client does.
func (c Card) values(inputs map[string]string) (map[string]any, error) {
	values := map[string]any{}
	for _, b := range c.Blocks {
		if b.ID == "" {
			continue
		}
		given, ok := inputs[b.ID]
		if !ok || given == "" {
			if b.Required {
				return nil, fmt.Errorf("input %q is required", b.ID)
			}
			continue
		}
		value, err := b.value(given)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", b.ID, err)
		}
		values[b.ID] = value
	}
	for id := range inputs {
		if !slices.ContainsFunc(c.Blocks, func(b Block) bool { return b.ID == id }) {
			return nil, fmt.Errorf("input %q is not on the card", id)
		}
	}
	return values, nil
}

// value is what an input sends: text, or the number of stars.
func (b Block) value(given string) (any, error) {
	if b.Kind == Rating {
		stars, err := strconv.Atoi(given)
		if err != nil || stars < 1 || stars > b.Max {
			return nil, fmt.Errorf("not a number from 1 to %d", b.Max)
		}
		return stars, nil
	}
	chosen := []string{given}
	if b.Multi {
		chosen = strings.Split(given, ",")
	}
	for _, one := range chosen {
		if b.Kind == Choice && !slices.ContainsFunc(b.Choices, func(f Fact) bool { return f.Value == one }) {
			return nil, errors.New("not one of the choices")
		}
	}
	return given, nil
}
