package skill

import (
	"strings"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/texts"
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
		User:    h.user(a),
		Claimed: livechat.ConversationID(in.hub),
		At:      a.Timestamp,
		Inline:  a.ExpectsReplies(),

		Problem: clip(in.problem, maxSummary), Summary: in.summary, Transcript: in.transcript, Variables: in.variables,
		Queue: in.queue, Skills: in.skills, Priority: in.priority,
	}
	if press, ok := bridge.ReadPress(a.Value); ok {
		t.Press = &press
	}
	if a.Type == activity.TypeMessage || a.Type == activity.TypeMessageUpdate {
		var others []activity.Attachment
		t.Files, others = attached(a.Attachments, connectorFiles(caller))
		t.Text = h.said(a, others, bot(a, caller), in.problem)
	}
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

func account(from activity.Account) activity.Account {
	return activity.Account{ID: from.ID, Name: from.Name, AADObjectID: from.AADObjectID}
}

// bot is the copilot as the channel knows it.
func bot(a activity.Activity, caller auth.Caller) activity.Account {
	b := account(a.Recipient)
	if b.ID == "" {
		b.ID = "28:" + botAppID(caller)
	}
	return b
}

// reference is where the user and the host are reached from now on.
func (h *Handler) reference(a activity.Activity, caller auth.Caller) mapping.Reference {
	bot := bot(a, caller)
	ref := mapping.Reference{
		Connector: h.connector(a),
		Teams: proactive.Target{
			App: botAppID(caller), ChannelID: a.Channel(), Conversation: userConversation(a), Bot: bot, User: account(a.From), Locale: a.Locale,
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

func (h *Handler) user(a activity.Activity) livechat.User {
	client := a.Client()
	u := livechat.User{
		ID: a.From.AADObjectID, Name: a.From.Name, Email: a.Email(),
		Locale: a.Locale, TimeZone: a.LocalTimezone, Client: client.Platform,
	}
	if u.ID == "" {
		u.ID = a.From.ID
	}
	if u.Name == "" {
		u.Name = h.Agents.Say(texts.SpeakerUser())
	}
	if u.Locale == "" {
		u.Locale = client.Locale
	}
	if u.TimeZone == "" {
		u.TimeZone = client.Timezone
	}
	return u
}
