package app

import (
	"context"
	"net"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/metrics"
	"github.com/liaison-skill/liaison/internal/web"
)

// RunMetrics serves /metrics and /debug/pprof on ln until ctx ends. It is not part
// of [App.Run], so that a drain can be watched.
func (a *App) RunMetrics(ctx context.Context, ln net.Listener) error {
	return web.Serve(ctx, ln, a.metrics.Handler(), 0)
}

// counted counts what the doors answer.
func counted(m *metrics.Metrics) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Next()
		switch path := c.FullPath(); {
		case path == "/api/messages":
			m.SkillAnswered(c.Writer.Status())
		case path == "/api/livechat/messages", strings.HasPrefix(path, "/api/hubs/"):
			m.WebhookAnswered(c.Writer.Status())
		}
	}
}
