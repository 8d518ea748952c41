package sandbox

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/liaison-skill/liaison/activity"
)

// Errors of what a client would not offer.
var (
	errNotOwn   = errors.New("only a line of one's own can be changed")
	errNotThere = errors.New("the line is not in the chat")
)

// Edit replaces the text of a line of the user's own. The skill learns of it while
// it has the conversation, and unless the switches keep such events from it.
func (u User) Edit(ctx context.Context, line, text string) error {
	return u.rewrite(ctx, line, typeMessageUpdate, "editMessage", func(l *Line) { l.Text, l.Edited = text, true })
}

// Delete deletes a line of the user's own.
func (u User) Delete(ctx context.Context, line string) error {
	return u.rewrite(ctx, line, typeMessageDelete, "softDeleteMessage", func(l *Line) {
		u.p.removed[l.ID] = *l
		l.Text, l.Files, l.Deleted = "", nil, true
	})
}

// Undelete brings back a line the user deleted.
func (u User) Undelete(ctx context.Context, line string) error {
	return u.rewrite(ctx, line, typeMessageUpdate, "undeleteMessage", func(l *Line) {
		if before, ok := u.p.removed[l.ID]; ok {
			*l = before
		}
	})
}

// rewrite changes a line and tells of it. The activity bears the id of the line.
func (u User) rewrite(ctx context.Context, id, kind, eventType string, change func(*Line)) error {
	a := u.s.toSkill(u.p, kind)
	a.ID = id
	a.tell(func(d *channelData) { d.EventType = eventType })
	refused := errNotOwn
	err := u.inTurn(func() {
		i := u.p.lineIndex(id)
		if i < 0 || u.p.lines[i].Author != ByUser || u.p.lines[i].Deleted != (eventType == "undeleteMessage") {
			return
		}
		refused = nil
		line := u.p.lines[i]
		change(&line)
		if kind == typeMessageUpdate {
			a.Text, a.TextFormat = line.Text, activity.FormatPlain
		}
		u.s.post(u.p, event{Line: &line})
	}, func() error { return errors.Join(refused, u.s.pass(ctx, u.p, a, refused == nil)) })
	return explain(eventType, err)
}

// React puts an emoji on a line, like "like" or "heart", or takes it off again.
func (u User) React(ctx context.Context, id, emoji string, on bool) error {
	a := u.s.toSkill(u.p, typeMessageReaction)
	a.ReplyToID = id
	if on {
		a.ReactionsAdded = []reaction{{emoji}}
	} else {
		a.ReactionsRemoved = []reaction{{emoji}}
	}
	refused := errNotThere
	err := u.inTurn(func() {
		i := u.p.lineIndex(id)
		if i < 0 || slices.Contains(u.p.lines[i].Reactions, emoji) == on {
			return
		}
		refused = nil
		line := u.p.lines[i]
		line.Reactions = slices.DeleteFunc(slices.Clone(line.Reactions), func(one string) bool { return one == emoji })
		if on {
			line.Reactions = append(line.Reactions, emoji)
		}
		u.s.post(u.p, event{Line: &line})
	}, func() error { return errors.Join(refused, u.s.pass(ctx, u.p, a, refused == nil)) })
	return explain("react", err)
}

// Type shows the bot that the user is typing.
func (u User) Type(ctx context.Context) error {
	a := u.s.toSkill(u.p, activity.TypeTyping)
	return explain("type", u.s.pass(ctx, u.p, a, u.p.bot == "" && !u.s.Switches().DropTyping))
}

// Uninstall removes the copilot's app from the user's Teams.
func (u User) Uninstall(ctx context.Context) error {
	a := u.s.toSkill(u.p, activity.TypeInstallationUpdate)
	a.Action = "remove"
	err := u.inTurn(func() { u.s.post(u.p, event{App: Removed}) }, func() error { return u.s.pass(ctx, u.p, a, true) })
	return explain("uninstall", err)
}

// Install brings the app back after Uninstall: the bot is added to the chat.
func (u User) Install(ctx context.Context) error {
	u.s.update(func() { u.s.post(u.p, event{App: Installed}) })
	joined := u.s.toSkill(u.p, typeConversationUpdate)
	joined.MembersAdded = []activity.Account{u.s.botOf(u.p)}
	added := u.s.toSkill(u.p, activity.TypeInstallationUpdate)
	added.Action = "add"
	err := u.inTurn(func() {}, func() error {
		return errors.Join(u.s.pass(ctx, u.p, joined, true), u.s.pass(ctx, u.p, added, true))
	})
	return explain("install", err)
}

// Block blocks the bot, or ends that. Nobody is told: the bot sees its next
// message refused.
func (u User) Block(on bool) {
	app := Installed
	if on {
		app = Blocked
	}
	u.s.update(func() { u.s.post(u.p, event{App: app}) })
}

// Cancel makes the host cancel its dialog, as when a topic is replaced or the
// conversation starts over: the skill is sent an endOfConversation.
func (u User) Cancel(ctx context.Context) error {
	err := u.inTurn(func() {}, func() error {
		before := u.s.dialogOf(u.p)
		if before.Phase != phaseActive {
			return nil
		}
		a := u.s.toSkill(u.p, activity.TypeEndOfConversation)
		u.s.asHost(u.p, &a)
		u.s.move(u.p, func(d *dialog) {
			delete(u.s.bySkill, d.SkillConversation)
			*d = dialog{Phase: phaseIdle}
		})
		u.s.copilotSays(u.p, Back)
		return u.s.call(ctx, u.p, a)
	})
	return explain("cancel", err)
}

// pass hands an event to the skill when it has the conversation, or to the bot whose
// chat it is. Nobody else cares.
func (s *Sandbox) pass(ctx context.Context, p *person, a incoming, on bool) error {
	if p.bot == "" {
		on = on && (a.Type == activity.TypeTyping || !s.Switches().DropEvents) && s.dialogOf(p).Phase == phaseActive
	}
	if !on {
		return nil
	}
	s.asHost(p, &a)
	return s.call(ctx, p, a)
}

func explain(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
