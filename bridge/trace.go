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
	var spans []delivery.Span
	for _, l := range ownLanes(m.Mapping) {
		spans = append(spans, delivery.Span{Destination: l.Destination, Conversation: l.Conversation, From: m.OpenedAt})
	}
	for _, l := range sharedLanes(m.Mapping) {
		spans = append(spans, delivery.Span{Destination: l.Destination, Conversation: l.Conversation, From: m.OpenedAt, Until: m.NextAt})
	}
	return spans
}

// LaneOf reads a lane's name: the mapping whose lane it is, or the user's
// conversation that it leads to.
func LaneOf(destination, lane string) (mapping.ID, activity.ConversationID) {
	for _, prefix := range []string{"mapping ", "return ", "files "} {
		if number, ok := strings.CutPrefix(lane, prefix); ok {
			number, _, _ = strings.Cut(number, "/")
			if id, err := strconv.ParseInt(number, 10, 64); err == nil {
				return mapping.ID(id), ""
			}
		}
	}
	if _, conversation, ok := strings.Cut(lane, "|"); ok && destination == toTeams {
		return 0, activity.ConversationID(conversation)
	}
	return 0, ""
}
