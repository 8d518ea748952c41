package relay

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/texts"
	"github.com/liaison-skill/liaison/words"
)

// A canvasOrder is one thing that a hub's chat is told. One of its last members
// says what.
type canvasOrder struct {
	Relay ID    `json:"relay"`
	Turn  int64 `json:"turn"`

	Show   *livechat.BotMessage `json:"show,omitempty"`
	Pass   *livechat.Passing    `json:"pass,omitempty"`
	Finish string               `json:"finish,omitempty"` // the key to do it under
}

// sendCanvas makes one attempt at an order. One of another turn is dropped.
func (r *Relay) sendCanvas(ctx context.Context, canvas livechat.Canvas, o canvasOrder) error {
	w, err := get(ctx, r.opt.Pool, o.Relay)
	switch {
	case err != nil:
		return err
	case w == nil || w.Turn != o.Turn:
		return nil
	case o.Show != nil:
		return canvas.Show(ctx, *o.Show)
	case o.Pass != nil:
		return canvas.Pass(ctx, *o.Pass)
	}
	return canvas.Finish(ctx, w.Conversation, o.Finish)
}

// canvasSettled runs when people have taken over, and when the hub refuses
// something.
func (r *Relay) canvasSettled(ctx context.Context, tx *delivery.Tx, o canvasOrder, s delivery.Settlement) error {
	w, err := lock(ctx, tx, o.Relay)
	if err != nil || w == nil || w.Turn != o.Turn {
		return err
	}
	if w.State == Ended {
		return overruled(ctx, tx, w, o, s)
	}
	gone := s.Status == http.StatusNotFound || s.Status == http.StatusGone
	taken := s.Status == http.StatusConflict // people at the hub have control already
	switch {
	case o.Pass != nil && (s.Delivered || taken) && w.State == Passing:
		return move(ctx, tx, w, People)
	case s.Delivered, s.Held:
		return nil
	case gone:
		return r.ended(ctx, tx, w)
	case o.Pass != nil:
		return r.notPassed(ctx, tx, w)
	case o.Show != nil && taken && w.State == Copilot: // else they still learn what the copilot knows
		return move(ctx, tx, w, People)
	case o.Show != nil && o.Show.Format == livechat.Markdown && w.State == Copilot: // the copilot's words, not ours
		return r.notify(ctx, tx, w, texts.CopilotLineUnshown())
	}
	return nil
}

// overruled is what comes of an end by the copilot that people were faster than:
// they have the user, and may give them back.
func overruled(ctx context.Context, tx *delivery.Tx, w *row, o canvasOrder, s delivery.Settlement) error {
	if o.Finish == "" || s.Delivered || s.Status != http.StatusConflict {
		return nil
	}
	return move(ctx, tx, w, People)
}

// notPassed leaves the user with the copilot, and tells both.
func (r *Relay) notPassed(ctx context.Context, tx *delivery.Tx, w *row) error {
	if w.State != Passing {
		return nil
	}
	if err := change(ctx, tx, w, Copilot, 0); err != nil { // what the user said meanwhile waits for it
		return err
	}
	if err := r.notify(ctx, tx, w, texts.StartFailed()); err != nil {
		return err
	}
	return r.tellUnavailable(ctx, tx, w, "refused")
}

// show promises the user a line of ours.
func (r *Relay) show(ctx context.Context, tx *delivery.Tx, w *row, key, text string) error {
	d, ok := r.toCanvas[w.Hub]
	if !ok {
		return nil // the hub is not configured any more
	}
	_, err := enqueue(ctx, tx, d, delivery.Header{Conversation: lane(w.ID)}, canvasOrder{
		Relay: w.ID, Turn: w.Turn, Show: &livechat.BotMessage{Conversation: w.Conversation, Key: newKey(key), Text: text},
	})
	return err
}

// shown are the orders that show a user what the copilot said: several where the
// hub takes no text of that length. The last has the choices.
func (r *Relay) shown(w *row, key, sender string, s said) []canvasOrder {
	parts := []string{words.Inert(s.text)}
	if able, ok := r.opt.Canvases[w.Hub].(livechat.Limited); ok {
		limit, unit := able.MaxText()
		parts = words.Split(parts[0], limit, unit)
	}
	orders := make([]canvasOrder, len(parts))
	for i, text := range parts {
		m := livechat.BotMessage{
			Conversation: w.Conversation, Key: key, Sender: words.Inert(sender), Text: text, Format: livechat.Markdown,
		}
		if i > 0 {
			m.Key = fmt.Sprintf("%s (%d)", key, i+1)
		}
		if i == len(parts)-1 && !s.offered.Numbered {
			m.Choices = s.offered.choices()
		}
		orders[i] = canvasOrder{Relay: w.ID, Turn: w.Turn, Show: &m}
	}
	return orders
}

// maxChoices is how many choices a canvas shows; 0 is none.
func maxChoices(canvas livechat.Canvas) int {
	if able, ok := canvas.(livechat.Chooses); ok {
		return able.MaxChoices()
	}
	return 0
}

// offered is what the copilot suggested last.
type offered struct {
	Numbered bool     `json:"numbered,omitempty"` // shown as a list: the user may answer with a number
	Options  []option `json:"options"`
}

// An option is one thing the user may say, by its title.
type option struct {
	Title string          `json:"title"`
	Value string          `json:"value"`
	Data  json.RawMessage `json:"data,omitempty"` // said in place of Value
}

// maxOffered bounds what is suggested at once: who would read more?
const maxOffered = 100

// bound leaves out what nobody would read, and gives buttons that submit something
// values of their own: two cards may have one of the same name.
func (o *offered) bound() {
	o.Options = o.Options[:min(len(o.Options), maxOffered)]
	taken := map[string]bool{}
	for _, one := range o.Options {
		taken[one.Value] = taken[one.Value] || len(one.Data) == 0
	}
	for n := range o.Options {
		one := &o.Options[n]
		if len(one.Data) == 0 {
			continue
		}
		for name, i := one.Value, 2; taken[one.Value]; i++ {
			one.Value = fmt.Sprintf("%s (%d)", name, i)
		}
		taken[one.Value] = true
	}
}

func (o offered) choices() []livechat.Choice {
	var all []livechat.Choice
	for _, one := range o.Options {
		all = append(all, livechat.Choice{Title: words.Inert(cmp.Or(one.Title, one.Value)), Value: one.Value})
	}
	return all
}

// list is the options as lines of Markdown.
func (o offered) list() string {
	var b strings.Builder
	for n, one := range o.Options {
		fmt.Fprintf(&b, "\n%d. %s", n+1, words.Literal(cmp.Or(one.Title, one.Value)))
	}
	return b.String()
}

// find returns the option that a user's words choose, or nil.
func (o *offered) find(text, value string) *option {
	if o == nil {
		return nil
	}
	text = strings.TrimSpace(text)
	for n, one := range o.Options {
		switch {
		case value != "" && one.Value == value:
			return &o.Options[n]
		case value != "":
		case o.Numbered && (text == fmt.Sprint(n+1) || text == fmt.Sprintf("%d.", n+1)):
			return &o.Options[n]
		case strings.EqualFold(text, one.Title):
			return &o.Options[n]
		}
	}
	return nil
}

// said is what the user says, or chooses.
func (w *row) said(e livechat.CanvasEvent) copilotOrder {
	if one := w.Choices.find(e.Text, e.Value); one != nil {
		if len(one.Data) > 0 {
			return copilotOrder{Value: one.Data}
		}
		return copilotOrder{Text: one.Value}
	}
	return copilotOrder{Text: cmp.Or(e.Value, e.Text)}
}

const offerSQL = `
	UPDATE relay
	SET choices = @choices
	WHERE id = @id`

// offer keeps what the copilot suggests.
func offer(ctx context.Context, db DB, w *row, o offered) error {
	var choices *string
	if len(o.Options) > 0 {
		raw, err := json.Marshal(o)
		if err != nil {
			return fmt.Errorf("encode choices: %w", err)
		}
		choices = new(string(raw))
	}
	if _, err := db.Exec(ctx, offerSQL, pgx.NamedArgs{"id": w.ID, "choices": choices}); err != nil {
		return fmt.Errorf("keep choices: %w", err)
	}
	return nil
}
