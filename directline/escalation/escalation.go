// Package escalation reads handoff.initiate, the event with which a copilot asks
// that a person takes over.
//
// What is missing or makes no sense is left out, never refused: the user waits for
// a person all the same. What comes is bounded, so that neither a long dialog nor a
// loop of topics fills an agent's screen.
//
// The form: https://learn.microsoft.com/microsoft-copilot-studio/configure-generic-handoff,
// and ConnectToEngagementHub in microsoft/PowerVirtualAgentsSamples.
package escalation

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/liaison-skill/liaison/activity"
)

// Bounds of what is kept.
const (
	MaxLines     = 500  // the latest
	MaxVariables = 100  // the first by name
	MaxText      = 8000 // characters of each text
)

// event is the name of the event.
const event = "handoff.initiate"

// A Context is what the copilot knows of the conversation. Any member may be
// empty.
type Context struct {
	Scope        string
	LastTopic    string
	Topics       []string // in the order they were triggered
	LastPhrase   string   // the user's, that triggered a topic
	Phrases      []string
	Conversation string // by the copilot's own name for it
	AgentMessage string // a private note for the agent
	BotID        string
	BotName      string
	Language     string // BCP 47
	CallerID     string // telephony only
	Variables    map[string]string
	Transcript   []Line // oldest first
	Omitted      int    // older lines that are not in Transcript
}

// Read returns what a says if it is the event, and whether it is: a user can post
// events, too, but only the copilot's counts.
func Read(a activity.Activity) (Context, bool) {
	if a.Type != activity.TypeEvent || a.Name != event || a.From.Role != "bot" {
		return Context{}, false
	}
	c := readValue(a.Value)
	c.Transcript, c.Omitted = transcript(a)
	return c, true
}

// readValue tells the copilot's own members from those its makers have added.
func readValue(value json.RawMessage) Context {
	members := map[string]json.RawMessage{}
	_ = json.Unmarshal(plain(value), &members) // nothing is known then
	text := func(name string) string {
		defer delete(members, name)
		return readText(members[name])
	}
	list := func(name string) []string {
		defer delete(members, name)
		return readList(members[name])
	}
	c := Context{
		Scope:        text("va_Scope"),
		LastTopic:    text("va_LastTopic"),
		Topics:       list("va_Topics"),
		Phrases:      list("va_Phrases"),
		Conversation: text("va_ConversationId"),
		AgentMessage: text("va_AgentMessage"),
		BotID:        text("va_BotId"),
		BotName:      text("va_BotName"),
		Language:     canonical(text("va_Language")),
		CallerID:     text("MSCallerId"),
	}
	// The documentation has the plural, the sample and the wire the singular.
	for _, name := range []string{"va_LastPhrases", "va_LastPhrase"} {
		if all := list(name); len(all) > 0 {
			c.LastPhrase = all[len(all)-1]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if len(c.Variables) == MaxVariables {
			break
		}
		if c.Variables == nil {
			c.Variables = map[string]string{}
		}
		c.Variables[cut(name)] = readText(members[name])
	}
	return c
}

// plain takes JSON out of the text that it may have been put into.
func plain(raw json.RawMessage) json.RawMessage {
	var inner string
	if json.Unmarshal(raw, &inner) == nil {
		return json.RawMessage(inner)
	}
	return raw
}

// readText returns a text as it is, and any other value as JSON.
func readText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil { // null, too
		return cut(text)
	}
	return cut(string(raw))
}

// readList returns a list of texts, which may be a single one, or JSON in a text.
func readList(raw json.RawMessage) []string {
	var all []json.RawMessage
	if json.Unmarshal(plain(raw), &all) != nil {
		all = []json.RawMessage{raw}
	}
	var texts []string
	for _, one := range all[max(0, len(all)-MaxLines):] {
		if text := readText(one); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// canonical writes a language as others compare it: Copilot Studio says En-US.
func canonical(name string) string {
	tag, err := language.Parse(name)
	if err != nil {
		return ""
	}
	return tag.String()
}

// cut bounds a text, which may not be UTF-8.
func cut(text string) string {
	if utf8.RuneCountInString(text) <= MaxText {
		return text
	}
	n := 0
	for i := range text {
		if n++; n == MaxText {
			return text[:i] + "…"
		}
	}
	return text
}

// A Side is who said a line.
type Side string

// Sides.
const (
	User    Side = "user"
	Copilot Side = "copilot"
)

// A Line is one thing that was said before.
type Line struct {
	Side   Side
	Sender string
	Text   string
	Files  []string // names, or content types, of what came with it
	At     time.Time
}
