package sandbox

import (
	"encoding/json"
	"time"

	"github.com/liaison-skill/liaison/activity"
)

// Activity types that only the sandbox writes.
const (
	typeMessageUpdate      = "messageUpdate"
	typeMessageDelete      = "messageDelete"
	typeMessageReaction    = "messageReaction"
	typeConversationUpdate = "conversationUpdate"
)

// An incoming is an activity as a skill or a bot gets it, with the members the
// service's own type leaves out.
type incoming struct {
	activity.Activity
	LocalTimestamp   time.Time  `json:"localTimestamp,omitzero"`
	Entities         []entity   `json:"entities,omitempty"`
	ReactionsAdded   []reaction `json:"reactionsAdded,omitempty"`
	ReactionsRemoved []reaction `json:"reactionsRemoved,omitempty"`
}

// An entity is the client's own, or a mention.
type entity struct {
	activity.Entity
	Mentioned *activity.Account `json:"mentioned,omitempty"`
	Text      string            `json:"text,omitempty"`
}

// A reaction is an emoji on a message.
type reaction struct {
	Type string `json:"type"`
}

// channelData is what Teams adds to an activity.
type channelData struct {
	Tenant    tenantInfo  `json:"tenant"`
	EventType string      `json:"eventType,omitempty"`
	Source    *dataSource `json:"source,omitempty"`
}

type tenantInfo struct {
	ID string `json:"id"`
}

type dataSource struct {
	Name string `json:"name"`
}

// decoded is the activity as the service's own type has it.
func (a incoming) decoded() activity.Activity {
	decoded := a.Activity
	for _, e := range a.Entities {
		decoded.Entities = append(decoded.Entities, e.Entity)
	}
	return decoded
}

// tell sets what Teams says of an activity beside its content.
func (a *incoming) tell(change func(*channelData)) {
	var data channelData
	_ = json.Unmarshal(a.ChannelData, &data) // our own
	change(&data)
	a.ChannelData = encode(data)
}

// fromTeams is an activity of p's client, before anybody passes it on.
func (s *Sandbox) fromTeams(p *person, kind string) incoming {
	s.mu.Lock()
	who := *p.profile
	s.mu.Unlock()
	now := time.Now().UTC().Truncate(time.Millisecond)
	a := incoming{
		Activity: activity.Activity{
			Type:          kind,
			ID:            s.newID(),
			Timestamp:     now,
			LocalTimezone: who.TimeZone,
			ServiceURL:    s.connectorURL(),
			ChannelID:     activity.ChannelTeams,
			From:          activity.Account{ID: p.id, Name: who.Name, AADObjectID: who.ObjectID, Role: "user", Email: who.Email},
			Recipient:     s.botOf(p),
			Conversation:  activity.Conversation{ID: p.conversation, ConversationType: "personal", TenantID: s.cfg.TenantID},
			Locale:        who.Locale,
			ChannelData:   encode(channelData{Tenant: tenantInfo{s.cfg.TenantID}}),
		},
		Entities: []entity{{Entity: activity.Entity{
			Type: "clientInfo", Locale: who.Locale, Country: who.Country, Platform: who.Platform, Timezone: who.TimeZone,
		}}},
	}
	if zone, err := time.LoadLocation(who.TimeZone); err == nil {
		a.LocalTimestamp = now.In(zone)
	}
	return a
}
