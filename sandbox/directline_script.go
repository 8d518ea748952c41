package sandbox

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/liaison-skill/liaison/activity"
)

// A Direct is the Direct Line service as a test has it in hand. What a [Fault] can
// do, the legs [CopilotTokens], [DirectLine] and [DirectLineStream] do; the rest
// is here.
type Direct struct{ d *directLine }

// Direct returns the Direct Line service.
func (s *Sandbox) Direct() Direct { return Direct{s.direct} }

// TokenURL is Copilot Studio's endpoint for tokens of this copilot.
func (c Direct) TokenURL() string {
	return c.d.base + "/powervirtualagents/botsbyschema/contoso_copilot/directline/token?api-version=2022-03-01-preview"
}

// BaseURL is the service without Copilot Studio before it, for who has the
// secret.
func (c Direct) BaseURL() string { return c.d.base + "/directline/" }

// Secret is the secret of the copilot's Direct Line channel.
func (c Direct) Secret() string { return c.d.secret }

// SetTokenLife says how long tokens are good that are issued from now on. It is
// told in whole seconds.
func (c Direct) SetTokenLife(life time.Duration) { c.do(func() { c.d.life = life }) }

// SetSecured makes the endpoint of Copilot Studio refuse everybody, or nobody.
func (c Direct) SetSecured(on bool) { c.do(func() { c.d.secured = on }) }

// SetHandoff chooses the form of handoff.initiate.
func (c Direct) SetHandoff(form HandoffForm) { c.do(func() { c.d.form = form }) }

// SetAnswer puts answer in the copilot's place. It must not call a Direct.
func (c Direct) SetAnswer(answer func(activity.Activity) []activity.Activity) {
	c.do(func() { c.d.script = answer })
}

// Conversations returns the ids of all conversations, oldest first.
func (c Direct) Conversations() []activity.ConversationID {
	var all []activity.ConversationID
	c.do(func() {
		for _, id := range c.d.order {
			all = append(all, activity.ConversationID(id))
		}
	})
	return all
}

// Log returns what both sides said in a conversation.
func (c Direct) Log(id activity.ConversationID) []activity.Activity {
	var all []activity.Activity
	c.in(id, func(t *talk) {
		for _, a := range t.log {
			all = append(all, a.Activity)
		}
	})
	return all
}

// Say makes the copilot say something unasked.
func (c Direct) Say(id activity.ConversationID, a activity.Activity) {
	c.in(id, func(t *talk) { c.d.say(t, "", a) })
}

// ExpireTokens ends all tokens of a conversation.
func (c Direct) ExpireTokens(id activity.ConversationID) {
	c.do(func() {
		for _, t := range c.d.tokens {
			if t.talk == string(id) {
				t.expires = time.Time{}
			}
		}
	})
}

// Forget makes a conversation unknown.
func (c Direct) Forget(id activity.ConversationID) {
	c.in(id, func(t *talk) {
		t.drop()
		delete(c.d.talks, t.id)
		c.d.gone[t.id] = true
	})
}

// DropStream breaks the stream of a conversation.
func (c Direct) DropStream(id activity.ConversationID) { c.in(id, (*talk).drop) }

func (t *talk) drop() {
	if t.tap != nil {
		t.tap.drop = true
		t.wake()
	}
}

// HushStream makes the stream of a conversation carry nothing any more, as one does
// whose network has forgotten it. It stays open.
func (c Direct) HushStream(id activity.ConversationID) {
	c.in(id, func(t *talk) {
		if t.tap != nil {
			t.tap.hush = true
		}
	})
}

// KeepAlive sends an empty frame.
func (c Direct) KeepAlive(id activity.ConversationID) {
	c.in(id, func(t *talk) { t.push([]byte{}) })
}

// Push sends a frame as it is.
func (c Direct) Push(id activity.ConversationID, frame []byte) {
	c.in(id, func(t *talk) { t.push(slices.Clone(frame)) })
}

// Repeat sends the latest n activities again, with the watermark they once had.
func (c Direct) Repeat(id activity.ConversationID, n int) {
	c.in(id, func(t *talk) {
		from := max(0, len(t.log)-n)
		t.push(encode(activitySet{Activities: t.log[from:], Watermark: strconv.Itoa(from)}))
	})
}

// Streams returns how many streams are open.
func (c Direct) Streams() int {
	open := 0
	c.do(func() {
		for _, t := range c.d.talks {
			if t.tap != nil {
				open++
			}
		}
	})
	return open
}

// Collisions returns how many streams of a conversation came on top of another.
func (c Direct) Collisions(id activity.ConversationID) int {
	n := 0
	c.in(id, func(t *talk) { n = t.refused })
	return n
}

// WaitStream blocks until a conversation has a stream, or has none. It ends with
// ctx.
func (c Direct) WaitStream(ctx context.Context, id activity.ConversationID, open bool) error {
	return c.wait(ctx, id, func(t *talk) bool { return (t.tap != nil) == open })
}

// WaitLog blocks until n activities were said in a conversation. It ends with ctx.
func (c Direct) WaitLog(ctx context.Context, id activity.ConversationID, n int) error {
	return c.wait(ctx, id, func(t *talk) bool { return len(t.log) >= n })
}

func (c Direct) wait(ctx context.Context, id activity.ConversationID, done func(*talk) bool) error {
	for {
		var ok bool
		var changed <-chan struct{}
		c.in(id, func(t *talk) { ok, changed = done(t), t.changed })
		switch {
		case ok:
			return nil
		case changed == nil:
			return fmt.Errorf("conversation %s is not known", id)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for conversation %s: %w", id, ctx.Err())
		}
	}
}

func (c Direct) do(f func()) {
	c.d.mu.Lock()
	defer c.d.mu.Unlock()
	f()
}

// in does nothing when the conversation is not known.
func (c Direct) in(id activity.ConversationID, f func(*talk)) {
	c.do(func() {
		if t := c.d.talks[string(id)]; t != nil {
			f(t)
		}
	})
}
