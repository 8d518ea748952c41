package contoso

import "time"

// A target is where webhooks go, and what they are signed with.
type target struct {
	url     string
	secrets [][]byte
}

// A canvasPost is a webhook of the conversations on our own page.
type canvasPost struct {
	Event          string
	ID             string `json:"Id"`
	ConversationID string `json:"ConversationId"`
	User           person
	Message        string
	Value          string   `json:",omitempty"` // the choice that was pressed, where Message is its title
	Pending        []string `json:",omitempty"` // what was said last and nobody answered
	Reason         string   `json:",omitempty"`
	Summary        string   `json:",omitempty"`
	Timestamp      time.Time
}

func (d due) canvas() canvasPost {
	p := canvasPost{
		Event: d.Event, ID: d.ID, ConversationID: d.ConversationID, User: d.User, Message: d.Message, Value: d.Value,
		Pending: d.Pending, Reason: d.Reason, Summary: d.Summary, Timestamp: d.Timestamp,
	}
	if p.Event == eventMessage {
		p.Event = "asked"
	}
	return p
}
