// Package activity holds the Bot Framework wire types the service reads and
// writes, and nothing else: no HTTP, no storage, no policy.
//
// Members the service does not use are dropped: an activity is never forwarded
// verbatim from one side to the other. What the protocol leaves open (value,
// channelData, attachment content, entities) is kept as raw JSON.
//
// The protocol is "Bot Framework Activity", Provisional 3.4:
// https://github.com/microsoft/Agents/blob/main/specs/activity/protocol-activity.md
package activity

import (
	"encoding/json"
	"strings"
	"time"
)

// A ConversationID names a conversation on the Copilot side. It is opaque:
// compare it, store it, never parse, build or case-fold it.
type ConversationID string

// Activity types the service acts on. Types are compared case-sensitively and
// the set is open: an unknown type is accepted and ignored (rules A2006, A2010).
const (
	TypeMessage            = "message"
	TypeMessageUpdate      = "messageUpdate" // its id is the message's
	TypeMessageDelete      = "messageDelete"
	TypeMessageReaction    = "messageReaction"
	TypeEvent              = "event"
	TypeInvoke             = "invoke"
	TypeTyping             = "typing"
	TypeEndOfConversation  = "endOfConversation"
	TypeInstallationUpdate = "installationUpdate"
	TypeConversationUpdate = "conversationUpdate"
)

// Actions of an installationUpdate.
const (
	ActionAdd           = "add"
	ActionRemove        = "remove"
	ActionRemoveUpgrade = "remove-upgrade"
)

// Codes of an endOfConversation that every known host understands. The set on
// the wire is open.
const (
	CodeCompleted     = "completedSuccessfully"
	CodeUserCancelled = "userCancelled"
	CodeUnknown       = "unknown"
	CodeError         = "error"
)

// Types of conversations in Teams with more people than one.
const (
	ConversationGroup   = "groupChat"
	ConversationChannel = "channel"
)

// Delivery modes. Any other value means normal (rule A3111).
const (
	DeliveryNormal        = "normal"
	DeliveryExpectReplies = "expectReplies"
)

// Text formats. Outbound messages always name theirs: the specification and the
// SDKs disagree on the default.
const (
	FormatPlain    = "plain"
	FormatMarkdown = "markdown"
)

// ChannelTeams is the channel of Microsoft Teams.
const ChannelTeams = "msteams"

// An Activity is one protocol message: something a participant said or did.
type Activity struct {
	Type           string          `json:"type"`
	ID             string          `json:"id,omitempty"`
	Timestamp      time.Time       `json:"timestamp,omitzero"`
	LocalTimezone  string          `json:"localTimezone,omitempty"`
	ServiceURL     string          `json:"serviceUrl,omitempty"`
	ChannelID      string          `json:"channelId,omitempty"`
	From           Account         `json:"from,omitzero"`
	Recipient      Account         `json:"recipient,omitzero"`
	Conversation   Conversation    `json:"conversation,omitzero"`
	ReplyToID      string          `json:"replyToId,omitempty"`
	RelatesTo      *RelatesTo      `json:"relatesTo,omitempty"`
	Name           string          `json:"name,omitempty"`
	Text           string          `json:"text,omitempty"`
	TextFormat     string          `json:"textFormat,omitempty"`
	Locale         string          `json:"locale,omitempty"`
	InputHint      string          `json:"inputHint,omitempty"`
	DeliveryMode   string          `json:"deliveryMode,omitempty"`
	Code           string          `json:"code,omitempty"`
	Action         string          `json:"action,omitempty"`
	Value          json.RawMessage `json:"value,omitempty"`
	ChannelData    json.RawMessage `json:"channelData,omitempty"`
	Attachments    []Attachment    `json:"attachments,omitempty"`
	Entities       []Entity        `json:"entities,omitempty"`
	MembersAdded   []Account       `json:"membersAdded,omitempty"`
	MembersRemoved []Account       `json:"membersRemoved,omitempty"`
}

// An Account is a participant: a user, a bot or a skill.
type Account struct {
	ID          string `json:"id,omitempty"`
	Name        string `json:"name,omitempty"`
	AADObjectID string `json:"aadObjectId,omitempty"`
	Role        string `json:"role,omitempty"`
	Email       string `json:"email,omitempty"`
}

// A Conversation identifies where an activity was said.
type Conversation struct {
	ID               ConversationID `json:"id,omitempty"`
	ConversationType string         `json:"conversationType,omitempty"`
	TenantID         string         `json:"tenantId,omitempty"`
	Name             string         `json:"name,omitempty"`
	IsGroup          bool           `json:"isGroup,omitempty"`
}

// RelatesTo points at the activity in the user's channel that made a skill host
// call a skill. It is the host's word and not to be trusted for sending unless
// its service URL is (rule A7560).
type RelatesTo struct {
	ActivityID   string       `json:"activityId,omitempty"`
	ServiceURL   string       `json:"serviceUrl,omitempty"`
	ChannelID    string       `json:"channelId,omitempty"`
	Locale       string       `json:"locale,omitempty"`
	Conversation Conversation `json:"conversation,omitzero"`
	User         *Account     `json:"user,omitempty"`
	Bot          *Account     `json:"bot,omitempty"`
}

// An Attachment is a file, a card or another rendering of the text.
type Attachment struct {
	ContentType string          `json:"contentType"`
	ContentURL  string          `json:"contentUrl,omitempty"`
	Name        string          `json:"name,omitempty"`
	Content     json.RawMessage `json:"content,omitempty"`
}

// An Entity is metadata about an activity. Only clientInfo and mention are read;
// members of other types are dropped.
type Entity struct {
	Type      string          `json:"type"`
	Locale    string          `json:"locale,omitempty"`
	Country   string          `json:"country,omitempty"`
	Platform  string          `json:"platform,omitempty"`
	Timezone  string          `json:"timezone,omitempty"`
	Mentioned json.RawMessage `json:"mentioned,omitempty"`
}

// ExpectedReplies is the body that answers an activity sent with
// [DeliveryExpectReplies].
type ExpectedReplies struct {
	Activities []Activity `json:"activities"` // never null
}

// Channel returns the channel without its sub-channel: "msteams:COPILOT" is
// Teams.
func (a Activity) Channel() string {
	channel, _, _ := strings.Cut(a.ChannelID, ":")
	return channel
}

// ExpectsReplies reports whether the answer belongs into the HTTP response and
// nothing may be posted later (rule A3113).
func (a Activity) ExpectsReplies() bool { return a.DeliveryMode == DeliveryExpectReplies }

// Tenant returns the tenant the activity says it belongs to, or "". Teams puts
// it into conversation or into channelData, depending on the sender.
func (a Activity) Tenant() string {
	if a.Conversation.TenantID != "" {
		return a.Conversation.TenantID
	}
	var data struct {
		Tenant struct{ ID string } `json:"tenant"`
	}
	_ = json.Unmarshal(a.ChannelData, &data) // of any shape; only this one is known
	return data.Tenant.ID
}

// Mentioned returns the name by which the participant with an id is mentioned in
// the text, or "".
func (a Activity) Mentioned(id string) string {
	for _, e := range a.Entities {
		var who struct{ ID, Name string }
		if e.Type == "mention" && json.Unmarshal(e.Mentioned, &who) == nil && who.ID == id {
			return who.Name
		}
	}
	return ""
}

// Email returns the sender's e-mail address, or "". Hosts put it into from or into
// channelData.
func (a Activity) Email() string {
	if a.From.Email != "" {
		return a.From.Email
	}
	var data struct{ Email string }
	_ = json.Unmarshal(a.ChannelData, &data) // of any shape; only this one is known
	return data.Email
}

// Client returns the clientInfo entity, or a zero one.
func (a Activity) Client() Entity {
	for _, e := range a.Entities {
		if e.Type == "clientInfo" {
			return e
		}
	}
	return Entity{}
}
