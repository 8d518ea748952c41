package contoso

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/internal/web"
)

const (
	// agentContext is where a request keeps who made it.
	agentContext  = "agent"
	eventsRoute   = "/api/desk/events"
	presenceRoute = "/api/desk/presence"
	readRoute     = "/api/desk/conversations/:id/read"
	notesRoute    = "/api/desk/conversations/:id/notes"
	pictureRoute  = "/api/desk/files/:id"
	meRoute       = "/api/desk/me"
)

// admitAgent is requireAgent within the limits.
func (a *App) admitAgent(c *gin.Context) error {
	return a.limited(c, "desk of this machine", a.requireAgent(c))
}

// admitCaller is requireCaller within the limits.
func (a *App) admitCaller(c *gin.Context) error {
	return a.limited(c, "API", a.requireCaller(c))
}

// limited counts a request under its agent or, where that is nobody, under
// another name; and one that was refused against where it came from.
func (a *App) limited(c *gin.Context, caller string, refused error) error {
	if refused != nil {
		return a.limiter.Refuse(c, refused)
	}
	if who, ok := c.Value(agentContext).(agent); ok {
		caller = "agent " + who.Subject
	}
	return a.limiter.Admit(caller)
}

// requireAgent lets in who has signed in or, where nobody does, this machine.
func (a *App) requireAgent(c *gin.Context) error {
	unkept(c)
	if a.signIn == nil {
		return onlyHere(c.Request, "CONTOSO_OIDC_ISSUER, so that agents can sign in")
	}
	who, err := a.agentOf(c)
	if err != nil {
		return err
	}
	if who == nil {
		return &web.Error{Status: http.StatusUnauthorized, Text: "sign in first"}
	}
	c.Set(agentContext, *who)
	return nil
}

// requireCaller lets in who sends one of the API's keys, and agents. Where there
// is no key it lets in this machine.
func (a *App) requireCaller(c *gin.Context) error {
	got := c.GetHeader("X-API-Key")
	for _, key := range env.List(a.Config.APIKey) {
		if same(got, key.Reveal()) {
			return nil
		}
	}
	if a.signIn != nil && got == "" {
		who, err := a.agentOf(c)
		if err != nil {
			return err
		}
		if who != nil {
			c.Set(agentContext, *who)
			return nil
		}
	}
	if a.Config.APIKey == "" {
		return onlyHere(c.Request, "CONTOSO_API_KEY")
	}
	return &web.Error{Status: http.StatusUnauthorized, Text: "X-API-Key is missing or wrong"}
}

// agentOf returns whose session a request belongs to, nil when none. What pages do
// without anybody there keeps no session alive.
func (a *App) agentOf(c *gin.Context) (*agent, error) {
	ctx, id := c.Request.Context(), a.signIn.session(c.Request)
	if id == "" {
		return nil, nil
	}
	who, err := a.session(ctx, id)
	if err != nil || who == nil {
		return nil, err
	}
	if who.Idle && !byItself(c) {
		err = a.see(ctx, id)
	}
	return who, err
}

// byItself reports whether a page makes a request without anybody there.
func byItself(c *gin.Context) bool {
	switch c.FullPath() {
	case eventsRoute, presenceRoute, readRoute, boardRoute, pictureRoute, meRoute:
		return true
	case settingsRoute, notesRoute:
		return c.Request.Method == http.MethodGet
	}
	return false
}

// agentName is the name of who has signed in, "" where nobody does.
func agentName(c *gin.Context) string {
	who, _ := c.Value(agentContext).(agent)
	return who.Name
}

// onlyHere refuses other machines, and pages whose name merely resolves to this
// one (DNS rebinding).
func onlyHere(r *http.Request, missing string) error {
	if web.Local(r) && web.LoopbackHost(r.Host) {
		return nil
	}
	return &web.Error{
		Status: http.StatusForbidden, Text: "open to this machine only: set " + missing,
		Err: errors.New("request comes from elsewhere or through a proxy"),
	}
}

// same compares hashes, so that the time it takes does not tell the length either.
func same(got, want string) bool {
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// unkept keeps an answer out of caches: the next who sits there is somebody else.
func unkept(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	c.Header("Referrer-Policy", "no-referrer")
}
