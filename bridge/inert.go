package bridge

import (
	"slices"

	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/words"
)

// inertVariables returns a copy of what a copilot tells of its user, as the hubs'
// port promises it.
func inertVariables(all map[string]string) map[string]string {
	if all == nil {
		return nil
	}
	inert := make(map[string]string, len(all))
	for name, value := range all {
		inert[words.Inert(name)] = words.Inert(value)
	}
	return inert
}

// inertOpening makes an opening what the hubs' port promises.
func inertOpening(o livechat.Opening) livechat.Opening {
	o.User.Name, o.User.Email = words.Inert(o.User.Name), words.Inert(o.User.Email)
	o.Problem, o.Summary = words.Inert(o.Problem), words.Inert(o.Summary)
	o.Variables = inertVariables(o.Variables)
	o.Transcript = slices.Clone(o.Transcript) // the turn's
	for i, l := range o.Transcript {
		o.Transcript[i].Sender, o.Transcript[i].Text = words.Inert(l.Sender), words.Inert(l.Text)
	}
	for i := range o.Earlier {
		o.Earlier[i].Problem = words.Inert(o.Earlier[i].Problem)
	}
	return o
}
