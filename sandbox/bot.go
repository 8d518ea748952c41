package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/liaison-skill/liaison/activity"
)

// botName is the service's own bot in Teams.
const botName = "Contoso support"

// newOwn makes p's chat with the service's own bot. To every bot a user has another
// id.
func newOwn(p *person, bot string) *person {
	own := newPerson(p.name)
	own.profile, own.bot = p.profile, bot
	sum := sha256.Sum256([]byte(p.name + bot))
	own.id = "29:1" + hex.EncodeToString(sum[:])[:40]
	return own
}

// Bot returns the same user in the chat with the service's own bot, which a sandbox
// with a BotAppID has. Nobody passes on there what is said: Teams calls the bot.
func (u User) Bot() User { return User{u.s, u.p.own} }

// appOf is the app of the bot that a chat is with.
func (s *Sandbox) appOf(p *person) string {
	if p.bot != "" {
		return p.bot
	}
	return s.cfg.CopilotAppID
}

// botOf is the bot that a chat is with, as Teams knows it.
func (s *Sandbox) botOf(p *person) activity.Account {
	name := "Contoso copilot"
	if p.bot != "" {
		name = botName
	}
	return activity.Account{ID: "28:" + s.appOf(p), Name: name}
}

// caller is whose token comes with what p says.
func (s *Sandbox) caller(p *person) Token {
	if p.bot == "" {
		return Token{}
	}
	return Token{Kind: ChannelCall, Claims: map[string]any{"aud": p.bot}}
}

// isBot reports whether the app is that of a bot with chats.
func (s *Sandbox) isBot(app string) bool {
	return strings.EqualFold(app, s.cfg.CopilotAppID) || s.cfg.BotAppID != "" && strings.EqualFold(app, s.cfg.BotAppID)
}

// replayOwn gives p's chat the conversation it had.
func (s *Sandbox) replayOwn(p *person, entry saved) {
	if entry.Conversation == "" {
		return
	}
	delete(s.byConversation, p.conversation)
	p.conversation = entry.Conversation
	s.byConversation[p.conversation] = p
}
