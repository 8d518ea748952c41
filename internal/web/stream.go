package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
)

// writeTimeout bounds one write to a reader that does not read.
const writeTimeout = 15 * time.Second

// A Stream is a response of server-sent events
// (https://html.spec.whatwg.org/multipage/server-sent-events.html). It is not
// safe for concurrent use.
type Stream struct {
	w    gin.ResponseWriter
	ctrl *http.ResponseController
}

// NewStream begins a stream and tells the reader to come back after a second
// when it breaks.
func NewStream(c *gin.Context) (*Stream, error) {
	h := c.Writer.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies that buffer would hold lines back
	c.Status(http.StatusOK)
	s := &Stream{w: c.Writer, ctrl: http.NewResponseController(c.Writer)}
	return s, s.write("retry: 1000\n\n")
}

// Send writes one event. The reader repeats the last non-zero id it saw in
// Last-Event-ID when it reconnects.
func (s *Stream) Send(id int64, event string, data any) error {
	encoded, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	var line string
	if id > 0 {
		line = "id: " + strconv.FormatInt(id, 10) + "\n"
	}
	return s.write(line + "event: " + event + "\ndata: " + string(encoded) + "\n\n")
}

// Ping writes a comment, which keeps proxies and the reader's timer content.
func (s *Stream) Ping() error { return s.write(": ping\n\n") }

func (s *Stream) write(text string) error {
	// The server's own deadline is for answers; streams are long.
	if err := s.ctrl.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return fmt.Errorf("event stream: %w", err)
	}
	if _, err := s.w.WriteString(text); err != nil {
		return fmt.Errorf("event stream: %w", err)
	}
	if err := s.ctrl.Flush(); err != nil {
		return fmt.Errorf("event stream: %w", err)
	}
	// HTTP/2 ends a stream whose deadline passes even while nothing is written.
	if err := s.ctrl.SetWriteDeadline(time.Time{}); err != nil {
		return fmt.Errorf("event stream: %w", err)
	}
	return nil
}

// LastEventID returns the id of the last event the reader saw, from the header
// or, for a first connection that knows where it stands, from ?after=. It is 0
// when there is none.
func LastEventID(c *gin.Context) int64 {
	for _, text := range []string{c.GetHeader("Last-Event-ID"), c.Query("after")} {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil && id > 0 {
			return id
		}
	}
	return 0
}
