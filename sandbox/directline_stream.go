package sandbox

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/liaison-skill/liaison/internal/web"
)

// How long a client may take to read a frame, and how long a client that says nothing
// counts as one that is there.
const (
	frameTimeout = 10 * time.Second
	goneWithin   = 3 * time.Second
)

// A tap is one end of an open stream.
type tap struct {
	conn   *websocket.Conn
	next   int      // the first activity that was not sent
	frames []beside // to send beside the activities
	drop   bool     // break the connection
	hush   bool     // send nothing any more
}

// A beside is a frame to send behind the activities before at.
type beside struct {
	at   int
	body []byte
}

// A stream is a body that is an open WebSocket.
type stream struct {
	d *directLine
	t *talk
	streamTicket
}

// openStream takes the ticket of a stream's URL, which brings no header.
func (d *directLine) openStream(q request) reply {
	if q.bearer() != "" {
		d.violate("direct line: a stream was opened with a token in a header")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	key := q.Query("t")
	ticket, ok := d.tickets[key]
	delete(d.tickets, key)
	t := d.talks[ticket.talk]
	if !ok || t == nil || ticket.talk != q.param("conversation") || time.Now().After(ticket.expires) {
		return connectorError(http.StatusForbidden, "BadArgument", "Invalid stream URL")
	}
	return reply{http.StatusSwitchingProtocols, stream{d, t, ticket}}
}

// serve sends what is said until one side has enough. A stream on top of another
// is refused.
func (b stream) serve(q request) {
	conn, err := websocket.Accept(q.Writer, q.Request, nil)
	if err != nil {
		return // Accept has answered
	}
	mine := &tap{conn: conn, next: b.from}
	if !b.take(q.Request.Context(), mine) {
		_ = conn.Close(websocket.StatusPolicyViolation, "collision")
		return
	}
	ctx, cancel := context.WithCancel(q.Request.Context())
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer cancel()
		for {
			if _, _, err := conn.Read(ctx); err != nil {
				return // empty frames of the client are allowed
			}
		}
	}()
	b.feed(ctx, conn, mine)
	b.d.mu.Lock()
	b.t.tap = nil
	b.t.wake()
	b.d.mu.Unlock()
	_ = conn.CloseNow()
	<-read
}

// take makes mine the conversation's stream. One that is there already keeps its
// place, unless its client has left it, which may not have come to us yet.
func (b stream) take(ctx context.Context, mine *tap) bool {
	var asking sync.WaitGroup
	defer asking.Wait()
	ctx, cancel := context.WithTimeout(ctx, goneWithin)
	defer cancel()
	there := make(chan bool, 1)
	for asked := false; ; {
		b.d.mu.Lock()
		older, changed := b.t.tap, b.t.changed
		if older == nil {
			b.t.tap = mine
			b.t.wake()
		}
		b.d.mu.Unlock()
		if older == nil {
			return true
		}
		if !asked {
			asked = true
			asking.Go(func() {
				if older.conn.Ping(ctx) == nil {
					there <- true
				}
			})
		}
		select {
		case <-changed:
			continue
		case <-there:
		case <-ctx.Done():
		}
		b.d.mu.Lock()
		b.t.refused++
		b.d.mu.Unlock()
		return false
	}
}

// feed writes to conn what there is, and waits for more.
func (b stream) feed(ctx context.Context, conn *websocket.Conn, mine *tap) {
	for {
		frames, changed, drop := b.pending(mine)
		if drop {
			return
		}
		for _, frame := range frames {
			if write(ctx, conn, frame) != nil {
				return
			}
		}
		if len(frames) > 0 {
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		case <-web.Draining(ctx):
			_ = conn.Close(websocket.StatusGoingAway, "")
			return
		}
	}
}

// pending takes what is to be sent.
func (b stream) pending(mine *tap) (frames [][]byte, changed <-chan struct{}, drop bool) {
	b.d.mu.Lock()
	defer b.d.mu.Unlock()
	if mine.hush {
		return nil, b.t.changed, mine.drop
	}
	said := func(to int) {
		if mine.next < to {
			frames = append(frames, encode(b.t.set(mine.next, to)))
			mine.next = to
		}
	}
	for _, f := range mine.frames {
		said(f.at)
		frames = append(frames, f.body)
	}
	mine.frames = nil
	said(len(b.t.log))
	return frames, b.t.changed, mine.drop
}

func write(ctx context.Context, conn *websocket.Conn, frame []byte) error {
	ctx, cancel := context.WithTimeout(ctx, frameTimeout)
	defer cancel()
	return conn.Write(ctx, websocket.MessageText, frame)
}
