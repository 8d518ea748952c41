package contoso

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/web"
)

const (
	settingsRoute = "/api/desk/settings"
	boardRoute    = "/api/desk/supervisor"
)

// superviseOn adds what supervisors use to the desk's routes.
func (a *App) superviseOn(desk *gin.RouterGroup) {
	desk.GET("/settings", a.route(a.getSettings))
	only := desk.Group("", a.route(a.requireSupervisor))
	only.PUT("/settings", a.route(a.putSettings))
	only.GET("/supervisor", a.route(a.getBoard))
	only.GET("/supervisor/export", a.route(a.getExport))
	only.GET("/supervisor/audit", a.route(a.getAudit))
	only.POST("/supervisor/end", a.route(a.postEndAll))
}

// supervises reports whether a request is a supervisor's. Where nobody signs in
// that is everybody whom the desk lets in.
func (a *App) supervises(c *gin.Context) bool {
	who, _ := c.Value(agentContext).(agent)
	return a.signIn == nil || who.Supervisor
}

// requireSupervisor refuses agents who supervise nobody.
func (a *App) requireSupervisor(c *gin.Context) error {
	if a.supervises(c) {
		return nil
	}
	return &web.Error{Status: http.StatusForbidden, Text: "for supervisors only, whom CONTOSO_OIDC_SUPERVISORS names"}
}
