package directline

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

// tokenTries is how many tokens one call may find refused. A late answer to a
// listener may bring one that is no better.
const tokenTries = 3

// streamLife is how long a stream's URL is good: 60 s, less what the way takes.
const streamLife = 45 * time.Second

// An offer is a stream that was not opened yet.
type offer struct {
	url   string
	until time.Time
	now   bool // it begins when it was offered, and not where listening ended
}

// A Conversation is one user's with the copilot. It may be used by several
// goroutines; one of them may listen.
type Conversation struct {
	c *Client

	renewal sync.Mutex // held while a token is had, so that one asks for all

	mu        sync.Mutex
	state     State
	stream    offer
	listening bool
	used      time.Time // when something was last said
}

// State returns what resumes the conversation as it is now.
func (c *Conversation) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.clone()
}

// Refresh gets a new token when the present one is past half of its life. An
// expired one cannot be refreshed, but with a secret it can be replaced.
func (c *Conversation) Refresh(ctx context.Context) error {
	c.renewal.Lock()
	defer c.renewal.Unlock()
	state := c.State()
	now := time.Now()
	switch {
	case !state.due(now):
		return nil
	case now.After(state.Expires):
		return c.replace(ctx, &LostError{Expired: true, cause: errors.New("it ran out")})
	}
	var fresh granted
	err := c.do(ctx, state.Token, jsonhttp.Request{URL: endpoint(state.Base, "tokens", "refresh"), Out: &fresh})
	if err == nil {
		c.grant(fresh)
		return nil
	}
	if err = lost(err); isExpired(err) {
		err = c.replace(ctx, err)
	}
	if err != nil {
		return fmt.Errorf("refresh direct line token: %w", err)
	}
	return nil
}

// replace gets a token for a conversation whose own is worth nothing, if there is
// a secret; otherwise it returns cause. The caller holds renewal.
func (c *Conversation) replace(ctx context.Context, cause error) error {
	if c.c.Access.Secret == "" {
		return cause
	}
	return c.reconnect(ctx, Token(c.c.Access.Secret))
}

// reconnect gets a new stream that begins at the watermark, and a token with it.
func (c *Conversation) reconnect(ctx context.Context, token Token) error {
	state := c.State()
	var again granted
	target := endpoint(state.Base, "conversations", string(state.Conversation)) + since(state.Watermark)
	if err := c.do(ctx, token, jsonhttp.Request{Method: http.MethodGet, URL: target, Out: &again}); err != nil {
		return fmt.Errorf("reconnect to direct line: %w", lost(err))
	}
	again.now = state.Watermark == ""
	c.grant(again)
	return nil
}

// since asks for what came after a watermark, which is repeated as it was given.
func since(watermark string) string {
	if watermark == "" {
		return ""
	}
	return "?" + url.Values{"watermark": {watermark}}.Encode()
}

// grant takes in what came with an answer.
func (c *Conversation) grant(g granted) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if g.ConversationID != "" {
		c.state.Conversation = g.ConversationID
	}
	if g.Token != "" {
		life := time.Duration(g.ExpiresIn * float64(time.Second))
		if life <= 0 {
			life = 30 * time.Minute // what Direct Line gives
		}
		c.state.Token, c.state.Issued, c.state.Expires = g.Token, now, now.Add(life)
	}
	if g.StreamURL != "" {
		c.stream = offer{url: g.StreamURL, until: now.Add(streamLife), now: g.now}
	}
}

// call makes one call within the conversation; of r's URL, only the query is
// given. A token that is refused is replaced, if that can be done.
func (c *Conversation) call(ctx context.Context, r jsonhttp.Request, segments ...string) error {
	if err := c.Refresh(ctx); err != nil && (permanent(err) || time.Now().After(c.State().Expires)) {
		return err
	}
	state := c.State()
	r.URL = endpoint(state.Base, append([]string{"conversations", string(state.Conversation)}, segments...)...) + r.URL
	var err error
	for range tokenTries {
		token := c.State().Token
		if err = lost(c.do(ctx, token, r)); !isExpired(err) {
			return err
		}
		if err := c.renew(ctx, token, err); err != nil {
			return err
		}
		if r.Content != nil {
			return errStale
		}
	}
	return err
}

// renew replaces a token, unless somebody has done so since.
func (c *Conversation) renew(ctx context.Context, old Token, cause error) error {
	c.renewal.Lock()
	defer c.renewal.Unlock()
	if c.State().Token != old {
		return nil
	}
	return c.replace(ctx, cause)
}

// do checks where the token would go: a state comes from outside.
func (c *Conversation) do(ctx context.Context, token Token, r jsonhttp.Request) error {
	if err := c.c.Trusted(c.State().Base); err != nil {
		return fmt.Errorf("direct line: %w", err)
	}
	return c.c.do(ctx, token, r)
}

func isExpired(err error) bool {
	gone, ok := errors.AsType[*LostError](err)
	return ok && gone.Expired
}
