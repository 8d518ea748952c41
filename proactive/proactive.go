// Package proactive speaks through the Bot Connector interface: into a user's
// Teams conversation outside any turn, and back to a skill host.
//
// It knows where to post and in what form. Who we are there is the business of
// package auth; what has to be said, and when, is the caller's.
//
// The interface: "Bot Connector REST API reference" of Azure AI Bot Service.
package proactive

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

// A Target is where activities can be posted, and as whom. It is comparable.
// ServiceURL may be a secret; it is never logged.
type Target struct {
	ServiceURL   string                `json:"serviceUrl"`
	Audience     string                `json:"audience,omitempty"` // the host's app id; empty for a Bot Connector
	App          string                `json:"app,omitempty"`      // our app in a channel's conversation, as it was verified; may be empty
	ChannelID    string                `json:"channelId,omitempty"`
	Conversation activity.Conversation `json:"conversation"`
	Bot          activity.Account      `json:"bot"`
	User         activity.Account      `json:"user"`
	Locale       string                `json:"locale,omitempty"`
}

// A Post is an activity on its way to a Target.
type Post struct {
	To        Target            `json:"to"`
	ReplyTo   string            `json:"replyTo,omitempty"` // the activity it answers
	Activity  activity.Activity `json:"activity"`
	OutOfTurn bool              `json:"outOfTurn,omitempty"` // do not use the reply path
}

// A Client posts activities, each with the token its target wants.
type Client struct {
	Credentials *auth.Credentials
	Base        http.RoundTripper
	Timeout     time.Duration
}

// Send posts p and returns the channel's id of it, "" when it does not tell: any
// 2xx is success, with or without a body; Teams behind Copilot Studio answers with
// none (microsoft/Agents-for-net issue 381). Errors follow the conventions of
// internal/jsonhttp.
func (c *Client) Send(ctx context.Context, p Post) (string, error) {
	var made struct {
		ID string `json:"id"`
	}
	if err := c.do(ctx, p.To, jsonhttp.Request{URL: p.url(), In: p.body(), Out: &made, OutOptional: true}); err != nil {
		return "", fmt.Errorf("post activity: %w", err)
	}
	return made.ID, nil
}

// Update puts p in the place of the activity with an id, which we posted. Teams
// refuses with 404 what is gone, a skill host with 405 what it cannot do.
func (c *Client) Update(ctx context.Context, p Post, id string) error {
	body := p.body()
	body.ID = id
	if err := c.do(ctx, p.To, jsonhttp.Request{Method: http.MethodPut, URL: p.To.activity(id), In: body}); err != nil {
		return fmt.Errorf("update activity: %w", err)
	}
	return nil
}

// Delete takes back the activity with an id, which we posted.
func (c *Client) Delete(ctx context.Context, to Target, id string) error {
	if err := c.do(ctx, to, jsonhttp.Request{Method: http.MethodDelete, URL: to.activity(id)}); err != nil {
		return fmt.Errorf("delete activity: %w", err)
	}
	return nil
}

func (c *Client) do(ctx context.Context, to Target, r jsonhttp.Request) error {
	client := jsonhttp.NewClient(c.Timeout, &auth.Transport{
		Credentials: c.Credentials, Audience: to.Audience, App: to.App, Base: c.Base,
	})
	return jsonhttp.Do(ctx, client, r)
}

// url is …/v3/conversations/{id}/activities, with the answered activity's id
// behind it within a turn. Ids are opaque and hold any character: each is one
// escaped path segment. A service URL comes with or without a final slash.
func (p Post) url() string {
	if p.ReplyTo != "" && !p.OutOfTurn {
		return p.To.activity(p.ReplyTo)
	}
	return p.To.activities()
}

func (t Target) activities() string {
	return strings.TrimSuffix(t.ServiceURL, "/") +
		"/v3/conversations/" + url.PathEscape(string(t.Conversation.ID)) + "/activities"
}

func (t Target) activity(id string) string { return t.activities() + "/" + url.PathEscape(id) }

// body addresses the activity. An agent sends no id, timestamp or service URL
// (rules A2031, A2041, A2302).
func (p Post) body() activity.Activity {
	a := p.Activity
	a.ID, a.ServiceURL, a.Timestamp = "", "", time.Time{}
	a.ChannelID = p.To.ChannelID
	a.Conversation = p.To.Conversation
	a.From, a.Recipient = p.To.Bot, p.To.User
	a.ReplyToID = p.ReplyTo
	return a
}
