package directline

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

// MaxActivity is the size of an activity that Direct Line takes, in characters
// (https://learn.microsoft.com/azure/bot-service/bot-service-troubleshoot-general-problems).
const MaxActivity = 256 << 10

// A Post is an activity on its way to the copilot. Direct Line tells no post from
// its repetition, so that Again must say whether this Key was tried before: then
// it is looked for first.
type Post struct {
	Key      string
	Activity activity.Activity
	Again    bool
}

// Greet is the activity that makes a copilot greet.
func Greet() activity.Activity {
	return activity.Activity{Type: activity.TypeEvent, Name: "startConversation"}
}

// SetContext is the activity that sets the copilot's global variables.
func SetContext(variables map[string]any) (activity.Activity, error) {
	value, err := json.Marshal(variables)
	if err != nil {
		return activity.Activity{}, fmt.Errorf("encode context: %w", err)
	}
	return activity.Activity{Type: activity.TypeEvent, Name: "pvaSetContext", Value: value}, nil
}

// Post makes the copilot hear p. Errors follow the conventions of
// internal/jsonhttp; after one that is ambiguous, post again with Again.
func (c *Conversation) Post(ctx context.Context, p Post) error {
	c.touch()
	if p.Again {
		if there, err := c.find(ctx, p.Key); err != nil || there {
			return err
		}
	}
	body, err := c.body(p)
	if err != nil {
		return err
	}
	if err := c.call(ctx, jsonhttp.Request{In: body}, "activities"); err != nil {
		return fmt.Errorf("post to copilot: %w", err)
	}
	return nil
}

// body addresses p, and writes the key where it comes back.
func (c *Conversation) body(p Post) (json.RawMessage, error) {
	data := map[string]json.RawMessage{}
	if len(p.Activity.ChannelData) > 0 {
		if err := json.Unmarshal(p.Activity.ChannelData, &data); err != nil {
			return nil, &jsonhttp.Error{Status: http.StatusBadRequest, Code: "ChannelData"}
		}
	}
	a := p.Activity
	encoded, err := json.Marshal(p.Key)
	if err != nil {
		return nil, fmt.Errorf("encode activity: %w", err)
	}
	data["clientActivityID"] = encoded
	if a.ChannelData, err = json.Marshal(data); err != nil {
		return nil, fmt.Errorf("encode activity: %w", err)
	}
	a.From.ID, a.From.Role = c.State().User, "user"
	body, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("encode activity: %w", err)
	}
	if n := utf8.RuneCount(body); n > MaxActivity {
		return nil, &SizeError{n}
	}
	return body, nil
}

// find reports whether a post has come back: before, or behind the watermark.
func (c *Conversation) find(ctx context.Context, key string) (bool, error) {
	state := c.State()
	if slices.Contains(state.Said, key) {
		return true, nil
	}
	latest, err := c.read(ctx, state.Watermark)
	if err != nil {
		return false, fmt.Errorf("look for a post: %w", err)
	}
	// What was heard meanwhile is behind the watermark no longer.
	return slices.Contains(c.State().Said, key) || slices.ContainsFunc(latest.activities, func(a Activity) bool {
		return c.own(a) && said(a.Activity) == key
	}), nil
}

// read polls for what came after a watermark.
func (c *Conversation) read(ctx context.Context, watermark string) (set, error) {
	var raw json.RawMessage
	r := jsonhttp.Request{Method: http.MethodGet, URL: since(watermark), Out: &raw}
	if err := c.call(ctx, r, "activities"); err != nil {
		return set{}, err
	}
	if len(raw) == 0 {
		return set{}, nil
	}
	return readSet(raw)
}

// own reports whether an activity is the user's, come back.
func (c *Conversation) own(a Activity) bool {
	return a.From.Role == "user" || a.From.ID == c.State().User
}

func (c *Conversation) touch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used = time.Now()
}
