package directline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

// errDropped is a stream that the other side, or the network, has ended. Why is
// not told: a peer's reason may be anybody's words.
var errDropped = errors.New("stream ended")

// follow opens a stream and takes what comes, until it ends.
func (l *listener) follow(ctx context.Context) error {
	stream, err := l.offered(ctx)
	if err != nil {
		return err
	}
	conn, err := l.dial(ctx, stream.url)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	frames := make(chan []byte)
	go func() {
		defer close(frames)
		for {
			_, data, err := conn.Read(ctx)
			if err != nil {
				return
			}
			select {
			case frames <- data:
			case <-ctx.Done():
				return
			}
		}
	}()
	if stream.now {
		err = l.poll(ctx)
	}
	if err == nil {
		err = l.frames(ctx, conn, frames)
	}
	if errors.Is(err, errParked) {
		_ = conn.Close(websocket.StatusNormalClosure, "")
	}
	cancel()
	_ = conn.CloseNow()
	for range frames { // until the reader is gone
		continue
	}
	return err
}

// frames takes frame after frame, and between them looks at the token, at whether
// anybody talks, and at the connection: only who writes learns that it is dead, and
// only who polls, that it is forgotten on the way.
func (l *listener) frames(ctx context.Context, conn *websocket.Conn, frames <-chan []byte) error {
	tick := time.NewTicker(l.pace.Tick)
	defer tick.Stop()
	last, silence := time.Now(), l.pace.Tick
	for {
		select {
		case data, ok := <-frames:
			if !ok {
				return cmp.Or(ctx.Err(), errDropped)
			}
			last, silence = time.Now(), l.pace.Tick
			if err := l.frame(ctx, data); err != nil {
				return err
			}
		case <-tick.C:
			if l.quiet() {
				return errParked
			}
			if err := l.Refresh(ctx); err != nil && permanent(err) {
				return err
			}
			if err := l.alive(ctx, conn); err != nil {
				return err
			}
			if time.Since(last) < silence {
				continue
			}
			silence *= 2
			if err := l.missed(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// frame takes one frame. An empty one only says that the stream lives.
func (l *listener) frame(ctx context.Context, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	in, err := readSet(data)
	if err != nil {
		l.c.log().WarnContext(ctx, "direct line frame unreadable", "conversation", l.State().Conversation, "bytes", len(data))
		return nil
	}
	return l.take(ctx, in)
}

// alive sends an empty frame, as Microsoft's own client does.
func (l *listener) alive(ctx context.Context, conn *websocket.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, l.c.timeout())
	defer cancel()
	if conn.Write(ctx, websocket.MessageText, nil) != nil {
		return errDropped
	}
	return nil
}

// missed looks for what a silent stream should have brought. If there is something,
// the stream is dead.
func (l *listener) missed(ctx context.Context) error {
	before := l.State().Heard
	err := l.poll(ctx)
	_, mine := errors.AsType[*hearError](err)
	switch {
	case mine || permanent(err) || ctx.Err() != nil:
		return err
	case !slices.Equal(before, l.State().Heard):
		return errDropped
	}
	return nil // where polling fails, the stream may live
}

// dial opens a stream.
func (c *Conversation) dial(ctx context.Context, target string) (*websocket.Conn, error) {
	if err := c.c.Trusted("http" + strings.TrimPrefix(target, "ws")); err != nil {
		return nil, fmt.Errorf("open stream: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.c.timeout())
	defer cancel()
	conn, resp, err := websocket.Dial(ctx, target, &websocket.DialOptions{ //nolint:bodyclose // the library reads it and puts a copy in its place
		HTTPClient: jsonhttp.NewClient(0, c.c.transport()),
	})
	switch {
	case err == nil:
		conn.SetReadLimit(maxSet)
		return conn, nil
	case resp != nil && resp.StatusCode >= http.StatusInternalServerError, resp != nil && resp.StatusCode == http.StatusTooManyRequests:
		return nil, fmt.Errorf("open stream: %w", jsonhttp.StatusError(resp))
	case resp != nil:
		return nil, fmt.Errorf("open stream: status %d", resp.StatusCode) // its URL is used up, the conversation is not
	}
	return nil, fmt.Errorf("open stream: %w", jsonhttp.Cause(err))
}

// offered takes the stream on offer, which is good once and not for long, or asks
// for one.
func (c *Conversation) offered(ctx context.Context) (offer, error) {
	if stream, ok := c.takeOffer(); ok {
		return stream, nil
	}
	if err := c.Refresh(ctx); err != nil && permanent(err) {
		return offer{}, err
	}
	token := c.State().Token
	err := c.reconnect(ctx, token)
	if isExpired(err) {
		err = c.renew(ctx, token, err)
	}
	if err != nil {
		return offer{}, err
	}
	stream, ok := c.takeOffer()
	if !ok {
		return offer{}, errors.New("open stream: none is offered")
	}
	return stream, nil
}

func (c *Conversation) takeOffer() (offer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stream := c.stream
	c.stream = offer{}
	return stream, stream.url != "" && time.Now().Before(stream.until)
}
