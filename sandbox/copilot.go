package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox/card"
)

// Microsoft 365 Copilot, as far as message extensions are its agents
// (https://learn.microsoft.com/microsoft-365-copilot/extensibility/overview-message-extension-bot).
const (
	queryPatience = 5 * time.Second // then Copilot goes on without the extension
	shownResults  = 4
	askedResults  = 25

	copilotNothing = "I searched with " + botName + " and found nothing. You can ask me for a person."
	copilotFound   = "Here is what I found with " + botName + ":"
	copilotPerson  = "I can't do that myself, but " + botName + " can:"
	copilotAlone   = "I have no agent that could help with that."
)

// errNoExtension is why Copilot cannot ask anybody.
var errNoExtension = errors.New("no app with a message extension is installed")

// An extension is what an app's manifest says of its message extension.
type extension struct {
	BotID    string    `json:"botId"`
	Commands []command `json:"commands"`
}

// A command is one kind of query.
type command struct {
	ID         string `json:"id"`
	Title      string `json:"title"`
	Parameters []struct {
		Name string `json:"name"`
	} `json:"parameters"`
}

// An Answer is what Microsoft 365 Copilot makes of a prompt.
type Answer struct {
	Prompt  string  `json:"prompt"`
	Command string  `json:"command"` // of the message extension, which was asked
	Text    string  `json:"text"`    // Copilot's own words, or the extension's message
	Results []Found `json:"results"`
}

// A Found is one result of a message extension.
type Found struct {
	Title string    `json:"title"` // of the preview
	Text  string    `json:"text"`
	Card  card.Card `json:"card"`
}

// InstallApp gives all users the app of a Teams manifest, whose message extension
// Copilot asks from now on. Its bot must be the sandbox's own.
func (s *Sandbox) InstallApp(manifest []byte) error {
	var app struct {
		ComposeExtensions []extension `json:"composeExtensions"`
	}
	if err := json.Unmarshal(manifest, &app); err != nil {
		return fmt.Errorf("install app: %w", err)
	}
	for _, e := range app.ComposeExtensions {
		if e.BotID != s.cfg.BotAppID || len(e.Commands) == 0 {
			return fmt.Errorf("install app: bot %q is not this sandbox's, or has no commands", e.BotID)
		}
	}
	s.update(func() { s.extensions = app.ComposeExtensions })
	return nil
}

// AskCopilot asks Microsoft 365 Copilot, which asks the message extension: for a
// person when the prompt wants one, else for what the prompt is about. The error
// says why the extension was of no use; the user hears that in other words.
func (u User) AskCopilot(ctx context.Context, prompt string) (Answer, error) {
	answer, err := u.askExtension(ctx, prompt)
	answer.Prompt = prompt
	if err != nil {
		answer.Text, answer.Results, err = copilotAlone, nil, fmt.Errorf("ask Copilot: %w", err)
	}
	u.s.update(func() { u.p.copilot = latest(append(u.p.copilot, answer)) })
	return answer, err
}

// CopilotChat returns what was asked of Copilot, oldest first.
func (u User) CopilotChat() []Answer {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	return slices.Clone(u.p.copilot)
}

// ClearCopilot begins a new chat with Copilot.
func (u User) ClearCopilot() { u.s.update(func() { u.p.copilot = nil }) }

func (u User) askExtension(ctx context.Context, prompt string) (Answer, error) {
	cmd, asked, err := u.understand(prompt)
	if err != nil {
		return Answer{}, err
	}
	a := u.s.fromTeams(u.p.own, activity.TypeInvoke)
	a.Name = "composeExtension/query"
	a.Conversation.ID = activity.ConversationID("19:copilot-" + u.Profile().ObjectID + "@unq.gbl.spaces") // no bot is in it
	a.tell(func(d *channelData) { d.Source = &dataSource{"copilot"} })
	a.Value = encode(map[string]any{
		"commandId":    cmd.ID,
		"parameters":   []map[string]string{{"name": cmd.Parameters[0].Name, "value": asked}},
		"queryOptions": map[string]int{"skip": 0, "count": askedResults},
	})
	body, err := u.s.invokeBot(ctx, u.p.own, a, queryPatience)
	if err != nil {
		return Answer{Command: cmd.ID}, err
	}
	answer, err := u.s.readAnswer(body)
	answer.Command = cmd.ID
	switch {
	case err != nil || answer.Text != "":
	case topicOf(cmd.Title) == topicEscalate:
		answer.Text = copilotPerson
	case len(answer.Results) == 0:
		answer.Text = copilotNothing
	default:
		answer.Text = copilotFound
	}
	return answer, err
}

// readAnswer reads what answers a query
// (https://learn.microsoft.com/microsoftteams/platform/messaging-extensions/how-to/search-commands/respond-to-search).
func (s *Sandbox) readAnswer(body []byte) (Answer, error) {
	var in struct {
		Extension struct {
			Type        string `json:"type"`
			Text        string `json:"text"`
			Attachments []struct {
				activity.Attachment
				Preview *struct {
					Content struct{ Title, Text string } `json:"content"`
				} `json:"preview"`
			} `json:"attachments"`
		} `json:"composeExtension"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return Answer{}, fmt.Errorf("read answer: %w", err)
	}
	answer := Answer{Results: []Found{}}
	switch in.Extension.Type {
	case "message":
		answer.Text = in.Extension.Text
		return answer, nil
	case "result":
	default:
		return Answer{}, fmt.Errorf("answer of type %q", in.Extension.Type)
	}
	for i, a := range in.Extension.Attachments[:min(shownResults, len(in.Extension.Attachments))] {
		c, err := card.Parse(a.ContentType, a.Content)
		if err != nil {
			return Answer{}, fmt.Errorf("result %d: %w", i+1, err)
		}
		if a.Preview == nil || a.Preview.Content.Title == "" {
			return Answer{}, fmt.Errorf("result %d has no preview", i+1)
		}
		answer.Results = append(answer.Results, Found{a.Preview.Content.Title, a.Preview.Content.Text, c})
	}
	return answer, nil
}
