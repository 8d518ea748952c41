// Package contoso is the adapter to Contoso Live Chat, the reference hub. Any
// hub that speaks the same small contract can use it:
//
//	POST /api/chat/start    {…}                                 → {"conversationId"}
//	POST /api/chat/receive  {"conversationId","message","sender"}
//	POST /api/chat/end      {"conversationId"}
//	webhook                 {"conversationId","message","sender"}
//
// What goes beyond the contract is additive: a hub that does not know it may
// ignore it. Idempotency-Key is sent with every call; a hub that ignores that
// may open or say something twice after an ambiguous answer. The optional
// abilities are further routes, which a hub that has the contract alone answers
// with 404: to use one there is refused for good.
package contoso

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/internal/jsonhttp"
	"github.com/liaison-skill/liaison/livechat"
)

// An Adapter speaks with one Contoso. It is safe for concurrent use.
type Adapter struct {
	HTTP    *http.Client // its timeout does not bound the transfer of a file
	URL     string       // base, without /api
	Header  http.Header  // credentials sent with every call; may be nil
	Secrets []env.Secret // what webhooks are signed with; any of them
}

var (
	_ livechat.Adapter   = (*Adapter)(nil)
	_ livechat.Since     = (*Adapter)(nil)
	_ livechat.Typing    = (*Adapter)(nil)
	_ livechat.Limited   = (*Adapter)(nil)
	_ livechat.Attach    = (*Adapter)(nil)
	_ livechat.Amend     = (*Adapter)(nil)
	_ livechat.Queueing  = (*Adapter)(nil)
	_ livechat.Available = (*Adapter)(nil)
	_ livechat.Rate      = (*Adapter)(nil)
	_ livechat.Report    = (*Adapter)(nil)
	_ livechat.Census    = (*Adapter)(nil)
)

// errNoID is a 2xx answer that names no conversation: not the contract.
var errNoID = errors.New("answer has no conversationId")

// Open implements [livechat.Hub].
func (a *Adapter) Open(ctx context.Context, o livechat.Opening) (livechat.ConversationID, error) {
	in := struct {
		livechat.Opening
		Key string `json:"key,omitempty"` // hides the opening's, which travels as a header
	}{Opening: o}
	var out struct {
		ConversationID livechat.ConversationID `json:"conversationId"`
	}
	if err := a.call(ctx, "/api/chat/start", o.Key, in, &out); err != nil {
		return "", fmt.Errorf("open hub conversation: %w", err)
	}
	if out.ConversationID == "" {
		return "", fmt.Errorf("open hub conversation: %w", errNoID)
	}
	return out.ConversationID, nil
}

// Send implements [livechat.Hub].
func (a *Adapter) Send(ctx context.Context, m livechat.Message) error {
	in := struct {
		ConversationID livechat.ConversationID `json:"conversationId"`
		Message        string                  `json:"message"`
		Sender         string                  `json:"sender"`
		ID             string                  `json:"id,omitempty"`
		Problem        string                  `json:"problem,omitempty"`
		Variables      map[string]string       `json:"variables,omitempty"`
	}{m.Conversation, m.Text, m.Sender, m.Key, m.Problem, m.Variables}
	if err := a.call(ctx, "/api/chat/receive", m.Key, in, nil); err != nil {
		return fmt.Errorf("send to hub: %w", err)
	}
	return nil
}

// End implements [livechat.Hub].
func (a *Adapter) End(ctx context.Context, e livechat.Ending) error {
	in := struct {
		ConversationID livechat.ConversationID `json:"conversationId,omitempty"`
		Key            string                  `json:"key,omitempty"`
		Reason         string                  `json:"reason,omitempty"`
	}{e.Conversation, e.Key, e.Reason}
	err := a.call(ctx, "/api/chat/end", "", in, nil)
	if je, ok := errors.AsType[*jsonhttp.Error](err); ok {
		switch je.Status {
		case http.StatusNotFound, http.StatusConflict, http.StatusGone:
			return nil // it is over, which is what was asked for
		}
	}
	if err != nil {
		return fmt.Errorf("end hub conversation: %w", err)
	}
	return nil
}

func (a *Adapter) call(ctx context.Context, path, key string, in, out any) error {
	header := a.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	return jsonhttp.Do(ctx, a.HTTP, jsonhttp.Request{URL: a.base() + path, Header: header, In: in, Out: out})
}

func (a *Adapter) get(ctx context.Context, path string, query url.Values, out any) error {
	return jsonhttp.Do(ctx, a.HTTP, jsonhttp.Request{
		Method: http.MethodGet, URL: a.base() + path + "?" + query.Encode(), Header: a.Header, Out: out,
	})
}

func (a *Adapter) base() string { return strings.TrimSuffix(a.URL, "/") }
