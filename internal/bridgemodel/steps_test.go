package bridgemodel

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
)

// escalates is the copilot's topic: it begins, and waits a while for the answer.
func (t *talk) escalates(tb testing.TB, s step) {
	tb.Helper()
	answered := t.starting(tb, s)
	if s.N%4 == 0 {
		return // an impatient one
	}
	select {
	case <-answered:
	case <-time.After(300 * time.Millisecond):
	}
}

// starting posts a start. What it returns is closed when the copilot has the
// answer.
func (t *talk) starting(tb testing.TB, s step) <-chan struct{} {
	tb.Helper()
	t.action.Lock()
	defer t.action.Unlock()
	turn := t.turn("start", false)
	t.mu.Lock()
	t.settleStart()
	t.start, t.escalated, t.accepted = turn.ID, false, time.Time{}
	t.started = make(chan struct{})
	answered := t.started
	t.starts++
	t.begun = t.tick()
	t.log("copilot: %s", turn.ID)
	t.mu.Unlock()
	if t.says(tb, turn.ID, turn.ID, s.Replica, func(ctx context.Context, b *bridge.Bridge) ([]activity.Activity, error) {
		return b.Start(ctx, turn)
	}) {
		t.mu.Lock()
		t.accepted = time.Now()
		t.mu.Unlock()
	}
	return answered
}

// speaks is a line of the user's. It goes to whom the copilot takes to have them.
func (t *talk) speaks(tb testing.TB, s step) {
	tb.Helper()
	t.mu.Lock()
	if !t.escalated && t.started == nil {
		t.mu.Unlock()
		return // the copilot's own affair
	}
	w := &said{text: fmt.Sprintf("u%d", t.tick()), late: t.over()}
	w.begun, w.starts = t.tick(), t.starts
	t.mu.Unlock()
	turn := t.turn("message", true)
	turn.Name, turn.Text, w.id = "", w.text, turn.ID
	t.writes(tb, turn, s, w)
}

// over reports whether the end of the hub's conversation was accepted that the
// copilot takes the user to be in.
func (t *talk) over() bool {
	c := t.chatByID(livechat.ConversationID(t.with))
	return t.started == nil && c != nil && c.over > 0
}

// writes posts a message, by which something may be said.
func (t *talk) writes(tb testing.TB, turn bridge.Turn, s step, w *said) {
	tb.Helper()
	t.note("user: %s: %s", turn.ID, turn.Text)
	if t.says(tb, turn.ID, turn.ID, s.Replica, func(ctx context.Context, b *bridge.Bridge) ([]activity.Activity, error) {
		if s.Kind == "say too early" { // its first look found nobody
			return b.NotEscalated(ctx, turn)
		}
		answers, err := b.Forward(ctx, turn)
		if errors.Is(err, bridge.ErrNotEscalated) {
			return b.NotEscalated(ctx, turn)
		}
		return answers, err
	}) && w != nil {
		t.mu.Lock()
		w.taken, w.late = t.tick(), w.late && w.starts == t.starts
		t.said = append(t.said, w)
		t.mu.Unlock()
	}
}

// presses the button that ends the conversation, of this one or of an older.
func (t *talk) presses(tb testing.TB, s step) {
	tb.Helper()
	t.mu.Lock()
	known := t.escalated
	t.mu.Unlock()
	if !known {
		return
	}
	turn := t.turn("press", true)
	turn.Name, turn.Text = "", "End chat"
	if s.N%2 == 0 {
		id := t.mappingID(tb, s.N%3)
		turn.Press = &bridge.Press{Do: "end", Mapping: mapping.ID(id)}
	}
	t.writes(tb, turn, s, nil)
}

// leaves ends the conversation by the copilot's topic, or because the host gives
// up.
func (t *talk) leaves(tb testing.TB, s step) {
	tb.Helper()
	t.action.Lock()
	defer t.action.Unlock()
	turn := t.turn("end", false)
	by := mapping.ByUser
	answer := bridge.EndOfTurn(turn.Name, "completedSuccessfully", bridge.Outputs{Status: "ended"})
	t.mu.Lock()
	if s.N%3 == 0 {
		by = mapping.ByHost
	}
	before := len(t.chats)
	t.log("copilot: %s by %s", turn.ID, by)
	t.mu.Unlock()
	if t.says(tb, turn.ID, "", s.Replica, func(ctx context.Context, b *bridge.Bridge) ([]activity.Activity, error) {
		if by == mapping.ByHost {
			return nil, b.End(ctx, turn, by)
		}
		return nil, b.End(ctx, turn, by, answer)
	}) {
		t.mu.Lock()
		t.escalated = false
		t.settleStart()
		t.finished(before)
		t.mu.Unlock()
	}
}

// finished marks the first n chats as over: their end was accepted. It needs the
// talk's lock.
func (t *talk) finished(n int) {
	now := t.tick()
	for _, c := range t.chats[:n] {
		if c.over == 0 {
			c.over = now
		}
	}
}

// agent is something the hub says of one of its conversations, mostly the last.
func (t *talk) agent(tb testing.TB, s step, e livechat.Inbound) {
	tb.Helper()
	t.mu.Lock()
	if len(t.chats) == 0 {
		t.mu.Unlock()
		return
	}
	c := t.chats[len(t.chats)-1]
	if with := t.chatByID(livechat.ConversationID(t.with)); with != nil && t.escalated {
		c = with
	}
	if s.N%16 == 0 {
		c = t.chats[0]
	}
	over := c.over > 0
	w := &said{chat: c, begun: t.tick()}
	e.ID, e.Conversation, e.Sender = fmt.Sprintf("e%d", t.tick()), c.id, "Bo"
	w.id = e.ID
	switch e.Kind {
	case livechat.KindMessage:
		w.text = fmt.Sprintf("a%d", w.begun)
		e.Text = w.text
	case livechat.KindEnded:
		if c.ended == "" {
			c.ended = "agent"
		}
	default:
	}
	t.log("agent: %s %s in %s %s", e.ID, e.Kind, c.id, e.Text)
	t.mu.Unlock()
	if e.Kind == livechat.KindEnded && s.N%8 == 7 {
		return // and its post is lost
	}
	if !t.says(tb, e.ID, "", s.Replica, func(ctx context.Context, b *bridge.Bridge) ([]activity.Activity, error) {
		return nil, b.Hear(ctx, "hub", e)
	}) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.Kind {
	case livechat.KindMessage:
		if over {
			t.wrong("R9: %s was taken after the end of %s", e.Text, c.id)
		}
		w.taken = t.tick()
		t.said = append(t.said, w)
	case livechat.KindEnded:
		if c.over == 0 {
			c.over = t.tick()
		}
	default:
	}
}

// again repeats an earlier post, word for word.
func (t *talk) again(tb testing.TB, s step) {
	tb.Helper()
	t.mu.Lock()
	if len(t.posts) == 0 {
		t.mu.Unlock()
		return
	}
	p := t.posts[len(t.posts)-1-min(s.N%8, len(t.posts)-1)]
	t.mu.Unlock()
	p(tb, s.Replica)
}
