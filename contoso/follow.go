package contoso

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

const (
	// eventPoll finds what other processes on the same database recorded.
	eventPoll = time.Second
	eventPing = 15 * time.Second
)

// A numbered is one event of a stream.
type numbered interface{ number() int64 }

func (e event) number() int64    { return e.Seq }
func (e ownEvent) number() int64 { return e.Seq }

// A follower is whom a stream is for.
type follower[E numbered] struct {
	after int64 // the number of the last event they saw
	// read returns what was recorded after a number, at most eventBatch.
	read func(ctx context.Context, tx pgx.Tx, after int64) ([]E, error)
	// watch returns what tells that there may be events, and that they may have to
	// leave. It is called before a read, or a change in between would be missed.
	watch func() (news, left <-chan struct{})
	poll  <-chan time.Time // nil: what other processes record is news as well
	stays func() bool      // whether they still may read
}

// follow sends until the reader leaves or may not read any more, the server drains,
// or the database does not answer: the reader then comes back with the last id they
// saw.
func follow[E numbered](ctx context.Context, a *App, stream *web.Stream, f follower[E]) {
	ping := time.NewTicker(eventPing)
	defer ping.Stop()
	for {
		news, left := f.watch()
		events, err := f.next(ctx, a)
		if err != nil {
			if ctx.Err() == nil {
				a.Log.WarnContext(ctx, "event stream ended early", "err", err)
			}
			return
		}
		for _, e := range events {
			if stream.Send(e.number(), "change", e) != nil {
				return
			}
			f.after = e.number()
		}
		if len(events) == eventBatch {
			continue
		}
		select {
		case <-news:
		case <-f.poll:
		case <-left:
			if !f.stays() {
				return
			}
		case <-ping.C:
			if !f.stays() || stream.Ping() != nil {
				return
			}
		case <-ctx.Done():
			return
		case <-web.Draining(ctx):
			return
		}
	}
}

func (f *follower[E]) next(ctx context.Context, a *App) (events []E, err error) {
	err = pgx.BeginTxFunc(ctx, a.DB, snapshot(), func(tx pgx.Tx) error {
		events, err = f.read(ctx, tx, f.after)
		return err
	})
	return events, err
}
