package contoso

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/words"
)

// maxText leaves room in the 256 KiB that the hub reads of a message: JSON may
// need six bytes for one.
const maxText = 32 << 10

// MaxText implements [livechat.Limited].
func (a *Adapter) MaxText() (limit int, unit words.Unit) { return maxText, words.Bytes }

// Typing implements [livechat.Typing].
func (a *Adapter) Typing(ctx context.Context, c livechat.ConversationID) error {
	in := map[string]livechat.ConversationID{"conversationId": c}
	if err := a.call(ctx, "/api/chat/typing", "", in, nil); err != nil {
		return fmt.Errorf("show hub that user is typing: %w", err)
	}
	return nil
}

// Edit implements [livechat.Amend]. It needs no key of its own: to what the
// message says already is no change.
func (a *Adapter) Edit(ctx context.Context, c livechat.ConversationID, key, text string) error {
	in := map[string]string{"conversationId": string(c), "key": key, "message": text}
	if err := a.call(ctx, "/api/chat/edit", "", in, nil); err != nil {
		return fmt.Errorf("edit at hub: %w", err)
	}
	return nil
}

// Delete implements [livechat.Amend].
func (a *Adapter) Delete(ctx context.Context, c livechat.ConversationID, key string) error {
	in := map[string]string{"conversationId": string(c), "key": key}
	if err := a.call(ctx, "/api/chat/delete", "", in, nil); err != nil {
		return fmt.Errorf("delete at hub: %w", err)
	}
	return nil
}

// Attach implements [livechat.Attach]. The content is streamed; with its sum, the
// hub can tell whether it got all of it.
func (a *Adapter) Attach(ctx context.Context, c livechat.ConversationID, f livechat.File) error {
	content, err := f.Open()
	if err != nil {
		return fmt.Errorf("open file: %w", err)
	}
	defer content.Close()
	header := http.Header{"Content-Type": {f.ContentType}, "Idempotency-Key": {f.Key}}
	maps.Copy(header, a.Header)
	if sum, err := hex.DecodeString(f.SHA256); err == nil && len(sum) > 0 {
		header.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum)+":") // RFC 9530
	}
	query := url.Values{"conversationId": {string(c)}, "name": {f.Name}, "sender": {f.Sender}}
	patient := *a.HTTP
	patient.Timeout = 0 // it is for answers, not for content; ctx bounds this
	err = jsonhttp.Do(ctx, &patient, jsonhttp.Request{
		URL: a.base() + "/api/chat/attach?" + query.Encode(), Header: header, Content: content, Size: f.Size,
	})
	if err != nil {
		return fmt.Errorf("give file to hub: %w", err)
	}
	return nil
}

// Availability implements [livechat.Available].
func (a *Adapter) Availability(ctx context.Context, queue string) (livechat.Availability, error) {
	var out struct {
		Open     *bool // nil: a hub of the plain contract does not say
		Reason   string
		NextOpen time.Time
		place
	}
	if err := a.get(ctx, "/api/chat/availability", url.Values{"queue": {queue}}, &out); err != nil {
		return livechat.Availability{}, fmt.Errorf("ask hub for agents: %w", err)
	}
	q := out.state()
	return livechat.Availability{Open: out.Open == nil || *out.Open, Reason: out.Reason, Position: q.Position, Wait: q.Wait, NextOpen: out.NextOpen}, nil
}

// Rate implements [livechat.Rate].
func (a *Adapter) Rate(ctx context.Context, c livechat.ConversationID, r livechat.Rating) error {
	in := struct {
		ConversationID livechat.ConversationID `json:"conversationId"`
		Score          int                     `json:"score"`
		Comment        string                  `json:"comment,omitempty"`
	}{c, r.Score, r.Comment}
	if err := a.call(ctx, "/api/chat/rate", r.Key, in, nil); err != nil {
		return fmt.Errorf("rate hub conversation: %w", err)
	}
	return nil
}

// Report implements [livechat.Report]. It needs no key: twice is no change.
func (a *Adapter) Report(ctx context.Context, c livechat.ConversationID, n livechat.News) error {
	in := struct {
		ConversationID livechat.ConversationID `json:"conversationId"`
		MessageID      string                  `json:"messageId,omitempty"`
		Report         livechat.NewsKind       `json:"report"`
		Reason         string                  `json:"reason,omitempty"`
	}{c, n.Message, n.Kind, n.Reason}
	if err := a.call(ctx, "/api/chat/report", "", in, nil); err != nil {
		return fmt.Errorf("report to hub: %w", err)
	}
	return nil
}

// Position implements [livechat.Queueing].
func (a *Adapter) Position(ctx context.Context, c livechat.ConversationID) (livechat.QueueState, error) {
	var out place
	if err := a.get(ctx, "/api/chat/conversations/"+url.PathEscape(string(c)), nil, &out); err != nil {
		return livechat.QueueState{}, fmt.Errorf("ask hub for place in queue: %w", err)
	}
	return out.state(), nil
}

// Status implements [livechat.Census].
func (a *Adapter) Status(ctx context.Context, c livechat.ConversationID) (livechat.Standing, error) {
	var out standing
	if err := a.get(ctx, "/api/chat/conversations/"+url.PathEscape(string(c)), nil, &out); err != nil {
		return livechat.Standing{}, fmt.Errorf("ask hub for conversation: %w", err)
	}
	return out.standing(), nil
}

// Conversations implements [livechat.Census].
func (a *Adapter) Conversations(ctx context.Context) ([]livechat.Standing, error) {
	var all []livechat.Standing
	query := url.Values{"state": {"open"}}
	for {
		var batch []standing
		if err := a.get(ctx, "/api/chat/conversations", query, &batch); err != nil {
			return nil, fmt.Errorf("list hub conversations: %w", err)
		}
		for _, s := range batch {
			all = append(all, s.standing())
		}
		if len(batch) == 0 || batch[len(batch)-1].ID == livechat.ConversationID(query.Get("after")) {
			return all, nil
		}
		query.Set("after", string(batch[len(batch)-1].ID))
	}
}

// A place is what the hub says of a user who waits.
type place struct {
	Position, WaitSeconds int
}

func (p place) state() livechat.QueueState {
	return livechat.QueueState{Position: p.Position, Wait: time.Duration(p.WaitSeconds) * time.Second}
}

// A standing is what the hub says of a conversation.
type standing struct {
	ID         livechat.ConversationID `json:"conversationId"`
	Key, State string
	OpenedAt   time.Time
}

func (s standing) standing() livechat.Standing {
	return livechat.Standing{Conversation: s.ID, Key: s.Key, OpenedAt: s.OpenedAt, Ended: s.State == "ended"}
}
