package skill

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"
)

// A Manifest describes the skill to Copilot Studio: which actions there are, with
// which inputs and outputs. Copilot Studio reads it once, when a maker adds the
// skill; a change needs the skill to be added anew.
//
// The form is "Bot Framework skill manifest" 2.2, valid by 2.0 and 2.1 too:
// https://schemas.botframework.com/schemas/skills/v2.2/skill-manifest.json
type Manifest struct {
	Schema        string            `json:"$schema"`
	ID            string            `json:"$id"`
	Name          string            `json:"name"`
	Version       string            `json:"version"`
	Description   string            `json:"description"`
	PublisherName string            `json:"publisherName"`
	Endpoints     []Endpoint        `json:"endpoints"`
	Activities    map[string]Action `json:"activities"`
}

// An Endpoint is where the skill is called, and as whom.
type Endpoint struct {
	Name        string `json:"name"`
	Protocol    string `json:"protocol"`
	EndpointURL string `json:"endpointUrl"`
	MSAppID     string `json:"msAppId"`
}

// An Action is something a topic can call. Name is set for events only.
type Action struct {
	Type        string `json:"type"`
	Name        string `json:"name,omitempty"`
	Description string `json:"description"`
	Value       *Shape `json:"value,omitempty"`       // inputs
	ResultValue *Shape `json:"resultValue,omitempty"` // outputs
}

// A Shape is an object of named scalars, as JSON Schema.
type Shape struct {
	Type       string              `json:"type"`
	Properties map[string]Property `json:"properties"`
}

// A Property is one input or output.
type Property struct {
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

// NewManifest returns the manifest of a skill that is reached at publicURL and is
// the Entra application appID.
func NewManifest(publicURL, appID, version string) (Manifest, error) {
	endpoint, err := url.JoinPath(publicURL, "/api/messages")
	if err != nil {
		return Manifest{}, fmt.Errorf("public URL: %w", err)
	}
	return Manifest{
		Schema:        "https://schemas.botframework.com/schemas/skills/v2.2/skill-manifest.json",
		ID:            "liaison",
		Name:          "Liaison",
		Version:       version,
		Description:   "Talk to a person: hands the conversation to a live agent and brings it back.",
		PublisherName: "Liaison",
		Endpoints:     []Endpoint{{Name: "default", Protocol: "BotFrameworkV3", EndpointURL: endpoint, MSAppID: appID}},
		Activities:    actions(),
	}, nil
}

func actions() map[string]Action {
	id := Property{"string", "LiveChatConversationId", "The hub's id of the live chat. Hand it to the other actions."}
	status := Property{"string", "Status", "connected, queued, unavailable, failed, ended or none."}
	reason := Property{"string", "Reason", "Why: closed, noAgents, hubUnavailable, channel, or the agent's words."}
	problem := Property{"string", "ProblemDescription", "What the user needs help with."}
	summary := Property{"string", "Summary", "What the copilot makes of the conversation; on return, what the agent does."}
	return map[string]Action{
		ActionStart: {
			Type: "event", Name: ActionStart, Description: "Open a live chat with a person.",
			Value: object(map[string]Property{
				"ProblemDescription": problem, "Summary": summary,
				"Transcript": {"string", "Transcript", "What was said so far: a line each, User: ... or Copilot: ..., or a JSON list of role and text."},
				"Queue":      {"string", "Queue", "Where it should go, as the hub names its queues."},
				"Skills":     {"string", "Skills", "What the person should know, with commas between."},
				"Priority":   {"integer", "Priority", "More is more urgent; 0 is usual."},
			}),
			ResultValue: object(map[string]Property{
				"LiveChatConversationId": id, "status": status, "reason": reason,
				"queuePosition":        {"integer", "QueuePosition", "How many are before the user, and one."},
				"estimatedWaitSeconds": {"integer", "EstimatedWaitSeconds", "How long the hub expects the user to wait."},
			}),
		},
		ActionSend: {
			Type: "message", Description: "Send the user's words to the live chat, and all that follow until it ends.",
			Value: object(map[string]Property{"LiveChatConversationId": id, "ProblemDescription": problem}),
			ResultValue: object(map[string]Property{
				"LiveChatConversationId": id, "status": status, "reason": reason, "summary": summary,
				"endedBy":     {"string", "EndedBy", "user, agent, idle, cap or host."},
				"pendingText": {"string", "PendingText", "What the user said last and nobody answered. Answer it when it is not empty."},
			}),
		},
		ActionEnd: {
			Type: "event", Name: ActionEnd, Description: "End the live chat: the user is back with the copilot.",
			Value:       object(map[string]Property{"LiveChatConversationId": id}),
			ResultValue: object(map[string]Property{"status": status, "reason": reason}),
		},
	}
}

func object(properties map[string]Property) *Shape {
	return &Shape{Type: "object", Properties: properties}
}

// MountManifest serves m to anyone at /skill-manifest.json.
func MountManifest(r gin.IRouter, m Manifest) error {
	body, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("encode manifest: %w", err)
	}
	r.GET("/skill-manifest.json", func(c *gin.Context) {
		c.Header("Cache-Control", "no-cache")
		c.Data(http.StatusOK, "application/json; charset=utf-8", body)
	})
	return nil
}
