package app

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/internal/schema"
	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/migrations"
)

// readyTimeout bounds a readiness check: an answer that comes late is no.
const readyTimeout = 2 * time.Second

// health serves the probes: /healthz, the process lives; /readyz, it can accept.
type health struct {
	pool     *pgxpool.Pool
	log      *slog.Logger
	migrated atomic.Bool // a schema does not become older
}

// Mount registers the probes' routes.
func (h *health) Mount(r gin.IRouter) {
	probe := []string{http.MethodGet, http.MethodHead}
	r.Match(probe, "/healthz", func(c *gin.Context) { c.String(http.StatusOK, "ok\n") })
	r.Match(probe, "/readyz", web.Handle(h.log, func(c *gin.Context) error {
		if err := h.ready(c.Request.Context()); err != nil {
			return err
		}
		c.String(http.StatusOK, "ready\n")
		return nil
	}))
}

func (h *health) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := h.pool.Ping(ctx); err != nil {
		return &web.Error{Status: http.StatusServiceUnavailable, Text: "database does not answer", Err: err, RetryAfter: readyTimeout}
	}
	if h.migrated.Load() {
		return nil
	}
	pending, err := schema.Pending(ctx, h.pool, migrations.Schema())
	if err != nil {
		return &web.Error{Status: http.StatusServiceUnavailable, Text: "database schema could not be read", Err: err, RetryAfter: readyTimeout}
	}
	if pending > 0 {
		return &web.Error{Status: http.StatusServiceUnavailable, Text: "database schema is old: run liaison migrate", RetryAfter: readyTimeout}
	}
	h.migrated.Store(true)
	return nil
}
