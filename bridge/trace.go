package bridge

import (
	"strconv"
	"strings"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/mapping"
)

// Spans are the parts of lanes that carried a mapping's words. The user's lanes
// outlive mappings: they are followed until the conversation's next one.
func Spans(m mapping.Traced) []delivery.Span {
	hub := "hub/" + m.Hub
	spans := []delivery.Span{
		{Destination: hub, Conversation: hubLane(m.ID), From: m.OpenedAt},
		{Destination: "copilot", Conversation: returnLane(m.ID), From: m.OpenedAt},
		{Destination: "teams", Conversation: teamsLane(m.Key), From: m.OpenedAt, Until: m.NextAt},
	}
	if m.Host != nil {
		spans = append(spans, delivery.Span{
			Destination: "copilot", Conversation: hostLane(*m.Host), From: m.OpenedAt, Until: m.NextAt,
		})
	}
	return spans
}

// LaneOf reads a lane's name: the mapping whose lane it is, or the user's
// conversation that it leads to.
func LaneOf(destination, lane string) (mapping.ID, activity.ConversationID) {
	for _, prefix := range []string{"mapping ", "return "} {
		if number, ok := strings.CutPrefix(lane, prefix); ok {
			if id, err := strconv.ParseInt(number, 10, 64); err == nil {
				return mapping.ID(id), ""
			}
		}
	}
	if _, conversation, ok := strings.Cut(lane, "|"); ok && destination == "teams" {
		return 0, activity.ConversationID(conversation)
	}
	return 0, ""
}
