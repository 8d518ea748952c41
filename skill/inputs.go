package skill

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/words"
)

// Limits of what a copilot may hand over with a turn.
const (
	maxVariables = 50
	maxVariable  = 4 << 10 // bytes of a name or a value
	maxSummary   = 4000    // UTF-16 code units of a summary or a problem; the rest is cut off
	maxHint      = 200     // the same of a queue or a skill
	maxSkills    = 20
)

// inputs are the values a topic binds to an action.
type inputs struct {
	hub, problem, summary, queue string

	skills     []string
	priority   int
	transcript []livechat.Line
	variables  map[string]string
}

// Inputs that have a meaning of their own.
const (
	inputHub        = "LiveChatConversationId"
	inputProblem    = "ProblemDescription"
	inputSummary    = "Summary"
	inputTranscript = "Transcript"
	inputQueue      = "Queue"
	inputSkills     = "Skills"
	inputPriority   = "Priority"
)

// readInputs reads an activity's value: an object, also as JSON text. Scalars
// that have no meaning here go to the agent as variables; anything else is left
// out.
func readInputs(value json.RawMessage) (inputs, error) {
	var text string
	if json.Unmarshal(value, &text) == nil {
		value = json.RawMessage(text)
	}
	var members map[string]any
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber() // an order's number stays as it is written
	if d.Decode(&members) != nil {
		return inputs{}, nil // a card's value, null, a list: not inputs
	}
	scalars := map[string]string{}
	for name, v := range members {
		switch v := v.(type) {
		case string:
			scalars[name] = clean(v)
		case json.Number, bool:
			scalars[name] = fmt.Sprint(v)
		}
	}
	in := meant(scalars, members[inputTranscript])
	maps.DeleteFunc(scalars, func(name, _ string) bool {
		return slices.Contains([]string{
			inputHub, inputProblem, inputSummary, inputTranscript, inputQueue, inputSkills, inputPriority,
		}, name)
	})
	if len(scalars) > maxVariables {
		return inputs{}, web.BadRequest(fmt.Sprintf("activity: value: more than %d members", maxVariables))
	}
	for name, v := range scalars {
		if len(v) > maxVariable || len(name) > maxVariable || strings.ContainsRune(name, 0) {
			return inputs{}, web.BadRequest(fmt.Sprintf("activity: value: a member is longer than %d bytes", maxVariable))
		}
	}
	in.variables = scalars
	return in, nil
}

// meant reads the inputs that have a meaning. A hint that is none of a kind counts
// as not given: it is no reason to leave a user without help.
func meant(scalars map[string]string, transcript any) inputs {
	in := inputs{
		hub:        scalars[inputHub],
		problem:    strings.TrimSpace(scalars[inputProblem]), // the user's words, maybe all there are
		summary:    clip(scalars[inputSummary], maxSummary),
		queue:      clip(scalars[inputQueue], maxHint),
		transcript: readTranscript(transcript),
	}
	if n, err := strconv.ParseInt(strings.TrimSpace(scalars[inputPriority]), 10, 32); err == nil {
		in.priority = int(n)
	}
	for skill := range strings.SplitSeq(scalars[inputSkills], ",") {
		if skill = clip(skill, maxHint); skill != "" && len(in.skills) < maxSkills && !slices.Contains(in.skills, skill) {
			in.skills = append(in.skills, skill)
		}
	}
	return in
}

func clip(text string, limit int) string {
	return words.Clip(strings.TrimSpace(text), limit, words.UTF16)
}
