package sandbox

import (
	"context"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/liaison-skill/liaison/internal/web"
)

// frameTimeout bounds how long a client may take to read a frame.
const frameTimeout = 10 * time.Second

// A tap is one end of an open stream.
type tap struct {
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
	mine := &tap{next: b.from}
	b.d.mu.Lock()
	taken := b.t.tap != nil
	if taken {
		b.t.refused++
	} else {
		b.t.tap = mine
		b.t.wake()
	}
	b.d.mu.Unlock()
	if taken {
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
