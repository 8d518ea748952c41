package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/gin-gonic/gin"
)

// bodyTimeout bounds how long a body may take: who lets it drip holds a
// connection and a handler, and needs no token for it.
const bodyTimeout = 15 * time.Second

// Body reads the whole request body, of at most limit bytes. A longer one is a
// 413 [Error], one that does not come in time a 408.
func Body(c *gin.Context, limit int64) ([]byte, error) {
	conn := http.NewResponseController(c.Writer)
	_ = conn.SetReadDeadline(time.Now().Add(bodyTimeout)) // a recorder has none
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, limit))
	if err == nil {
		_ = conn.SetReadDeadline(time.Time{}) // else it would cancel a handler that takes longer
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, &Error{Status: http.StatusRequestTimeout, Text: "body did not come in time", Err: err}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, &Error{Status: http.StatusRequestEntityTooLarge, Text: fmt.Sprintf("body is larger than %d bytes", limit)}
	}
	if err != nil {
		return nil, &Error{Status: http.StatusBadRequest, Text: "body could not be read", Err: err}
	}
	return body, nil
}

// Decode reads a JSON body of at most limit bytes into v, matching member names
// without regard to case. Anything else is a 400 or 413 [Error].
func Decode(c *gin.Context, limit int64, v any) error {
	body, err := Body(c, limit)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, v); err != nil {
		return &Error{Status: http.StatusBadRequest, Text: "body is not the expected JSON", Err: err}
	}
	return nil
}
