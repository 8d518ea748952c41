package handoff

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Pages of results. Teams asks for 25 at a time.
const (
	pageSize = 25
	maxSkip  = 10_000
)

// A Query is what a user, or Copilot for them, asks the message extension.
type Query struct {
	Command    string
	Parameters map[string]string
	Initial    bool // the extension was opened, nothing is asked yet
	Skip       int
	Count      int
	Locale     string // of the user; not in the query itself
}

// initialRun is the parameter of the query that Teams makes itself.
const initialRun = "initialRun"

// ReadQuery reads the value of a composeExtension/query
// (https://learn.microsoft.com/microsoftteams/platform/messaging-extensions/how-to/search-commands/respond-to-search).
func ReadQuery(value json.RawMessage) (Query, error) {
	var in struct {
		CommandID  string `json:"commandId"`
		Parameters []struct {
			Name  string `json:"name"`
			Value any    `json:"value"`
		} `json:"parameters"`
		QueryOptions struct {
			Skip  int `json:"skip"`
			Count int `json:"count"`
		} `json:"queryOptions"`
	}
	if err := json.Unmarshal(value, &in); err != nil {
		return Query{}, errors.New("value: expected an object with commandId, parameters and queryOptions")
	}
	if in.CommandID == "" {
		return Query{}, errors.New("value.commandId: required")
	}
	q := Query{Command: in.CommandID, Parameters: map[string]string{}, Skip: in.QueryOptions.Skip, Count: in.QueryOptions.Count}
	for _, p := range in.Parameters {
		text := fmt.Sprint(p.Value)
		if p.Value == nil {
			text = ""
		}
		if p.Name == initialRun {
			q.Initial, _ = strconv.ParseBool(text)
			continue
		}
		q.Parameters[p.Name] = text
	}
	q.Skip = min(max(q.Skip, 0), maxSkip)
	if q.Count <= 0 || q.Count > pageSize {
		q.Count = pageSize
	}
	return q, nil
}

// page returns the part of all that the query asks for.
func page[T any](q Query, all []T) []T {
	from := min(q.Skip, len(all))
	return all[from:min(from+q.Count, len(all))]
}
