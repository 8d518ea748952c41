package app

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/tracing"
)

// traced makes a span of each request.
func traced(t *tracing.Tracing) gin.HandlerFunc {
	return func(c *gin.Context) {
		ctx, end := t.Request(c.Request, c.FullPath())
		c.Request = c.Request.WithContext(ctx)
		status := http.StatusInternalServerError // what a panic is answered with
		defer func() { end(status) }()
		c.Next()
		status = c.Writer.Status()
	}
}
