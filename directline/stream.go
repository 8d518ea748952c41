package directline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
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
	conn, err := l.dial(ctx)
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
	// Without a watermark, a stream begins now and not where listening ended.
	if l.State().Watermark == "" {
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
	for range frames { //nolint:revive // waits for the reader
	}
	return err
}

// frames takes frame after frame, and between them looks at the token, at whether
// anybody talks, and at the connection: only who writes learns that it is dead.
func (l *listener) frames(ctx context.Context, conn *websocket.Conn, frames <-chan []byte) error {
	tick := time.NewTicker(l.pace.Tick)
	defer tick.Stop()
	for {
		select {
		case data, ok := <-frames:
			if !ok {
				return cmp.Or(ctx.Err(), errDropped)
			}
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
			if err := alive(ctx, conn, l.pace.Tick); err != nil {
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
func alive(ctx context.Context, conn *websocket.Conn, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if conn.Write(ctx, websocket.MessageText, nil) != nil {
		return errDropped
	}
	return nil
}

// dial opens the stream that is on offer, or asks for one that begins at the
// watermark.
func (c *Conversation) dial(ctx context.Context) (*websocket.Conn, error) {
	target, err := c.offered(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.c.Trusted("http" + strings.TrimPrefix(target, "ws")); err != nil {
		return nil, fmt.Errorf("open stream: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.c.Timeout, defaultTimeout))
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

// offered takes the URL of a stream, which is good once and not for long, or asks
// for one.
func (c *Conversation) offered(ctx context.Context) (string, error) {
	take := func() string {
		c.mu.Lock()
		defer c.mu.Unlock()
		target := c.stream
		c.stream = ""
		if time.Now().After(c.streamBy) {
			return ""
		}
		return target
	}
	if target := take(); target != "" {
		return target, nil
	}
	if err := c.Refresh(ctx); err != nil && permanent(err) {
		return "", err
	}
	err := c.reconnect(ctx, c.State().Token)
	if isExpired(err) {
		err = c.renew(ctx, c.State().Token, err)
	}
	if err != nil {
		return "", err
	}
	target := take()
	if target == "" {
		return "", errors.New("open stream: none is offered")
	}
	return target, nil
}
