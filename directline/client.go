package directline

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

// defaultTimeout is that of Microsoft's own client
// (microsoft/BotFramework-DirectLineJS, src/directLine.ts).
const defaultTimeout = 20 * time.Second

// defaultBase is where a secret goes when no region is named.
const defaultBase = "https://directline.botframework.com/"

// An Access says how conversations are opened: by an endpoint of Copilot Studio's
// that gives tokens to anybody, or with the secret of the Direct Line channel.
// With a secret, a conversation outlives its token.
type Access struct {
	Endpoint string // Copilot Studio's token endpoint, with its api-version
	Secret   string // in place of Endpoint
	Base     string // the region's URL; with Endpoint, Copilot Studio is asked for it when empty
}

// A Client speaks to one copilot. Access and Trusted are required.
type Client struct {
	Access  Access
	Trusted func(baseURL string) error // whether a token may go there
	HTTP    http.RoundTripper          // the default transport when nil
	Timeout time.Duration              // of a call; 20 s when zero
	Pace    Pace
	Log     *slog.Logger // discards when nil
}

// A Pace says when a listener does things. Zero members have defaults.
type Pace struct {
	Quiet    time.Duration // with nothing said either way for so long, Listen returns; 2 min
	Retry    time.Duration // before a stream is opened again, and so the time between polls; 3 s, doubling
	MaxRetry time.Duration // and no longer than this; 10 s, as servers are asked to poll
	Tick     time.Duration // between looks at the token and at whether the stream still lives; 20 s
}

func (p Pace) withDefaults() Pace {
	return Pace{
		Quiet:    cmp.Or(p.Quiet, 2*time.Minute),
		Retry:    cmp.Or(p.Retry, 3*time.Second),
		MaxRetry: cmp.Or(p.MaxRetry, 10*time.Second),
		Tick:     cmp.Or(p.Tick, 20*time.Second),
	}
}

// granted is what Direct Line and Copilot Studio answer when they give a token.
type granted struct {
	ConversationID activity.ConversationID `json:"conversationId"`
	Token          Token                   `json:"token"`
	ExpiresIn      float64                 `json:"expires_in"` // seconds
	StreamURL      string                  `json:"streamUrl"`

	now bool // the stream begins now
}

// Start opens a conversation for a user nobody can guess. The copilot says nothing
// before it is posted something, see [Greet].
func (c *Client) Start(ctx context.Context) (*Conversation, error) {
	base, err := c.base(ctx)
	if err != nil {
		return nil, fmt.Errorf("find direct line: %w", err)
	}
	if err := c.Trusted(base); err != nil {
		return nil, fmt.Errorf("find direct line: %w", err)
	}
	user := "dl_" + rand.Text() // so must those begin that a token is bound to
	first, err := c.token(ctx, base, user)
	if err != nil {
		return nil, fmt.Errorf("get direct line token: %w", err)
	}
	conv := &Conversation{c: c, state: State{User: user, Base: base}}
	conv.grant(first)
	var opened granted
	if err := c.do(ctx, conv.state.Token, jsonhttp.Request{URL: endpoint(base, "conversations"), Out: &opened}); err != nil {
		return nil, fmt.Errorf("open direct line conversation: %w", err)
	}
	if opened.ConversationID == "" || conv.state.Token == "" {
		return nil, errors.New("open direct line conversation: answer has no conversation or no token")
	}
	conv.grant(opened)
	return conv, nil
}

// Resume returns the conversation that a state was kept of. It makes no call.
func (c *Client) Resume(s State) *Conversation { return &Conversation{c: c, state: s.clone()} }

// base returns the URL of the region, which must not be guessed
// (microsoft/CopilotStudioSamples, ui/custom-ui/directline-js).
func (c *Client) base(ctx context.Context) (string, error) {
	if c.Access.Base != "" || c.Access.Endpoint == "" {
		return cmp.Or(c.Access.Base, defaultBase), nil
	}
	at, err := url.Parse(c.Access.Endpoint)
	if err != nil {
		return "", errors.New("token endpoint is not a URL")
	}
	root, _, ok := strings.Cut(at.Path, "/powervirtualagents/")
	if !ok {
		return "", errors.New("token endpoint is not one of Copilot Studio's")
	}
	settings := url.URL{
		Scheme: at.Scheme, Host: at.Host, Path: root + "/powervirtualagents/regionalchannelsettings",
		RawQuery: url.Values{"api-version": at.Query()["api-version"]}.Encode(),
	}
	var region struct {
		ChannelURLsByID struct {
			Directline string `json:"directline"`
		} `json:"channelUrlsById"`
	}
	if err := c.do(ctx, "", jsonhttp.Request{Method: http.MethodGet, URL: settings.String(), Out: &region}); err != nil {
		return "", err
	}
	return cmp.Or(region.ChannelURLsByID.Directline, defaultBase), nil
}

// token gets a conversation's first token.
func (c *Client) token(ctx context.Context, base, user string) (granted, error) {
	var first granted
	if c.Access.Secret == "" {
		err := c.do(ctx, "", jsonhttp.Request{Method: http.MethodGet, URL: c.Access.Endpoint, Out: &first})
		return first, err
	}
	in := map[string]any{"user": activity.Account{ID: user}}
	err := c.do(ctx, Token(c.Access.Secret), jsonhttp.Request{URL: endpoint(base, "tokens", "generate"), In: in, Out: &first})
	return first, err
}

func (c *Client) do(ctx context.Context, token Token, r jsonhttp.Request) error {
	if token != "" {
		if r.Header == nil {
			r.Header = http.Header{}
		}
		r.Header.Set("Authorization", "Bearer "+string(token))
	}
	r.MaxOut = maxSet
	return jsonhttp.Do(ctx, jsonhttp.NewClient(c.timeout(), c.transport()), r)
}

func (c *Client) transport() http.RoundTripper {
	if c.HTTP == nil {
		return http.DefaultTransport
	}
	return c.HTTP
}

func (c *Client) timeout() time.Duration { return cmp.Or(c.Timeout, defaultTimeout) }

func (c *Client) log() *slog.Logger { return cmp.Or(c.Log, slog.New(slog.DiscardHandler)) }

// endpoint is the URL of a call. Ids are opaque: each is one escaped segment.
func endpoint(base string, segments ...string) string {
	var out strings.Builder
	out.WriteString(strings.TrimSuffix(base, "/") + "/v3/directline")
	for _, s := range segments {
		out.WriteString("/" + url.PathEscape(s))
	}
	return out.String()
}
