package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox/card"
)

// The buttons of a file consent card, beside those of other cards.
const (
	allow   card.Kind = "allow"
	decline card.Kind = "decline"
)

// Press presses the button of a title on a card of a line, or one of its
// suggested actions, with the card's inputs filled in by their ids. It blocks as
// [User.Say] does. Pressing a link sends nothing.
func (u User) Press(ctx context.Context, line, title string, inputs map[string]string) error {
	on, a, err := u.button(line, title)
	if err != nil {
		return fmt.Errorf("press %q: %w", title, err)
	}
	if a.Kind == allow || a.Kind == decline {
		return u.consent(ctx, line, a)
	}
	press, err := on.Press(a, inputs)
	if err != nil || press.URL != "" {
		return err
	}
	out := said{text: press.Text, id: u.s.newID(), value: press.Value, submitted: a.Kind != card.IMBack}
	if out.submitted {
		out.replyTo = line
	}
	return u.inTurn(func() {
		u.pressed(line, title, a.Kind)
		if press.Shown != "" {
			shown := Line{ID: out.id, Author: ByUser, Text: press.Shown, Format: activity.FormatPlain, At: time.Now().UTC()}
			u.s.post(u.p, event{Line: &shown})
		}
	}, func() error { return u.s.turn(ctx, u.p, out) })
}

// pressed marks a card whose button sent something. It is called inside update.
func (u User) pressed(id, title string, kind card.Kind) {
	if i := u.p.lineIndex(id); i >= 0 && kind != card.IMBack {
		line := u.p.lines[i]
		line.Pressed = title
		u.s.post(u.p, event{Line: &line})
	}
}

// button finds a button and the card it is on. Suggested actions are on none.
func (u User) button(id, title string) (card.Card, card.Action, error) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	i := u.p.lineIndex(id)
	if i < 0 {
		return card.Card{}, card.Action{}, fmt.Errorf("line %q is not in the chat", id)
	}
	titled := func(a card.Action) bool { return a.Title == title }
	for _, c := range u.p.lines[i].Cards {
		if n := slices.IndexFunc(c.Actions(), titled); n >= 0 {
			return c, c.Actions()[n], nil
		}
	}
	if n := slices.IndexFunc(u.p.lines[i].Suggested, titled); n >= 0 {
		return card.Card{}, u.p.lines[i].Suggested[n], nil
	}
	return card.Card{}, card.Action{}, fmt.Errorf("line %q has no such button", id)
}

// consent answers a file consent card: the bot, not whoever has the
// conversation, learns of it.
func (u User) consent(ctx context.Context, line string, a card.Action) error {
	var ask consent
	if err := json.Unmarshal(a.Value, &ask); err != nil {
		return fmt.Errorf("read file consent card: %w", err)
	}
	value := map[string]any{"type": "fileUpload", "action": "decline", "context": ask.DeclineContext}
	if a.Kind == allow {
		value["action"], value["context"], value["uploadInfo"] = "accept", ask.AcceptContext, u.s.newUpload(u.p, ask)
	}
	return u.inTurn(func() { u.pressed(line, a.Title, a.Kind) }, func() error {
		return u.s.invoke(ctx, u.p, "fileConsent/invoke", line, value)
	})
}
