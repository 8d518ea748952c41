package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"

	"github.com/liaison-skill/liaison/activity"
)

// maxLink is the longest deep link Teams follows
// (https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/bot-copilot-handoff).
const maxLink = 2048

// errNotInstalled is why Teams leads to its Store instead.
var errNotInstalled = errors.New("the link's bot is not installed for the user")

// Follow opens a deep link into the chat with a bot, as the button of a card does:
// Teams opens the chat and gives the bot the link's token. It blocks until the bot
// has answered; what the user reads comes into the chat of [User.Bot].
func (u User) Follow(ctx context.Context, link string) error {
	token, err := u.continuation(link)
	if err != nil {
		return fmt.Errorf("follow link: %w", err)
	}
	own := u.p.own
	a := u.s.fromTeams(own, activity.TypeInvoke)
	a.ID = "f:" + rand.Text()
	a.Name = "handoff/action"
	a.ReplyToID = u.s.newID()
	a.tell(func(d *channelData) { d.Source = &dataSource{"message"} })
	a.Value = encode(map[string]string{"continuation": token})
	return u.Bot().inTurn(func() {}, func() error {
		_, err := u.s.invokeBot(ctx, own, a, u.s.cfg.Patience)
		return err
	})
}

// continuation returns the token of a link to the service's own bot.
func (u User) continuation(link string) (string, error) {
	to, err := url.Parse(link)
	if err != nil {
		return "", errors.New("it is no URL") // err would quote it
	}
	q := to.Query()
	token := q.Get("continuation")
	switch {
	case len(link) > maxLink:
		return "", fmt.Errorf("it is longer than %d characters", maxLink)
	case to.Scheme != "https" || to.Host != "teams.microsoft.com" || to.Path != "/l/chat/0/0" || token == "":
		return "", errors.New("it is no deep link with a continuation")
	case u.p.own == nil || q.Get("users") != u.s.botOf(u.p.own).ID:
		return "", errNotInstalled
	}
	return token, nil
}
