package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/liaison-skill/liaison/activity"
)

// An Invoke is a call by Teams that wants an answer at once.
type Invoke struct {
	Name   string
	Value  json.RawMessage
	Status int // of the bot's answer; Copilot Studio's is always 200
}

// SetBotURL says which bot's messages endpoint gets the invokes of Teams. They go
// to Copilot Studio, which ends them there, until a bot has been named.
func (s *Sandbox) SetBotURL(url string) {
	s.update(func() { s.bot = url })
}

// Invokes returns the invokes of Teams, oldest first.
func (s *Sandbox) Invokes() []Invoke {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.invokes)
}

// invoke calls the bot endpoint. An invoke passes no skill's host: a skill never
// sees it.
func (s *Sandbox) invoke(ctx context.Context, p *person, name, replyTo string, value any) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Patience)
	defer cancel()
	a := s.fromTeams(p, activity.TypeInvoke)
	a.Name, a.Value, a.ReplyToID = name, encode(value), replyTo
	s.mu.Lock()
	bot := s.bot
	s.mu.Unlock()
	status := http.StatusOK
	var err error
	if bot != "" {
		status, err = s.callBot(ctx, bot, a)
	}
	s.update(func() { s.invokes = latest(append(s.invokes, Invoke{name, a.Value, status})) })
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("the bot answered with status %d", status)
	}
	if err != nil {
		return fmt.Errorf("invoke %s: %w", name, err)
	}
	return nil
}

// callBot posts a to a bot as the Bot Connector does.
func (s *Sandbox) callBot(ctx context.Context, endpoint string, a incoming) (int, error) {
	token, err := s.Mint(Token{Kind: ChannelCall, Claims: map[string]any{"aud": s.cfg.CopilotAppID}})
	if err != nil {
		return 0, err
	}
	status, _, err := s.postTo(ctx, endpoint, a, token)
	return status, err
}
