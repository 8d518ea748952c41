package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/liaison-skill/liaison/activity"
)

// errNoApp is why a user cannot write to the copilot.
var errNoApp = errors.New("the copilot's app is removed or blocked")

// A User is a person in Teams for a test to play.
type User struct {
	s *Sandbox
	p *person
}

// User returns the user of a name, or of a first name. A name nobody has makes a
// new user with a conversation of their own.
func (s *Sandbox) User(name string) User { return User{s, s.person(name)} }

// Conversation returns the id of the user's chat in Teams.
func (u User) Conversation() activity.ConversationID { return u.p.conversation }

// ID returns the user's id in Teams.
func (u User) ID() string { return u.p.id }

// ExpectReplies makes the copilot ask for answers in the response, or not, in
// this user's turns.
func (u User) ExpectReplies(on bool) {
	u.s.update(func() { u.p.inline = &on })
}

// Say writes text into the chat and blocks until the copilot is done with it.
// Turns of one user run one after the other. The error says why the copilot
// apologised; the user sees only that it did.
func (u User) Say(ctx context.Context, text string) error {
	if _, err := u.Send(ctx, Message{Text: text}); err != nil {
		return fmt.Errorf("say: %w", err)
	}
	return nil
}

// inTurn changes the chat at once, and runs f when the user's earlier turns are
// over.
func (u User) inTurn(change func(), f func() error) error {
	over := make(chan struct{})
	defer close(over)
	var before chan struct{}
	var app App
	u.s.update(func() {
		if app = u.p.app; app != Installed {
			return
		}
		before, u.p.lastTurn = u.p.lastTurn, over
		change()
	})
	if app != Installed {
		return errNoApp
	}
	if before != nil {
		<-before // each turn is bounded by the patience of the copilot
	}
	return f()
}

// Lines returns the chat, oldest line first.
func (u User) Lines() []Line {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	return slices.Clone(u.p.lines)
}

// Holder returns who has the conversation.
func (u User) Holder() Holder {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	return u.p.holder
}

// Outputs returns what the skill's latest endOfConversation gave the copilot.
func (u User) Outputs() json.RawMessage {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	return u.p.outputs
}

// Wait blocks until done reports true of the chat, or ctx ends.
func (u User) Wait(ctx context.Context, done func([]Line) bool) error {
	if err := u.s.await(ctx, func() bool { return done(u.p.lines) }); err != nil {
		return fmt.Errorf("wait for %s's chat: %w", u.p.name, err)
	}
	return nil
}

// WaitHolder blocks until h has the conversation, or ctx ends.
func (u User) WaitHolder(ctx context.Context, h Holder) error {
	if err := u.s.await(ctx, func() bool { return u.p.holder == h }); err != nil {
		return fmt.Errorf("wait until %s is with %s: %w", u.p.name, h, err)
	}
	return nil
}
