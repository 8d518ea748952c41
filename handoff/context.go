package handoff

import (
	"strings"
	"time"
)

// A Context is what the agent should know of the conversation so far.
type Context struct {
	Problem    string            `json:"problem,omitempty"` // what the user wants, in their words
	Summary    string            `json:"summary,omitempty"` // what the copilot makes of it
	Queue      string            `json:"queue,omitempty"`   // where it should go; a hint to the hub
	Variables  map[string]string `json:"variables,omitempty"`
	Transcript []Line            `json:"transcript,omitempty"`
}

// A Line is what was said in Copilot.
type Line struct {
	User bool      `json:"user,omitempty"` // who said it; else the copilot
	Text string    `json:"text"`
	At   time.Time `json:"at,omitzero"`
}

// storable returns the context without U+0000, which PostgreSQL cannot hold and
// nobody can read.
func (c Context) storable() Context {
	clean := func(s string) string { return strings.ReplaceAll(s, "\x00", "") }
	kept := Context{Problem: clean(c.Problem), Summary: clean(c.Summary), Queue: clean(c.Queue)}
	for name, value := range c.Variables {
		if kept.Variables == nil {
			kept.Variables = map[string]string{}
		}
		kept.Variables[clean(name)] = clean(value)
	}
	for _, l := range c.Transcript {
		l.Text = clean(l.Text)
		kept.Transcript = append(kept.Transcript, l)
	}
	return kept
}
