package bridge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/words"
)

// Orders are what the outbox stores. Their JSON outlives releases: members are
// added, never renamed.
type (
	// hubOrder is one thing for a hub to do.
	hubOrder struct {
		Mapping mapping.ID        `json:"mapping"`
		Open    *livechat.Opening `json:"open,omitempty"`
		Say     *livechat.Message `json:"say,omitempty"`
		Ours    bool              `json:"ours,omitempty"`   // Say is in our own words, not the user's
		Amend   *amendment        `json:"amend,omitempty"`  // with Say for a hub that knows no changes
		Typing  bool              `json:"typing,omitempty"` // the user is typing, until Until
		Until   time.Time         `json:"until,omitzero"`
		End     *livechat.Ending  `json:"end,omitempty"`
		Offer   *offer            `json:"offer,omitempty"` // a file; Say is for releases that know none
		Rate    *livechat.Rating  `json:"rate,omitempty"`
		Report  *livechat.News    `json:"report,omitempty"` // with Say for a hub that knows no reports
		Answer  *proactive.Post   `json:"answer,omitempty"` // tell the copilot how opening went
		Tell    bool              `json:"tell,omitempty"`   // tell the user, in our own bot's chat
	}

	// teamsOrder is one activity for the user.
	teamsOrder struct {
		Mapping mapping.ID     `json:"mapping"`
		Tenant  string         `json:"tenant,omitempty"` // whose budget it is sent from
		Post    proactive.Post `json:"post"`
		Agent   bool           `json:"agent,omitempty"`   // an agent's words, not ours
		Message string         `json:"message,omitempty"` // those, by the hub's id
		Ends    bool           `json:"ends,omitempty"`    // the last one: then the copilot is told
		Until   time.Time      `json:"until,omitzero"`    // when it is worth nothing any more
		Bot     string         `json:"bot,omitempty"`     // with Amend: the copilot's app id

		// Followed is when the user followed a link whose first answer this is, ours or a person's.
		Followed time.Time `json:"followed,omitzero"`

		Offer *offer `json:"offer,omitempty"` // a file; Post's activity is for releases that know none

		// Amend changes an earlier line into Changed. Post says so where that is not
		// possible, and is for releases that know no changes.
		Amend   *amendment         `json:"amend,omitempty"`
		Changed *activity.Activity `json:"changed,omitempty"`
	}

	// copilotOrder is one activity for the skill host.
	copilotOrder struct {
		Mapping mapping.ID     `json:"mapping,omitempty"`
		Post    proactive.Post `json:"post"`
		Returns bool           `json:"returns,omitempty"` // gives control back, out of turn
	}
)

// neverOpenedError is a word for a hub conversation that does not exist.
type neverOpenedError struct{}

func (neverOpenedError) Error() string   { return "hub conversation was never opened" }
func (neverOpenedError) Permanent() bool { return true }

// unrecordedError is an opening that the hub may have done although we do not
// know its id.
type unrecordedError struct{ error }

func (e unrecordedError) Unwrap() error { return e.error }
func (unrecordedError) Ambiguous() bool { return true }

func (b *Bridge) sendHub(ctx context.Context, hub livechat.Hub, o hubOrder) error {
	switch {
	case o.Open != nil:
		return b.open(ctx, hub, o)
	case o.Offer != nil:
		return b.giveHub(ctx, hub, o)
	case o.Say != nil:
		return b.sayHub(ctx, hub, o)
	case o.Typing:
		return b.typeHub(ctx, hub, o)
	case o.Rate != nil:
		return b.sendRating(ctx, hub, o)
	case o.End != nil:
		end := *o.End
		m, err := b.hubConversation(ctx, o.Mapping, end.Conversation)
		if err != nil {
			return err
		}
		end.Conversation = m
		return hub.End(ctx, end)
	}
	return nil // an answer waits for its turn in the lane, there is nothing to send
}

func (b *Bridge) sayHub(ctx context.Context, hub livechat.Hub, o hubOrder) error {
	say := *o.Say
	c, err := b.hubConversation(ctx, o.Mapping, say.Conversation)
	if err != nil {
		return err
	}
	if c == "" {
		return neverOpenedError{}
	}
	say.Conversation = c
	switch {
	case o.Amend != nil:
		return amendHub(ctx, hub, *o.Amend, say)
	case o.Report != nil:
		return reportHub(ctx, hub, *o.Report, say)
	}
	return sendParts(ctx, hub, say)
}

// hubParts are a text in the lengths that a hub takes.
func hubParts(hub livechat.Hub, text string) []string {
	limited, ok := hub.(livechat.Limited)
	if !ok {
		return []string{text}
	}
	limit, unit := limited.MaxText()
	return words.Split(text, limit, unit)
}

// sendParts says something to a hub in as many messages as it needs. Trying again
// says all of them again: they have keys of their own.
func sendParts(ctx context.Context, hub livechat.Hub, say livechat.Message) error {
	parts := hubParts(hub, say.Text)
	if len(parts) == 1 {
		return hub.Send(ctx, say)
	}
	key := say.Key
	for i, part := range parts {
		say.Key, say.Text = partKey(key, i+1), part
		if err := hub.Send(ctx, say); err != nil {
			return err
		}
		say.Problem, say.Variables = "", nil // said with the first
	}
	return nil
}

// open asks the hub and records its id. Whoever repeats it after a crash gets the
// same id.
func (b *Bridge) open(ctx context.Context, hub livechat.Hub, o hubOrder) error {
	if err := b.admitted(ctx, hub, o); err != nil {
		return err
	}
	id, err := hub.Open(ctx, *o.Open)
	var told interface{ Ambiguous() bool }
	if err != nil && !errors.As(err, &told) {
		return unrecordedError{err} // it does not say, so it may have
	}
	if err != nil {
		return err
	}
	q := queueState(ctx, hub, id)
	// The hub may have answered at the last moment.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.opt.Accept)
	defer cancel()
	err = mapping.Opened(ctx, b.opt.Pool, o.Mapping, id, q)
	if errors.Is(err, mapping.ErrNotFound) {
		// A hub without idempotency opened a second one after a crash. Keep the first.
		return hub.End(ctx, livechat.Ending{Conversation: id})
	}
	if err != nil {
		return unrecordedError{err}
	}
	return nil
}

// hubConversation returns the hub's id for a mapping: known when it was open as
// the order was made, for it never changes; else looked up.
func (b *Bridge) hubConversation(ctx context.Context, id mapping.ID, known livechat.ConversationID) (livechat.ConversationID, error) {
	if known != "" {
		return known, nil
	}
	m, err := mapping.Get(ctx, b.opt.Pool, id)
	return m.HubConversation, err
}

func (b *Bridge) sendTeams(ctx context.Context, o teamsOrder) error {
	if !o.Until.IsZero() {
		return b.showTyping(ctx, o)
	}
	var made string
	var err error
	switch {
	case o.Amend != nil:
		made, err = b.amendTeams(ctx, o)
	case o.Offer != nil:
		made, err = b.giveTeams(ctx, o)
	default:
		made, err = b.send(ctx, o.Post)
	}
	if s := status(err); s == http.StatusForbidden || s == http.StatusNotFound {
		return unreachableError{err}
	}
	if err == nil {
		delivery.Receive(ctx, made)
		b.arrived(o)
	}
	return err
}

// status returns the peer's status that err tells of, or 0.
func status(err error) int {
	var answer interface{ StatusCode() int }
	if errors.As(err, &answer) {
		return answer.StatusCode()
	}
	return 0
}

// unreachableError is the channel's word that nothing gets to the user: blocked
// by them or their admin, the app removed, the conversation gone ("Status codes
// from agent conversational APIs", Microsoft Teams platform documentation).
type unreachableError struct{ error }

func (e unreachableError) Unwrap() error   { return e.error }
func (unreachableError) Unreachable() bool { return true }

func (b *Bridge) sendCopilot(ctx context.Context, o copilotOrder) error {
	if o.Returns {
		m, err := mapping.Get(ctx, b.opt.Pool, o.Mapping)
		if err != nil {
			return err
		}
		if m.State != mapping.Ending {
			return nil // the user was faster: the copilot has been told in a turn
		}
	}
	_, err := b.send(ctx, o.Post)
	return err
}

// enqueue hands one message to the outbox.
func enqueue[M any](ctx context.Context, tx *delivery.Tx, d *delivery.Destination[M], h delivery.Header, m M) (bool, error) {
	item, err := d.Item(h, m)
	if err != nil {
		return false, err
	}
	fresh, err := tx.Enqueue(ctx, item)
	if err != nil {
		return false, fmt.Errorf("%s: %w", d.Name, err)
	}
	return fresh[0], nil
}
