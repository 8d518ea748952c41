package relay_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/liaison-skill/liaison/livechat"
)

// A refusal is what a hub says no with.
type refusal struct{ status int }

func (r refusal) Error() string     { return http.StatusText(r.status) }
func (r refusal) StatusCode() int   { return r.status }
func (r refusal) Permanent() bool   { return r.status/100 == 4 }
func (r refusal) Unavailable() bool { return r.status/100 == 5 }
func (r refusal) Ambiguous() bool {
	return r.status/100 == 5 && r.status != http.StatusServiceUnavailable
}

// A chat is a hub that owns its chat, as the tests have it in hand. The same key is
// one thing.
type chat struct {
	mu      sync.Mutex
	shown   map[livechat.ConversationID][]livechat.BotMessage
	passes  map[livechat.ConversationID]livechat.Passing
	over    map[livechat.ConversationID]bool
	typing  []time.Time
	repeats int
	refuse  func(what string) error // nil: nothing; "show", "pass", "finish"
	keys    map[string]bool
}

func newChat() *chat {
	return &chat{
		shown:  map[livechat.ConversationID][]livechat.BotMessage{},
		passes: map[livechat.ConversationID]livechat.Passing{},
		over:   map[livechat.ConversationID]bool{}, keys: map[string]bool{},
	}
}

// once reports whether a key is new, after a chance to fail.
func (c *chat) once(what string, id livechat.ConversationID, key string) (bool, error) {
	var err error
	if c.refuse != nil {
		err = c.refuse(what)
	}
	if r, ok := err.(refusal); ok && !r.Ambiguous() { //nolint:errorlint // the rig's own
		return false, err
	}
	k := string(id) + "|" + what + "|" + key
	if c.keys[k] {
		c.repeats++
		return false, err
	}
	c.keys[k] = true
	return true, err
}

// Show implements [livechat.Canvas].
func (c *chat) Show(_ context.Context, m livechat.BotMessage) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, passed := c.passes[m.Conversation]
	if passed || c.over[m.Conversation] {
		return refusal{http.StatusConflict}
	}
	fresh, err := c.once("show", m.Conversation, m.Key)
	if fresh {
		c.shown[m.Conversation] = append(c.shown[m.Conversation], m)
	}
	return err
}

// Pass implements [livechat.Canvas].
func (c *chat) Pass(_ context.Context, p livechat.Passing) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh, err := c.once("pass", p.Conversation, p.Key)
	if fresh {
		c.passes[p.Conversation] = p
	}
	return err
}

// Finish implements [livechat.Canvas].
func (c *chat) Finish(_ context.Context, id livechat.ConversationID, key string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh, err := c.once("finish", id, key)
	if fresh {
		c.over[id] = true
	}
	return err
}

// ShowTyping implements [livechat.BotTyping].
func (c *chat) ShowTyping(context.Context, livechat.ConversationID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.typing = append(c.typing, time.Now())
	return nil
}

// said is what a user was shown.
func (c *chat) said(id livechat.ConversationID) []string {
	var all []string
	for _, m := range c.messages(id) {
		all = append(all, m.Text)
	}
	return all
}

func (c *chat) messages(id livechat.ConversationID) []livechat.BotMessage {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.shown[id])
}

func (c *chat) passed(id livechat.ConversationID) (livechat.Passing, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.passes[id]
	return p, ok
}

func (c *chat) finished(id livechat.ConversationID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.over[id]
}

// do changes the chat.
func (c *chat) do(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// takes is an agent who takes a conversation over.
func (c *chat) takes(id livechat.ConversationID) {
	c.do(func() { c.passes[id] = livechat.Passing{} })
}

// takesBack is the hub's side of a return.
func (c *chat) takesBack(id livechat.ConversationID) {
	c.do(func() { delete(c.passes, id) })
}
