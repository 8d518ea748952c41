package contoso

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/liaison-skill/liaison/livechat"
)

var (
	_ livechat.Canvas       = (*Adapter)(nil)
	_ livechat.CanvasReader = (*Adapter)(nil)
	_ livechat.BotTyping    = (*Adapter)(nil)
	_ livechat.Chooses      = (*Adapter)(nil)
)

// maxChoices is how many quick replies the hub takes.
const maxChoices = 20

// MaxChoices implements [livechat.Chooses].
func (a *Adapter) MaxChoices() int { return maxChoices }

// Show implements [livechat.Canvas].
func (a *Adapter) Show(ctx context.Context, m livechat.BotMessage) error {
	in := struct {
		ConversationID livechat.ConversationID `json:"conversationId"`
		Message        string                  `json:"message"`
		Sender         string                  `json:"sender,omitempty"`
		Format         livechat.Format         `json:"format,omitempty"`
		Choices        []livechat.Choice       `json:"choices,omitempty"`
	}{m.Conversation, m.Text, m.Sender, m.Format, m.Choices}
	if in.Format != livechat.Markdown {
		in.Format = livechat.Plain // what the hub cannot draw is read as it is written
	}
	if err := a.call(ctx, "/api/chat/bot/say", m.Key, in, nil); err != nil {
		return fmt.Errorf("show copilot's words: %w", err)
	}
	return nil
}

// ShowTyping implements [livechat.BotTyping].
func (a *Adapter) ShowTyping(ctx context.Context, c livechat.ConversationID) error {
	in := map[string]livechat.ConversationID{"conversationId": c}
	if err := a.call(ctx, "/api/chat/bot/typing", "", in, nil); err != nil {
		return fmt.Errorf("show that copilot is typing: %w", err)
	}
	return nil
}

// Pass implements [livechat.Canvas].
func (a *Adapter) Pass(ctx context.Context, p livechat.Passing) error {
	in := struct {
		ConversationID livechat.ConversationID `json:"conversationId"`
		Problem        string                  `json:"problem,omitempty"`
		Summary        string                  `json:"summary,omitempty"`
		Note           string                  `json:"note,omitempty"`
		Queue          string                  `json:"queue,omitempty"`
		Skills         []string                `json:"skills,omitempty"`
		Language       string                  `json:"language,omitempty"`
		Variables      map[string]string       `json:"variables,omitempty"`
		Transcript     []livechat.Line         `json:"transcript,omitempty"`
	}{p.Conversation, p.Problem, p.Summary, p.Note, p.Queue, p.Skills, p.Language, p.Variables, p.Transcript}
	if err := a.call(ctx, "/api/chat/bot/pass", p.Key, in, nil); err != nil {
		return fmt.Errorf("pass control to people: %w", err)
	}
	return nil
}

// Finish implements [livechat.Canvas]. It needs no key: twice is no change.
func (a *Adapter) Finish(ctx context.Context, c livechat.ConversationID, key string) error {
	in := map[string]livechat.ConversationID{"conversationId": c}
	if err := a.call(ctx, "/api/chat/bot/end", key, in, nil); err != nil {
		return fmt.Errorf("finish conversation: %w", err)
	}
	return nil
}

// ParseCanvas implements [livechat.CanvasReader]. Member names are matched without
// regard to case; an event of another kind says nothing to us.
func (a *Adapter) ParseCanvas(body []byte) ([]livechat.CanvasEvent, error) {
	var in struct {
		Event, ID, ConversationID, Message, Value, Reason, Summary string
		User                                                       livechat.User
		Pending                                                    []string
		Timestamp                                                  json.RawMessage // any form: only a hint
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, &livechat.InvalidError{Want: "expected a JSON object with event and conversationId"}
	}
	e := livechat.CanvasEvent{
		Kind: livechat.CanvasKind(strings.ToLower(in.Event)), ID: clean(in.ID),
		Conversation: livechat.ConversationID(clean(in.ConversationID)), User: cleanUser(in.User),
	}
	_ = json.Unmarshal(in.Timestamp, &e.At)
	if e.Conversation == "" {
		return nil, &livechat.InvalidError{Field: "conversationId", Want: "required"}
	}
	switch e.Kind {
	case livechat.CanvasOpened, livechat.CanvasTyping:
	case livechat.CanvasAsked:
		e.Text, e.Value = clean(in.Message), clean(in.Value)
		if strings.TrimSpace(e.Text) == "" {
			return nil, &livechat.InvalidError{Field: "message", Want: "must not be empty"}
		}
	case livechat.CanvasReturned:
		for _, text := range in.Pending {
			e.Pending = append(e.Pending, clean(text))
		}
		e.Pending = slices.DeleteFunc(e.Pending, func(text string) bool { return strings.TrimSpace(text) == "" })
		e.Reason, e.Summary = clean(in.Reason), clean(in.Summary)
	case livechat.CanvasEnded:
		e.Reason, e.Summary = clean(in.Reason), clean(in.Summary)
	default:
		return nil, nil
	}
	return []livechat.CanvasEvent{e}, nil
}

func cleanUser(u livechat.User) livechat.User {
	for _, member := range []*string{&u.ID, &u.Name, &u.Email, &u.Locale, &u.TimeZone, &u.Client} {
		*member = clean(*member)
	}
	return u
}
