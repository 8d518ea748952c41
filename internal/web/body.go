package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"
)

// Body reads the whole request body, of at most limit bytes. A longer one is a
// 413 [Error].
func Body(c *gin.Context, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, limit))
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
