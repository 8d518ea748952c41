package contoso

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/liaison-skill/liaison/internal/schema"
	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/wwwroot"
)

// drain bounds how long requests and webhook attempts in flight may take once
// the app is told to end.
const drain = 5 * time.Second

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Schema returns the migrations of Contoso's tables. They live in a schema of
// their own, so the database may be shared.
func Schema() schema.Set {
	dir, err := fs.Sub(migrationFiles, "migrations")
	if err != nil { // only an invalid name, which a constant is not
		dir = migrationFiles
	}
	return schema.Set{FS: dir, Table: "contoso_migration"}
}

// An App is one Contoso Live Chat. All fields are needed; the schema of [Schema]
// must be in place. Any number of Apps may share a database.
type App struct {
	DB     *pgxpool.Pool
	Log    *slog.Logger
	Config Config

	changed signal  // something was recorded
	queued  signal  // a webhook may be due
	left    signal  // somebody signed out
	signIn  *signIn // nil: nobody signs in; see Run
	limiter *web.Limiter
	sender  *sender

	visitors *visitorLimits // of our own page
	visited  topics         // the conversations on it that changed
}

// handler returns the API and the desk.
func (a *App) handler() http.Handler {
	r := web.NewEngine(a.Log)
	r.Use(a.route(sameOrigin))
	chat := r.Group("/api/chat", a.route(a.admitCaller))
	a.chatOn(chat)
	r.GET("/api/files/:id", a.route(a.getFile))
	desk := r.Group("/api/desk", a.route(a.admitAgent))
	a.deskOn(desk)
	if a.signIn != nil {
		door := r.Group("/auth", unkept)
		door.GET("/signin", a.route(a.getSignIn))
		door.GET("/callback", a.route(a.getCallback))
		door.POST("/signout", a.route(a.postSignOut))
	}
	a.mountCanvas(r, chat)
	web.Pages(r, wwwroot.Desk())
	return r
}

// chatOn serves the API's callers.
func (a *App) chatOn(chat *gin.RouterGroup) {
	chat.POST("/start", a.route(a.postStart))
	chat.POST("/receive", a.route(a.postReceive))
	chat.POST("/send", a.route(a.postSend))
	chat.POST("/end", a.route(a.postEnd))
	chat.GET("/messages", a.route(a.getMessages))
	chat.POST("/typing", a.route(a.postTyping))
	chat.POST("/edit", a.route(a.postEdit))
	chat.POST("/delete", a.route(a.postDelete))
	chat.POST("/attach", a.route(a.postAttach))
	chat.POST("/rate", a.route(a.postRate))
	chat.POST("/report", a.route(a.postReport))
	chat.GET("/availability", a.route(a.getAvailability))
	chat.GET("/conversations", a.route(a.getCensus))
	chat.GET("/conversations/:id", a.route(a.getStanding))
}

// deskOn serves agents.
func (a *App) deskOn(desk *gin.RouterGroup) {
	desk.GET("/me", a.route(a.getMe))
	desk.GET("/conversations", a.route(a.getConversations))
	desk.GET("/conversations/:id", a.route(a.getConversation))
	desk.GET("/search", a.route(a.getSearch))
	desk.POST("/conversations/:id/messages", a.route(a.postAnswer))
	desk.PUT("/conversations/:id/messages/:line", a.route(a.putAnswer))
	desk.DELETE("/conversations/:id/messages/:line", a.route(a.deleteAnswer))
	desk.POST("/conversations/:id/messages/:line/retry", a.route(a.postRetry))
	desk.POST("/conversations/:id/messages/:line/again", a.route(a.postAgain))
	desk.POST("/conversations/:id/messages/:line/leave", a.route(a.postLeave))
	desk.GET("/conversations/:id/notes", a.route(a.getNotes))
	desk.POST("/conversations/:id/notes", a.route(a.postNote))
	desk.GET("/canned", a.route(a.getCanned))
	desk.PUT("/canned", a.route(a.putCanned))
	desk.POST("/conversations/:id/files", a.route(a.postAgentFile))
	desk.POST("/conversations/:id/read", a.route(a.postRead))
	desk.POST("/conversations/:id/typing", a.route(a.postAgentTyping))
	desk.POST("/conversations/:id/join", a.perform(doJoin))
	desk.POST("/conversations/:id/leave", a.perform(doLeave))
	desk.POST("/conversations/:id/transfer", a.perform(doTransfer))
	desk.POST("/conversations/:id/end", a.perform(doEnd))
	desk.POST("/conversations/:id/return", a.perform(doReturn))
	desk.GET("/files/:id", a.route(a.getDeskFile))
	desk.GET("/events", a.route(a.getEvents))
	desk.POST("/presence", a.route(a.postPresence))
	a.superviseOn(desk)
}

func (a *App) route(f func(*gin.Context) error) gin.HandlerFunc { return web.Handle(a.Log, f) }

// Run serves on ln and sends webhooks until ctx ends; then what is in flight has
// a few seconds to finish. It refuses a configuration that would let nobody, or
// everybody, in by mistake.
func (a *App) Run(ctx context.Context, ln net.Listener) error {
	config, err := a.Config.resolve(ln.Addr())
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	a.Config = config
	for _, hint := range config.warnings() {
		a.Log.WarnContext(ctx, "configuration", "hint", hint)
	}
	if config.SignIn.Issuer != "" {
		a.signIn = newSignIn(config)
		defer a.signIn.client.CloseIdleConnections()
	}
	a.limiter = web.NewLimiter(config.Rate)
	a.visitors = newVisitorLimits(config.Canvas)
	a.sender = newSender(a)
	server := web.Server{Drain: drain, TLS: config.TLS, Log: a.Log}
	server.Handler = a.handler() //nolint:contextcheck // requests bring their own
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return server.Serve(ctx, ln) })
	g.Go(func() error { return a.sender.run(ctx) })
	g.Go(func() error { return a.tellPlaces(ctx) })
	g.Go(func() error { return a.assignWaiting(ctx) })
	g.Go(func() error { return a.watchVisited(ctx) })
	g.Go(func() error { return a.endIdle(ctx) })
	g.Go(func() error { return a.retain(ctx) })
	return g.Wait()
}

// sameOrigin refuses changes that a page of another origin asks for. Callers
// that are not browsers send neither of the headers it looks at.
func sameOrigin(c *gin.Context) error {
	if err := http.NewCrossOriginProtection().Check(c.Request); err != nil {
		return &web.Error{Status: http.StatusForbidden, Text: "requests of other origins are refused", Err: err}
	}
	return nil
}

// A signal wakes everybody in this process who waits for a change. It carries
// nothing: who wakes up reads the database. The zero value is ready.
type signal struct {
	mu sync.Mutex
	ch chan struct{}
}

// next returns a channel that closes at the next wake. Take it before reading
// what may have changed, or a change in between is missed.
func (s *signal) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}
