package relay

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"time"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/directline"
	"github.com/liaison-skill/liaison/texts"
)

// A copilotOrder is one thing that the copilot is told. One of its members after
// Key says what.
type copilotOrder struct {
	Relay ID     `json:"relay"`
	Turn  int64  `json:"turn"`
	Key   string `json:"key"` // the same key is one post

	Text   string          `json:"text,omitempty"`   // the user said it
	Value  json.RawMessage `json:"value,omitempty"`  // the user pressed a button with it
	Open   bool            `json:"open,omitempty"`   // somebody is there
	Typing bool            `json:"typing,omitempty"` // worth one attempt until Until
	Back   bool            `json:"back,omitempty"`   // people gave the conversation back
	End    bool            `json:"end,omitempty"`
	Until  time.Time       `json:"until,omitzero"`
}

// newKey returns a key to post under: the hub's own, or one nobody has.
func newKey(of string) string {
	if of == "" {
		return rand.Text()
	}
	return of
}

// passingError holds the user's words back until it is known who gets them.
type passingError struct{}

func (passingError) Error() string             { return "people are about to take over" }
func (passingError) Waiting() bool             { return true }
func (passingError) RetryAfter() time.Duration { return lookAgain }

// lookAgain is the wait of words whose copilot has let go already.
const lookAgain = 500 * time.Millisecond

// sendCopilot makes one attempt at an order. An order of another turn is nobody's
// any more.
func (r *Relay) sendCopilot(ctx context.Context, o copilotOrder) error {
	w, err := get(ctx, r.opt.Pool, o.Relay)
	switch {
	case err != nil:
		return err
	case w == nil || w.Turn != o.Turn:
		return nil
	case o.End:
		return r.takeLeave(ctx, w, o)
	case o.Typing:
		r.showCopilot(ctx, w, o)
		return nil
	case w.State == Passing:
		return passingError{}
	case w.State != Copilot:
		return nil
	}
	err = r.tell(ctx, w, o, delivery.InDoubt(ctx))
	if _, gone := errors.AsType[*directline.LostError](err); gone {
		if _, err := lose(ctx, r.opt.Pool, w); err != nil {
			return err
		}
		w.Token, w.Awake = nil, false
		return r.tell(ctx, w, o, false)
	}
	return err
}

// tell posts an order in the conversation there is, or in a new one.
func (r *Relay) tell(ctx context.Context, w *row, o copilotOrder, again bool) error {
	c, fresh, err := r.conversation(ctx, w)
	if err != nil {
		return err
	}
	anew := !w.Introduced
	if anew {
		if err := r.introduce(ctx, w, c, !fresh); err != nil {
			return err
		}
	}
	if err := r.sayUnavailable(ctx, w, c); err != nil {
		return err
	}
	posts, err := r.posts(w, o, anew)
	if err != nil {
		return err
	}
	for n, p := range posts {
		p.Again = again
		err := c.Post(ctx, p)
		switch {
		case err != nil && n > 0:
			return unnotedError{err}
		case err != nil:
			return err
		}
	}
	if err = r.renewed(ctx, w, c.State()); err == nil {
		err = r.awaken(ctx, w) // while it was posted, whoever listened may have had enough
	}
	if err != nil {
		return unnotedError{err}
	}
	return nil
}

// unnotedError is what failed after something was posted: to do it all again would
// post that twice, unless it is looked for.
type unnotedError struct{ error }

func (e unnotedError) Unwrap() error { return e.error }

// Ambiguous follows the conventions of [delivery.Outcome].
func (unnotedError) Ambiguous() bool { return true }

// posts is what an order says to the copilot. One that begins anew knows already
// what became of the conversation.
func (r *Relay) posts(w *row, o copilotOrder, anew bool) ([]directline.Post, error) {
	switch {
	case o.Open:
		return nil, nil
	case o.Back:
		return r.back(w, o, anew)
	}
	a := activity.Activity{Type: activity.TypeMessage, Text: o.Text, TextFormat: activity.FormatPlain, Locale: w.User.Locale}
	a.From.Name = w.User.Name
	if len(o.Value) > 0 { // as Web Chat says what a card's button submits
		a.Value, a.ChannelData = o.Value, json.RawMessage(`{"postBack":true}`)
	}
	return []directline.Post{{Key: o.Key, Activity: a}}, nil
}

// back tells the copilot that it has control again.
func (r *Relay) back(w *row, o copilotOrder, anew bool) ([]directline.Post, error) {
	var posts []directline.Post
	if !anew {
		a, err := directline.SetContext(w.Known)
		if err != nil {
			return nil, err
		}
		posts = append(posts, directline.Post{Key: o.Key + "/context", Activity: a})
	}
	if r.opt.Config.Returned != off {
		a, err := event(r.opt.Config.Returned, map[string]any{"reason": w.Known[knownReason], "summary": w.Known[knownSummary]})
		if err != nil {
			return nil, err
		}
		posts = append(posts, directline.Post{Key: o.Key + "/event", Activity: a})
	}
	return posts, nil
}

// showCopilot is worth one attempt, soon: whatever comes of it, it is done.
func (r *Relay) showCopilot(ctx context.Context, w *row, o copilotOrder) {
	if w.State != Copilot || w.Token == nil || !w.Introduced || time.Now().After(o.Until) {
		return
	}
	ctx, cancel := context.WithDeadline(ctx, o.Until)
	defer cancel()
	c := r.opt.Copilot.Resume(w.state())
	err := c.Post(ctx, directline.Post{Key: o.Key, Activity: activity.Activity{Type: activity.TypeTyping}})
	if err != nil {
		r.opt.Log.DebugContext(ctx, "typing not shown to the copilot", "err", err)
	}
}

// takeLeave tells the copilot that the user is gone, if it is still there, and
// forgets the conversation with it.
func (r *Relay) takeLeave(ctx context.Context, w *row, o copilotOrder) error {
	if w.Token == nil {
		return nil
	}
	c := r.opt.Copilot.Resume(w.state())
	err := c.Post(ctx, directline.Post{
		Key: o.Key, Again: delivery.InDoubt(ctx),
		Activity: activity.Activity{Type: activity.TypeEndOfConversation, Code: activity.CodeCompleted},
	})
	var verdict interface{ Permanent() bool }
	if refused := errors.As(err, &verdict) && verdict.Permanent(); err != nil && !refused {
		return err
	}
	_, err = lose(ctx, r.opt.Pool, w)
	return err
}

// copilotSettled tells the user of words that the copilot did not take.
func (r *Relay) copilotSettled(ctx context.Context, tx *delivery.Tx, o copilotOrder, s delivery.Settlement) error {
	if s.Delivered || o.Typing || o.End || o.Back || o.Open {
		return nil
	}
	w, err := lock(ctx, tx, o.Relay)
	if err != nil || w == nil || w.Turn != o.Turn {
		return err
	}
	return r.notify(ctx, tx, w, texts.CopilotLineFailed())
}

// event is an event with a value.
func event(name string, value map[string]any) (activity.Activity, error) {
	raw, err := json.Marshal(value)
	return activity.Activity{Type: activity.TypeEvent, Name: name, Value: raw}, err
}
