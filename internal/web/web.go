// Package web is what every HTTP route here shares: handlers that return
// errors, the one place those errors become responses, bounded bodies, a server
// that drains, pages with a strict policy, and event streams.
package web

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
)

// An Error is an error with the status and text the caller may see.
type Error struct {
	Status     int
	Text       string        // safe for the peer: what is wrong, what to do
	Err        error         // for the log only
	RetryAfter time.Duration // sent as Retry-After when positive
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Text
	}
	return e.Text + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// BadRequest returns a 400 that tells the peer what was expected.
func BadRequest(text string) *Error { return &Error{Status: http.StatusBadRequest, Text: text} }

// Unavailable returns a 503: nothing was accepted, the peer should come again.
func Unavailable(err error) *Error {
	return &Error{
		Status: http.StatusServiceUnavailable, Text: "not accepted, try again later",
		Err: err, RetryAfter: 2 * time.Second,
	}
}

// Handle adapts a handler that returns an error. An *Error in its chain becomes
// the response {"error": text}; any other error is logged and answered with a
// bare 500. A handler that has begun to write must return nil.
func Handle(log *slog.Logger, f func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		err := f(c)
		if err == nil {
			return
		}
		we, ok := errors.AsType[*Error](err)
		if !ok {
			we = &Error{Status: http.StatusInternalServerError, Text: "internal error", Err: err}
		}
		level := slog.LevelDebug
		if we.Status >= http.StatusInternalServerError {
			level = slog.LevelError
		}
		log.Log(c.Request.Context(), level, "request refused",
			"method", c.Request.Method, "route", c.FullPath(), "status", we.Status, "err", err)
		if we.RetryAfter > 0 {
			c.Header("Retry-After", strconv.Itoa(int((we.RetryAfter+time.Second-1)/time.Second)))
		}
		if we.Status == http.StatusUnauthorized {
			c.Header("WWW-Authenticate", "Bearer")
		}
		c.AbortWithStatusJSON(we.Status, gin.H{"error": we.Text})
	}
}

// NewEngine returns a router that answers unknown paths with 404, known paths
// with the wrong method with 405 and Allow, and a panic with 500.
func NewEngine(log *slog.Logger) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.RedirectTrailingSlash = false // a redirected POST may lose its credentials
	r.Use(gin.CustomRecoveryWithWriter(nil, func(c *gin.Context, cause any) {
		log.ErrorContext(c.Request.Context(), "panic", "route", c.FullPath(), "cause", cause, "stack", string(debug.Stack()))
		c.AbortWithStatusJSON(http.StatusInternalServerError, gin.H{"error": "internal error"})
	}))
	r.NoRoute(Handle(log, func(*gin.Context) error {
		return &Error{Status: http.StatusNotFound, Text: "no such path"}
	}))
	r.NoMethod(Handle(log, func(c *gin.Context) error {
		return &Error{Status: http.StatusMethodNotAllowed, Text: c.Request.Method + " is not allowed here"}
	}))
	return r
}
