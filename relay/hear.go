package relay

import (
	"context"
	"fmt"
	"time"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/livechat"
)

// Bounds of showing that somebody is typing.
const (
	typingEvery = 3 * time.Second
	typingWorth = 3 * time.Second // later it says nothing
)

// Hear takes one thing that happened in a hub's chat. It returns [ErrEnded] when
// somebody talks in a conversation that is over, and [ErrNotNow] when they talk to
// a copilot without control.
func (r *Relay) Hear(ctx context.Context, hub string, e livechat.CanvasEvent) error {
	err := r.commit(ctx, func(ctx context.Context, tx *delivery.Tx) error {
		w, err := r.locked(ctx, tx, hub, e)
		if err != nil || w == nil {
			return err
		}
		if w.State == Ended && e.Kind != livechat.CanvasEnded {
			return ErrEnded
		}
		if e.Kind == livechat.CanvasTyping {
			return r.userTypes(ctx, tx, w)
		}
		fresh, err := tx.Accept(ctx, scope(hub, e.Conversation), e.ID)
		if err != nil || !fresh {
			return err
		}
		return r.obey(ctx, tx, w, e)
	})
	if err != nil {
		return fmt.Errorf("hear %s: %w", e.Kind, err)
	}
	return nil
}

// scope is where a hub's event ids are unique.
func scope(hub string, c livechat.ConversationID) string {
	return canvasDestination(hub) + "|" + string(c)
}

// locked returns the relay that an event is of. What is nothing to begin with
// begins none.
func (*Relay) locked(ctx context.Context, tx *delivery.Tx, hub string, e livechat.CanvasEvent) (*row, error) {
	switch e.Kind {
	case livechat.CanvasTyping, livechat.CanvasEnded:
		return lockByHub(ctx, tx, hub, e.Conversation)
	case livechat.CanvasOpened, livechat.CanvasAsked, livechat.CanvasReturned:
		return take(ctx, tx, hub, e)
	}
	return nil, nil //nolint:nilnil // an event of a hub that knows more than we do
}

func (r *Relay) obey(ctx context.Context, tx *delivery.Tx, w *row, e livechat.CanvasEvent) error {
	switch e.Kind {
	case livechat.CanvasOpened:
		if w.State == Copilot {
			return r.promise(ctx, tx, w, e.ID, copilotOrder{Open: true})
		}
	case livechat.CanvasAsked:
		if w.State != Copilot { // once people take over, what is promised here is dropped
			return ErrNotNow
		}
		return r.promise(ctx, tx, w, e.ID, w.said(e))
	case livechat.CanvasReturned:
		return r.returned(ctx, tx, w, e)
	case livechat.CanvasEnded:
		return r.ended(ctx, tx, w)
	case livechat.CanvasTyping:
	}
	return nil
}

// promise promises the copilot something. Under key it can be traced.
func (r *Relay) promise(ctx context.Context, tx *delivery.Tx, w *row, key string, o copilotOrder) error {
	o.Relay, o.Turn = w.ID, w.Turn
	if o.Key == "" {
		o.Key = newKey(key)
	}
	_, err := enqueue(ctx, tx, r.toCopilot, delivery.Header{Conversation: lane(w.ID), Key: key}, o)
	return err
}

// userTypes shows the copilot that the user is typing. It is not promised.
func (r *Relay) userTypes(ctx context.Context, tx *delivery.Tx, w *row) error {
	if w.State != Copilot || !w.Awake {
		return nil
	}
	// One in each span of time: the rest are repeats.
	span := time.Now().Unix() / int64(typingEvery/time.Second)
	fresh, err := tx.Accept(ctx, scope(w.Hub, w.Conversation), fmt.Sprintf("typing %d", span))
	if err != nil || !fresh {
		return err
	}
	return r.promise(ctx, tx, w, "", copilotOrder{Typing: true, Until: time.Now().Add(typingWorth)})
}

// returned gives control back to the copilot, which is told what became of it and
// then what the user said last.
func (r *Relay) returned(ctx context.Context, tx *delivery.Tx, w *row, e livechat.CanvasEvent) error {
	// People may have had control without our knowing yet: a turn has ended either way.
	if err := move(ctx, tx, w, Copilot); err != nil {
		return err
	}
	if w.Known == nil {
		w.Known = map[string]any{}
	}
	w.Known[knownReason], w.Known[knownSummary] = e.Reason, e.Summary
	if err := know(ctx, tx, w); err != nil {
		return err
	}
	if err := r.promise(ctx, tx, w, e.ID, copilotOrder{Back: true}); err != nil {
		return err
	}
	for n, text := range e.Pending {
		key := fmt.Sprintf("%s (%d)", e.ID, n+1)
		if e.ID == "" {
			key = ""
		}
		if err := r.promise(ctx, tx, w, key, copilotOrder{Text: text}); err != nil {
			return err
		}
	}
	return nil
}

// ended drops what is still promised, and takes leave of the copilot.
func (r *Relay) ended(ctx context.Context, tx *delivery.Tx, w *row) error {
	if w.State == Ended {
		return nil
	}
	if err := move(ctx, tx, w, Ended); err != nil {
		return err
	}
	return r.promise(ctx, tx, w, "", copilotOrder{End: true})
}
