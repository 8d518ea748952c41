package bridgemodel

import (
	"context"
	"fmt"
	"strings"

	"github.com/liaison-skill/liaison/livechat"
)

// A chat is a conversation at the hub.
type chat struct {
	id      livechat.ConversationID
	key     string
	born    int    // by the talk's clock
	ended   string // who ended it, "" for nobody
	over    int    // when its end was accepted by our side, or by the hub from ours
	lines   []string
	known   map[string]bool // keys of messages
	notices int
}

// hub is one replica's way to the hub: it ends with the replica.
type hub struct {
	*world

	by *life
}

// reach finds the talk and the fault that a call meets, and plays what comes
// before the deed.
func (h hub) reach(ctx context.Context, t *talk) (fault, error) {
	if h.by.cut.Load() {
		return none, errCut
	}
	t.mu.Lock()
	f := t.hubFaults.next()
	t.mu.Unlock()
	if done := f.before(ctx); !done {
		return f, hubError(f)
	}
	if h.by.cut.Load() {
		return none, errCut
	}
	return f, nil
}

func reply(ctx context.Context, f fault) error {
	if !f.after(ctx) {
		return hubError(f)
	}
	return nil
}

// Open implements livechat.Hub.
func (h hub) Open(ctx context.Context, o livechat.Opening) (livechat.ConversationID, error) {
	t := h.talks[o.User.ID]
	f, err := h.reach(ctx, t)
	if err != nil {
		t.note("hub: open met fault %d", f)
		return "", err
	}
	t.mu.Lock()
	c := t.chatByKey(o.Key)
	switch {
	case t.dead[o.Key], c != nil && c.ended != "":
		t.mu.Unlock()
		return "", hubError(refuse)
	case c == nil:
		c = &chat{
			id:  livechat.ConversationID(fmt.Sprintf("%s/%d", t.name, len(t.chats)+1)),
			key: o.Key, born: t.tick(), known: map[string]bool{},
		}
		t.chats = append(t.chats, c)
		t.log("hub: opened %s", c.id)
	}
	t.mu.Unlock()
	return c.id, reply(ctx, f)
}

// Send implements livechat.Hub.
func (h hub) Send(ctx context.Context, m livechat.Message) error {
	t := h.talkOf(m.Conversation)
	f, err := h.reach(ctx, t)
	if err != nil {
		t.note("hub: line %q met fault %d", m.Text, f)
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.chatByID(m.Conversation)
	switch {
	case c.known[m.Key]:
	case c.ended == "us":
		t.wrong("R9: %q reached %s after we had ended it", m.Text, c.id)
		return hubError(refuse)
	case c.ended != "":
		return hubError(refuse)
	default:
		c.known[m.Key] = true
		if m.Sender == "Liaison" {
			c.notices++
		} else {
			c.lines = append(c.lines, m.Text)
		}
		t.log("hub: %s: %s", c.id, m.Text)
	}
	if f == lost || f == belated {
		t.mu.Unlock()
		defer t.mu.Lock()
		return reply(ctx, f)
	}
	return nil
}

// End implements livechat.Hub.
func (h hub) End(ctx context.Context, e livechat.Ending) error {
	t := h.talkOf(e.Conversation)
	if t == nil {
		t = h.talkByKey(e.Key)
	}
	if t == nil { // the opening never arrived: its key opens nothing from now on
		h.bury(e.Key)
		return nil
	}
	f, err := h.reach(ctx, t)
	if err != nil {
		t.note("hub: end met fault %d", f)
		return err
	}
	t.mu.Lock()
	c := t.chatByKey(e.Key)
	if e.Conversation != "" {
		c = t.chatByID(e.Conversation)
	}
	if c.ended == "" {
		c.ended = "us"
		if c.over == 0 {
			c.over = t.tick()
		}
		t.log("hub: %s was ended by us (%s)", c.id, e.Reason)
	}
	t.mu.Unlock()
	return reply(ctx, f)
}

// Conversations implements livechat.Census.
func (h hub) Conversations(context.Context) ([]livechat.Standing, error) {
	if h.by.cut.Load() {
		return nil, errCut
	}
	var all []livechat.Standing
	for _, t := range h.talks {
		t.mu.Lock()
		for _, c := range t.chats {
			if c.ended == "" {
				all = append(all, livechat.Standing{Conversation: c.id, Key: c.key})
			}
		}
		t.mu.Unlock()
	}
	return all, nil
}

// Status implements livechat.Census.
func (h hub) Status(_ context.Context, id livechat.ConversationID) (livechat.Standing, error) {
	t := h.talkOf(id)
	if h.by.cut.Load() || t == nil {
		return livechat.Standing{}, hubError(refuse)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.chatByID(id)
	return livechat.Standing{Conversation: c.id, Key: c.key, Ended: c.ended != ""}, nil
}

// talkOf is the talk a hub conversation belongs to, or nil.
func (w *world) talkOf(id livechat.ConversationID) *talk {
	name, _, _ := strings.Cut(string(id), "/")
	return w.talks[name]
}

// talkByKey is the talk whose chat an opening's key made, or nil.
func (w *world) talkByKey(key string) *talk {
	for _, t := range w.talks {
		t.mu.Lock()
		c := t.chatByKey(key)
		t.mu.Unlock()
		if c != nil {
			return t
		}
	}
	return nil
}

func (w *world) bury(key string) {
	for _, t := range w.talks {
		t.mu.Lock()
		t.dead[key] = true
		t.mu.Unlock()
	}
}
