package skill

import (
	"context"
	"errors"
	"slices"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/texts"
)

// ownChat reports whether Teams itself called, for our own bot: no copilot speaks
// for us there.
func ownChat(t bridge.Turn, caller auth.Caller) bool {
	return caller.Kind == auth.Channel && t.Channel == activity.ChannelTeams
}

// own takes what is different in our own bot's chat and reports whether that was
// all there is to do.
func (h *Handler) own(ctx context.Context, a activity.Activity, t bridge.Turn) (done bool, err error) {
	switch {
	case a.Type == activity.TypeMessage && shared(a):
		return true, h.Bridge.Tell(ctx, t, texts.HandoffGroup())
	case a.Type == activity.TypeMessage:
		return true, h.converse(ctx, t)
	case arrives(a):
		if shared(a) {
			return true, nil
		}
		return true, h.Bridge.Welcome(ctx, t)
	}
	return false, nil
}

// converse passes the user's words on, or offers a person when there is none.
func (h *Handler) converse(ctx context.Context, t bridge.Turn) error {
	if t.Text == "" && t.Press == nil && len(t.Files) == 0 {
		return nil // nothing was said
	}
	_, err := h.pass(ctx, t)
	switch {
	case !errors.Is(err, bridge.ErrNotEscalated):
		return err
	case h.Bridge.WantsPerson(t):
		_, err := h.Bridge.Start(ctx, t)
		return err
	}
	return h.Bridge.Offer(ctx, t, texts.HandoffHelp())
}

// shared reports whether more people than one are there.
func shared(a activity.Activity) bool {
	kind := a.Conversation.ConversationType
	return a.Conversation.IsGroup || kind == activity.ConversationGroup || kind == activity.ConversationChannel
}

// arrives reports whether the bot has just come into the chat. Teams tells it twice.
func arrives(a activity.Activity) bool {
	switch a.Type {
	case activity.TypeInstallationUpdate:
		return a.Action == activity.ActionAdd
	case activity.TypeConversationUpdate:
		return slices.ContainsFunc(a.MembersAdded, func(m activity.Account) bool { return m.ID == a.Recipient.ID })
	}
	return false
}
