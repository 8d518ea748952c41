package sandbox

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liaison-skill/liaison/activity"
)

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
	over := make(chan struct{})
	defer close(over)
	var before chan struct{}
	line := Line{ID: u.s.newID(), Author: ByUser, Text: text, Format: activity.FormatPlain, At: time.Now().UTC()}
	u.s.update(func() {
		before, u.p.lastTurn = u.p.lastTurn, over
		u.s.post(u.p, event{Line: &line})
	})
	if before != nil {
		<-before // each turn is bounded by the patience of the copilot
	}
	if err := u.s.turn(ctx, u.p, said{text: text, id: line.ID}); err != nil {
		return fmt.Errorf("say: %w", err)
	}
	return nil
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
