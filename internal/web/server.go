package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// What a slow or greedy client may cost. Streams, which are long, set deadlines
// of their own.
const (
	maxHeader     = 32 << 10 // bytes; a real token has 2 KB
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	answerTimeout = 2 * time.Minute
)

// A Server serves Handler. Only that field is needed.
type Server struct {
	Handler http.Handler
	Drain   time.Duration // for requests in flight when it is told to end
	TLS     TLS
	Log     *slog.Logger // of certificates and broken connections
}

// Serve serves h on ln until ctx ends; see [Server.Serve].
func Serve(ctx context.Context, ln net.Listener, h http.Handler, drain time.Duration) error {
	return Server{Handler: h, Drain: drain}.Serve(ctx, ln)
}

// Serve serves on ln until ctx ends, then stops accepting and waits at most
// Drain for requests in flight. Requests' contexts outlive ctx: a request that
// was accepted may finish. Long streams must watch [Draining].
func (s Server) Serve(ctx context.Context, ln net.Listener) error {
	draining := make(chan struct{})
	log := cmp.Or(s.Log, slog.New(slog.DiscardHandler))
	srv := &http.Server{
		Handler:           bounded(s.Handler),
		MaxHeaderBytes:    maxHeader,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		WriteTimeout:      answerTimeout,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // strangers' mistakes
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.WithoutCancel(ctx), drainingKey{}, (<-chan struct{})(draining))
		},
	}
	serve := func() error { return srv.Serve(ln) }
	if s.TLS.On() {
		config, err := s.TLS.config(log)
		if err != nil {
			return errors.Join(err, ln.Close())
		}
		srv.TLSConfig = config
		serve = func() error { return srv.ServeTLS(ln, "", "") }
	}
	served := make(chan error, 1)
	go func() { served <- serve() }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	close(draining)
	drainCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Drain)
	defer cancel()
	if err := srv.Shutdown(drainCtx); err != nil {
		_ = srv.Close() // the connections that did not finish in time
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// bounded gives a body its time before anybody reads it. A handler that refuses
// without reading would leave the rest to net/http, which waits for it without a
// bound. [Body] takes the bound away once it has everything.
func bounded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
		}
		h.ServeHTTP(w, r)
	})
}

type drainingKey struct{}

// Draining returns a channel that closes when the server begins to shut down; a
// stream must end then. Outside [Serve] it never closes.
func Draining(ctx context.Context) <-chan struct{} {
	ch, _ := ctx.Value(drainingKey{}).(<-chan struct{})
	return ch
}
