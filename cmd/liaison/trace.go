package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/relay"
)

type traceCmd struct {
	ID string `arg:"" help:"Id of an activity, a hub's message, a mapping, a conversation in Teams, at the hub or in the hub's own chat, or a letter."`
	operating

	Limit int  `default:"500" help:"At most so many deliveries, the oldest first."`
	JSON  bool `name:"json" help:"Print JSON."`
}

// Run implements the command.
func (t traceCmd) Run(ctx context.Context, c console) error {
	db, err := t.open(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	return t.run(ctx, c, db.pool)
}

// store is what a trace reads.
type store interface {
	delivery.DB
	mapping.DB
}

func (t traceCmd) run(ctx context.Context, c console, db store) error {
	tr, err := t.find(ctx, db)
	if err != nil {
		return err
	}
	if len(tr.mappings) == 0 && len(tr.deliveries) == 0 {
		return fmt.Errorf("nothing is known of %s: check that the id is whole and in its own case (quote it: the shell may cut it); "+
			"what is old may be gone", shown(t.ID))
	}
	if t.JSON {
		return printJSON(c, map[string]any{"mappings": tr.told(), "deliveries": orEmpty(tr.deliveries)})
	}
	tr.print(c)
	if len(tr.deliveries) == t.Limit {
		fmt.Fprintf(c.out, "\nThere may be more: --limit %d shows more.\n", 10*t.Limit)
	}
	return nil
}

// tracing is what was found.
type tracing struct {
	mappings   []mapping.Traced
	deliveries []delivery.Traced
}

// find looks for the id in every role it may have. A number may be both a mapping
// and a letter: then both are shown.
func (t traceCmd) find(ctx context.Context, db store) (tracing, error) {
	number, err := strconv.ParseInt(t.ID, 10, 64)
	if err != nil {
		number = 0
	}
	var found tracing
	if found.mappings, err = mapping.Trace(ctx, db, mapping.ID(number), t.ID); err != nil {
		return found, err
	}
	var spans []delivery.Span
	for _, m := range found.mappings {
		spans = append(spans, bridge.Spans(m)...)
	}
	chats, err := relay.Spans(ctx, db, t.ID)
	if err != nil {
		return found, err
	}
	spans = append(spans, chats...)
	bySpan, err := delivery.TraceSpans(ctx, db, spans, t.Limit)
	if err != nil {
		return found, err
	}
	byKey, err := delivery.TraceKey(ctx, db, t.ID, t.Limit)
	if err != nil {
		return found, err
	}
	var letters []delivery.Traced
	if number > 0 {
		if letters, err = delivery.TraceLetter(ctx, db, number); err != nil {
			return found, err
		}
	}
	if err := found.addMappings(ctx, db, append(byKey, letters...)); err != nil {
		return found, err
	}
	found.deliveries = merge(bySpan, byKey, letters)
	return found, nil
}

// addMappings finds the mappings that deliveries belong to.
func (r *tracing) addMappings(ctx context.Context, db store, ds []delivery.Traced) error {
	seen := map[mapping.ID]bool{}
	for _, m := range r.mappings {
		seen[m.ID] = true
	}
	for _, d := range ds {
		id, conversation := bridge.LaneOf(d.Destination, d.Conversation)
		if id == 0 && conversation == "" || seen[id] {
			continue
		}
		found, err := mapping.Trace(ctx, db, id, string(conversation))
		if err != nil {
			return err
		}
		for _, m := range found {
			if !seen[m.ID] && (id == m.ID || covers(m, d, conversation)) {
				seen[m.ID] = true
				r.mappings = append(r.mappings, m)
			}
		}
	}
	return nil
}

// covers reports whether a delivery of the user's lane was the mapping's.
func covers(m mapping.Traced, d delivery.Traced, c activity.ConversationID) bool {
	return m.Key.BotAppID+"|"+string(c) == d.Conversation &&
		!d.AcceptedAt.Before(m.OpenedAt) && (m.NextAt == nil || d.AcceptedAt.Before(*m.NextAt))
}

// toldMapping is what a trace tells of a mapping: ids, state and times.
type toldMapping struct {
	ID              mapping.ID     `json:"id"`
	State           mapping.State  `json:"state"`
	Conversation    string         `json:"conversation"`
	Hub             string         `json:"hub"`
	HubConversation string         `json:"hub_conversation"`
	ClosedBy        mapping.Closer `json:"closed_by"`
	OpenedAt        time.Time      `json:"opened_at"`
	JoinedAt        *time.Time     `json:"joined_at"`
	EndedAt         *time.Time     `json:"ended_at"`
	ClosedAt        *time.Time     `json:"closed_at"`
}

func (r *tracing) told() []toldMapping {
	told := []toldMapping{}
	for _, m := range r.mappings {
		told = append(told, toldMapping{
			ID: m.ID, State: m.State, Conversation: string(m.Key.Conversation), Hub: m.Hub,
			HubConversation: string(m.HubConversation), ClosedBy: m.ClosedBy,
			OpenedAt: m.OpenedAt, JoinedAt: m.JoinedAt, EndedAt: m.EndedAt, ClosedAt: m.ClosedAt,
		})
	}
	return told
}
