package directline

import (
	"encoding/json"
	"errors"

	"github.com/liaison-skill/liaison/activity"
)

// maxSet bounds an activity set, in bytes. One activity may have 256 K characters,
// a set repeats all since its watermark.
const maxSet = 16 << 20

// An Activity is what the copilot said, with what it suggests to answer.
type Activity struct {
	activity.Activity
	Suggestions []Suggestion
}

// A Suggestion is a button: the user says Value.
type Suggestion struct {
	Title, Value string
}

// A set is what streams and polls bring.
type set struct {
	activities []Activity
	watermark  string // "" does not move it
	unreadable int
}

// readSet reads a set. A member that makes no sense takes nothing else with it.
func readSet(data []byte) (set, error) {
	var in struct {
		Activities []json.RawMessage `json:"activities"`
		Watermark  json.RawMessage   `json:"watermark"`
	}
	if json.Unmarshal(data, &in) != nil {
		return set{}, errors.New("not an activity set")
	}
	var out set
	_ = json.Unmarshal(in.Watermark, &out.watermark) // missing, null, or of no use
	for _, raw := range in.Activities {
		var a Activity
		if json.Unmarshal(raw, &a.Activity) != nil || a.Type == "" {
			out.unreadable++
			continue
		}
		a.Suggestions = suggestions(raw)
		out.activities = append(out.activities, a)
	}
	return out, nil
}

// suggestions reads the actions of which a text can be said.
func suggestions(raw json.RawMessage) []Suggestion {
	var in struct {
		SuggestedActions struct {
			Actions []struct {
				Title, Text string
				Value       json.RawMessage
			}
		}
	}
	_ = json.Unmarshal(raw, &in) // what does not fit suggests nothing
	var all []Suggestion
	for _, action := range in.SuggestedActions.Actions {
		value := action.Text
		_ = json.Unmarshal(action.Value, &value) // an object is for clients that know it
		if value == "" {
			value = action.Title
		}
		if value != "" {
			all = append(all, Suggestion{Title: action.Title, Value: value})
		}
	}
	return all
}

// said returns the key of a post that has come back, or "".
func said(a activity.Activity) string {
	var data struct {
		ClientActivityID string `json:"clientActivityID"`
	}
	_ = json.Unmarshal(a.ChannelData, &data) // anybody's
	return data.ClientActivityID
}
