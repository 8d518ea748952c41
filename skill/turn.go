package skill

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
)

// Limits of what a copilot may hand over with a turn.
const (
	maxVariables = 50
	maxVariable  = 4 << 10 // bytes of a name or a value
)

// turn understands an activity from a verified caller.
func (h *Handler) turn(a activity.Activity, caller auth.Caller) (bridge.Turn, error) {
	in, err := readInputs(a.Value)
	if err != nil {
		return bridge.Turn{}, err
	}
	t := bridge.Turn{
		Key:     mapping.Key{BotAppID: botAppID(caller), Conversation: userConversation(a).ID},
		ID:      a.ID,
		ReplyTo: a.ReplyToID,
		Name:    a.Name,
		Tenant:  a.Tenant(),
		Channel: a.Channel(),
		User:    user(a),
		Claimed: livechat.ConversationID(in.hub),
		Problem: in.problem,
		Summary: in.summary,
		Queue:   in.queue,
		At:      a.Timestamp,
		Inline:  a.ExpectsReplies(),
	}
	if press, ok := bridge.ReadPress(a.Value); ok {
		t.Press = &press
	}
	if a.Type == activity.TypeMessage || a.Type == activity.TypeMessageUpdate {
		var others []activity.Attachment
		t.Files, others = attached(a.Attachments)
		t.Text = words(a.Text, in.problem, others)
	}
	t.Variables = in.variables
	t.Reference = h.reference(a, caller)
	return t, nil
}

// botAppID is the copilot's verified identity: the caller of a skill, the
// audience of a channel's token. The body's recipient is nobody's word, and
// Copilot Studio leaves its id out.
func botAppID(caller auth.Caller) string {
	if caller.Kind == auth.Skill {
		return strings.ToLower(caller.AppID)
	}
	return strings.ToLower(caller.Audience)
}

// userConversation is the user's conversation in the channel. Bot Framework hosts
// mint a conversation of their own for a skill and put the original into
// relatesTo; Copilot Studio passes the original on.
func userConversation(a activity.Activity) activity.Conversation {
	if a.RelatesTo != nil && a.RelatesTo.Conversation.ID != "" {
		return a.RelatesTo.Conversation
	}
	return a.Conversation
}

// reference is where the user and the host are reached from now on.
func (h *Handler) reference(a activity.Activity, caller auth.Caller) mapping.Reference {
	account := func(from activity.Account) activity.Account {
		return activity.Account{ID: from.ID, Name: from.Name, AADObjectID: from.AADObjectID}
	}
	bot := account(a.Recipient)
	if bot.ID == "" {
		bot.ID = "28:" + botAppID(caller)
	}
	ref := mapping.Reference{
		Connector: h.connector(a),
		Teams: proactive.Target{
			ChannelID: a.Channel(), Conversation: userConversation(a), Bot: bot, User: account(a.From), Locale: a.Locale,
		},
	}
	ref.Teams.ServiceURL = ref.Connector
	if caller.Kind == auth.Skill && a.ServiceURL != "" {
		ref.HostActive = a.Type == activity.TypeMessage // an event's action ends with our answer to it
		ref.Host = &proactive.Target{
			ServiceURL: a.ServiceURL, Audience: caller.AppID, ChannelID: a.ChannelID,
			Conversation: a.Conversation, Bot: bot, User: account(a.From), Locale: a.Locale,
		}
	}
	return ref
}

// connector is the Bot Connector an activity shows, or "". A skill host's own URL
// is none: posting there later reaches nobody.
func (h *Handler) connector(a activity.Activity) string {
	if r := a.RelatesTo; r != nil && r.ServiceURL != "" && !h.Hosts.SkillHost(r.ServiceURL) && h.Hosts.Trusted(r.ServiceURL) == nil {
		return r.ServiceURL
	}
	if h.Hosts.Connector(a.ServiceURL) {
		return a.ServiceURL
	}
	return ""
}

func user(a activity.Activity) livechat.User {
	client := a.Client()
	u := livechat.User{
		ID: a.From.AADObjectID, Name: a.From.Name, Email: a.From.Email,
		Locale: a.Locale, TimeZone: a.LocalTimezone, Client: client.Platform,
	}
	if u.ID == "" {
		u.ID = a.From.ID
	}
	if u.Name == "" {
		u.Name = "Teams user"
	}
	if u.Locale == "" {
		u.Locale = client.Locale
	}
	if u.TimeZone == "" {
		u.TimeZone = client.Timezone
	}
	return u
}

// words is what a message says. Attachments that are not passed on are named, so
// that the agent knows of them.
func words(text, problem string, others []activity.Attachment) string {
	said := []string{}
	switch {
	case strings.TrimSpace(text) != "":
		said = append(said, text)
	case problem != "":
		said = append(said, problem)
	}
	for _, f := range others {
		said = append(said, fmt.Sprintf("[The user sent an attachment that is not shown here: %s]", named(f)))
	}
	return strings.Join(said, "\n")
}

func named(f activity.Attachment) string {
	if f.Name != "" {
		return clean(f.Name)
	}
	return clean(f.ContentType)
}

// inputs are the values a topic binds to an action.
type inputs struct {
	hub, problem, summary, queue string
	variables                    map[string]string
}

// Inputs that have a meaning of their own.
const (
	inputHub     = "LiveChatConversationId"
	inputProblem = "ProblemDescription"
	inputSummary = "Summary"
	inputQueue   = "Queue"
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
			scalars[name] = strings.ReplaceAll(v, "\x00", "")
		case json.Number, bool:
			scalars[name] = fmt.Sprint(v)
		}
	}
	in := inputs{
		hub: scalars[inputHub], problem: strings.TrimSpace(scalars[inputProblem]),
		summary: strings.TrimSpace(scalars[inputSummary]), queue: strings.TrimSpace(scalars[inputQueue]),
	}
	maps.DeleteFunc(scalars, func(name, _ string) bool {
		return name == inputHub || name == inputProblem || name == inputSummary || name == inputQueue
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
