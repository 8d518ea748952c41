package directline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/liaison-skill/liaison/activity"
)

// A Batch is what the copilot said, oldest first, and that it is typing. State is true once all of it has
// been handled: keep it together with what was done.
type Batch struct {
	Activities []Activity
	State      State
}

// errParked ends listening to a conversation in which nobody talks.
var errParked = errors.New("parked")

// A hearError is the caller's own.
type hearError struct{ cause error }

func (e *hearError) Error() string { return e.cause.Error() }

// Listen gives what the copilot says to hear, one batch after the other, until
// nothing has been said either way for [Pace.Quiet]; then it returns nil, and the
// conversation holds nothing open. Listen again after the next post: what was said
// between comes then.
//
// It returns the error of hear, whose batch has not been heard then, that of ctx, a
// [*LostError], or a permanent error of polling. It outlasts all others, also of streams.
func (c *Conversation) Listen(ctx context.Context, hear func(context.Context, Batch) error) error {
	if !c.claim() {
		return ErrListening
	}
	defer c.release()
	l := &listener{Conversation: c, hear: hear, pace: c.c.Pace.withDefaults()}
	c.touch()
	delay, level := l.pace.Retry, slog.LevelWarn
	for {
		began := time.Now()
		err := l.listen(ctx)
		if errors.Is(err, errParked) {
			return nil
		}
		if mine, ok := errors.AsType[*hearError](err); ok {
			return mine.cause
		}
		if ctx.Err() != nil {
			return fmt.Errorf("listen to copilot: %w", ctx.Err())
		}
		if permanent(err) {
			return fmt.Errorf("listen to copilot: %w", err)
		}
		if time.Since(began) > l.pace.MaxRetry {
			delay, level = l.pace.Retry, slog.LevelWarn
		}
		if !errors.Is(err, errDropped) { // streams come and go
			c.c.log().Log(ctx, level, "direct line stream not had", "conversation", c.State().Conversation, "err", err)
			level = slog.LevelDebug // until there was one
		}
		if err := l.pause(ctx, max(jitter(delay), asked(err))); err != nil {
			return fmt.Errorf("listen to copilot: %w", err)
		}
		delay = min(2*delay, l.pace.MaxRetry)
	}
}

// A listener is one call of Listen.
type listener struct {
	*Conversation
	hear func(context.Context, Batch) error
	pace Pace
}

// listen follows a stream. When it ends, what may have come meanwhile is polled:
// where no stream can be had, for whatever reason, that is all there is, and who
// parks leaves nothing behind.
func (l *listener) listen(ctx context.Context) error {
	ended := l.follow(ctx)
	_, mine := errors.AsType[*hearError](ended)
	_, gone := errors.AsType[*LostError](ended)
	if mine || gone || ctx.Err() != nil {
		return ended
	}
	if err := l.poll(ctx); err != nil {
		return err
	}
	switch {
	case l.quiet():
		return errParked
	case errors.Is(ended, errParked): // not after what the poll has brought
		return errDropped
	}
	return ended
}

func (l *listener) poll(ctx context.Context) error {
	latest, err := l.read(ctx, l.State().Watermark)
	if err != nil {
		return err
	}
	return l.take(ctx, latest)
}

// take gives what is new in a set to hear, and moves on if that is content.
func (l *listener) take(ctx context.Context, in set) error {
	if in.unreadable > 0 {
		l.c.log().WarnContext(ctx, "direct line activities unreadable", "conversation", l.State().Conversation, "count", in.unreadable)
	}
	next := l.State()
	fresh, moved := l.sift(&next, in)
	if !moved && len(in.activities) > 0 {
		return nil // a copy, with a watermark of long ago
	}
	if in.watermark != "" {
		next.Watermark = in.watermark
	}
	if len(fresh) > 0 {
		if err := l.hear(ctx, Batch{fresh, next.clone()}); err != nil {
			return &hearError{err}
		}
		l.touch()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.Watermark, l.state.Heard, l.state.Said = next.Watermark, next.Heard, next.Said
	return nil
}

// sift returns what the copilot said and was not heard before, and whether
// anything is new at all. What is typed at the moment has no place in the past.
func (l *listener) sift(next *State, in set) (fresh []Activity, moved bool) {
	for _, a := range in.activities {
		if a.ID != "" && slices.Contains(next.Heard, a.ID) {
			continue
		}
		moved = true
		if a.ID != "" && a.Type != activity.TypeTyping {
			next.Heard = remember(next.Heard, a.ID, keepHeard)
		}
		if !l.own(a) {
			fresh = append(fresh, a)
			continue
		}
		if key := said(a.Activity); key != "" {
			next.Said = remember(next.Said, key, keepSaid)
		}
	}
	return fresh, moved
}

// quiet reports whether nobody talks any more.
func (l *listener) quiet() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.used) >= l.pace.Quiet
}

func (*listener) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Conversation) claim() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.listening {
		return false
	}
	c.listening = true
	return true
}

func (c *Conversation) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listening = false
}

// jitter spreads those who lost their streams at the same moment.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }

// asked is the time a peer asked for.
func asked(err error) time.Duration {
	var patience interface{ RetryAfter() time.Duration }
	if errors.As(err, &patience) {
		return patience.RetryAfter()
	}
	return 0
}
