package sandbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/activity"
)

// Limits of a manifest when a skill is added
// (https://learn.microsoft.com/azure/bot-service/skill-pva).
const (
	manifestTimeout = 10 * time.Second
	maxManifest     = 500 << 10
)

// maxAnswer bounds what is read of the skill's answer.
const maxAnswer = 1 << 20

// message is a message action: the user's words, with inputs on the first.
func (s *Sandbox) message(p *person, u said, in json.RawMessage) incoming {
	a := s.toSkill(p, activity.TypeMessage)
	a.ID, a.ReplyToID = u.id, u.replyTo
	a.Text, a.TextFormat, a.Value = u.text, activity.FormatPlain, u.value
	if len(in) > 0 {
		a.Value = in
	}
	if p.bot != "" || !s.Switches().DropFiles {
		a.Attachments = u.attachments
	}
	a.Entities = append(a.Entities, u.mentions...)
	if u.submitted {
		a.tell(func(d *channelData) { d.Source = &dataSource{"message"} })
	}
	s.asHost(p, &a)
	return a
}

// event is an event action.
func (s *Sandbox) event(p *person, name string, value json.RawMessage) incoming {
	a := s.toSkill(p, activity.TypeEvent)
	a.Name, a.Value = name, value
	s.asHost(p, &a)
	return a
}

// toSkill is an activity of p's as Copilot Studio passes it on, or, in the chat of the
// service's own bot, as Teams does.
func (s *Sandbox) toSkill(p *person, kind string) incoming {
	a := s.fromTeams(p, kind)
	if p.bot != "" {
		return a
	}
	a.ServiceURL = s.hostURL()
	a.Recipient.ID = ""
	return a
}

// asHost adds what depends on the host, once the activity is written.
func (s *Sandbox) asHost(p *person, a *incoming) {
	if p.bot != "" {
		return
	}
	if s.expectsReplies(p) {
		a.DeliveryMode = activity.DeliveryExpectReplies
	}
	if s.cfg.Style == StyleBotFramework {
		s.botFramework(p, a)
	}
}

// botFramework writes a call as hosts on the Bot Framework SDK do: seen on the
// wire of its version for JavaScript, 4.23.
func (s *Sandbox) botFramework(p *person, a *incoming) {
	channel := a.Conversation
	s.move(p, func(d *dialog) {
		if d.SkillConversation == "" {
			d.SkillConversation = activity.ConversationID("a:" + rand.Text())
			s.bySkill[d.SkillConversation] = p
		}
		a.Conversation.ID = d.SkillConversation
	})
	a.Recipient = activity.Account{ID: s.botOf(p).ID, Name: "Contoso copilot", Role: "skill"}
	a.From.Role = ""
	a.RelatesTo = &activity.RelatesTo{
		ActivityID: a.ID, ServiceURL: s.connectorURL(), ChannelID: a.ChannelID, Locale: a.Locale, Conversation: channel,
	}
}

func (s *Sandbox) expectsReplies(p *person) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.inline != nil {
		return *p.inline
	}
	return s.cfg.ExpectReplies
}

// call posts an activity to the skill as the copilot, or as Teams itself. What comes in the response
// to expectReplies is taken in before it returns.
func (s *Sandbox) call(ctx context.Context, p *person, a incoming) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Patience)
	defer cancel()
	if a.ExpectsReplies() {
		s.update(func() { p.inlineIDs[a.ID] = true })
	}
	token, err := s.Mint(s.caller(p))
	if err != nil {
		return err
	}
	began := time.Now()
	sent := encode(a)
	status, body, err := s.Post(ctx, sent, token)
	s.update(func() {
		s.record.calls = latest(append(s.record.calls, Call{a.decoded(), sent, status, time.Since(began)}))
	})
	if err != nil {
		return err
	}
	if status/100 != 2 {
		return fmt.Errorf("the skill answered %s with status %d", a.Type, status)
	}
	if a.ExpectsReplies() {
		return s.takeReplies(ctx, p, a, body)
	}
	return nil
}

// takeReplies reads the answer to an activity with expectReplies (rule A3113).
func (s *Sandbox) takeReplies(ctx context.Context, p *person, a incoming, body []byte) error {
	var replies struct {
		Activities []outgoing `json:"activities"`
	}
	if err := json.Unmarshal(body, &replies); err != nil {
		return fmt.Errorf("read expected replies: %w", err)
	}
	if replies.Activities == nil {
		s.violate("expectReplies: activities is missing or null")
	}
	for _, out := range replies.Activities {
		if refusal := s.fromSkill(ctx, p, out, a.ID); refusal != nil {
			return fmt.Errorf("take expected replies: %s: status %d", out.Type, refusal.status)
		}
	}
	return nil
}

// Post sends v to the skill's messages endpoint with a bearer token, or without
// one when token is empty, and returns status and body of the answer.
func (s *Sandbox) Post(ctx context.Context, v any, token string) (status int, body []byte, err error) {
	return s.postTo(ctx, s.skillURL(), v, token)
}

func (s *Sandbox) postTo(ctx context.Context, endpoint string, v any, token string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(encode(v)))
	if err != nil {
		return 0, nil, fmt.Errorf("call skill: %w", err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return s.fetch(req, maxAnswer)
}

// HealthCheck posts the bare endOfConversation that Copilot Studio posts when a
// skill is added, and returns the status of the answer.
func (s *Sandbox) HealthCheck(ctx context.Context) (int, error) {
	token, err := s.Mint(Token{})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Patience)
	defer cancel()
	status, _, err := s.Post(ctx, map[string]string{"type": activity.TypeEndOfConversation}, token)
	return status, err
}

// FetchManifest reads the manifest beside the skill's endpoint within the limits
// Copilot Studio has for it.
func (s *Sandbox) FetchManifest(ctx context.Context) ([]byte, error) {
	target, err := url.Parse(s.skillURL())
	if err != nil {
		return nil, fmt.Errorf("fetch manifest: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, manifestTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.ResolveReference(&url.URL{Path: "/skill-manifest.json"}).String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("fetch manifest: %w", err)
	}
	status, body, err := s.fetch(req, maxManifest+1)
	switch {
	case err != nil:
		return nil, fmt.Errorf("fetch manifest: %w", err)
	case status != http.StatusOK:
		return nil, fmt.Errorf("fetch manifest: status %d", status)
	case len(body) > maxManifest:
		return nil, fmt.Errorf("fetch manifest: larger than %d bytes", maxManifest)
	case !json.Valid(body):
		return nil, fmt.Errorf("fetch manifest: not JSON")
	}
	return body, nil
}

func (s *Sandbox) fetch(req *http.Request, limit int64) (int, []byte, error) {
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("call skill: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit))
	if err != nil {
		return 0, nil, fmt.Errorf("read the skill's answer: %w", err)
	}
	return resp.StatusCode, body, nil
}

func (s *Sandbox) skillURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.TrimSpace(s.skill)
}

// encode marshals what cannot fail to marshal: the types above, and what tests
// make up, whose mistakes the skill will see as an empty body.
func encode(v any) json.RawMessage {
	encoded, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return encoded
}
