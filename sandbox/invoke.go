package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/liaison-skill/liaison/activity"
)

// An Invoke is a call by Teams that wants an answer at once.
type Invoke struct {
	Name   string
	Value  json.RawMessage
	Status int // of the bot's answer; Copilot Studio's is always 200
}

// SetBotURL says which bot's messages endpoint gets the invokes of Teams in chats with
// the copilot. They go to Copilot Studio, which ends them there, until a bot has been
// named.
func (s *Sandbox) SetBotURL(url string) {
	s.update(func() { s.bot = url })
}

// Invokes returns the invokes of Teams, oldest first.
func (s *Sandbox) Invokes() []Invoke {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.invokes)
}

// invoke calls the bot endpoint in a chat. An invoke passes no skill's host: a skill
// never sees it.
func (s *Sandbox) invoke(ctx context.Context, p *person, name, replyTo string, value any) error {
	a := s.fromTeams(p, activity.TypeInvoke)
	a.Name, a.Value, a.ReplyToID = name, encode(value), replyTo
	_, err := s.invokeBot(ctx, p, a, s.cfg.Patience)
	return err
}

// invokeBot calls the endpoint of p's bot as the Bot Connector does and returns the
// body of the answer.
func (s *Sandbox) invokeBot(ctx context.Context, p *person, a incoming, patience time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	endpoint := s.skillURL()
	if p.bot == "" {
		endpoint = s.botURL()
	}
	status, body := http.StatusOK, []byte(nil)
	token, err := s.Mint(Token{Kind: ChannelCall, Claims: map[string]any{"aud": s.appOf(p)}})
	if err == nil && endpoint != "" {
		status, body, err = s.postTo(ctx, endpoint, a, token)
	}
	s.update(func() { s.invokes = latest(append(s.invokes, Invoke{a.Name, a.Value, status})) })
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("the bot answered with status %d", status)
	}
	if err != nil {
		return nil, fmt.Errorf("invoke %s: %w", a.Name, err)
	}
	return body, nil
}

func (s *Sandbox) botURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bot
}
