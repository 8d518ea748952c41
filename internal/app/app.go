// Package app wires the service together and owns its life, from listening to
// drained. It is the only package that knows every other one.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/handoff"
	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/internal/jsonhttp"
	"github.com/liaison-skill/liaison/internal/metrics"
	"github.com/liaison-skill/liaison/internal/tracing"
	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/livechat/contoso"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/relay"
	"github.com/liaison-skill/liaison/skill"
	"github.com/liaison-skill/liaison/texts"
)

// callTimeout bounds any call to a peer; an attempt's own time is shorter.
const callTimeout = 30 * time.Second

// An App is the wired service, not yet serving.
type App struct {
	bridge   *bridge.Bridge
	relay    *relay.Relay
	handoffs *handoff.Extension
	server   web.Server
	peers    *http.Transport
	metrics  *metrics.Metrics
	traces   *tracing.Tracing // nil for none
	drain    time.Duration
}

// New wires the service that is going to serve on addr. It opens no connection
// and starts no goroutine; the schema must be in place.
func New(c Config, version string, pool *pgxpool.Pool, log *slog.Logger, addr net.Addr) (*App, error) {
	peers := transport(c.Delivery.Concurrency)
	traces, err := tracing.New(c.Traces, version, replica(c, addr), log)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	m := metrics.New(pool)
	who, err := c.identity(m.Tokens(traces.Transport("token", peers)), peers, log)
	if err != nil {
		return nil, err
	}
	catalogue, err := texts.Load(c.Texts, c.Locale)
	if err != nil {
		return nil, fmt.Errorf("LIAISON_TEXTS: %w", err)
	}
	store, err := fileStore(c, pool, log, who.hosts, who.credentials)
	if err != nil {
		return nil, err
	}
	extension, err := c.extension(pool, catalogue, log, m)
	if err != nil {
		return nil, err
	}
	hubs, readers := adapters(c, peers, traces)
	drain := time.Duration(c.Drain) / 2 // the doors get one half, what is in flight the other
	c.Delivery.Drain, c.Delivery.Meter, c.Delivery.Tracer = drain, m, traces.Tracer()
	opt := c.bridge(pool, log, replica(c, addr))
	opt.Hubs, opt.Texts, opt.Files = hubs, catalogue, store
	opt.Client = &proactive.Client{Credentials: who.credentials, Base: traces.Transport("connector", peers), Timeout: callTimeout}
	opt.Surveys.Count, opt.Arrivals = m.Rated, bridge.Arrivals{Greeted: m.Greeted, Answered: m.Answered}
	b := bridge.New(opt)
	own, canvases := c.relay(hubs, pool, log, replica(c, addr))
	own.Texts, own.Streams = catalogue, m.Streams
	own.Copilot = c.copilot(who.hosts, traces.Transport("directline", peers), log)
	rel := relay.New(own)
	r, err := c.engine(version, m, traces, log)
	if err != nil {
		return nil, err
	}
	if err := c.mount(r, doors{
		who: who, log: log, metrics: m, texts: catalogue, bridge: b, relay: rel, extension: extension, readers: readers, canvases: canvases,
		others: []mounter{downloads{store.Handler()}, &health{pool: pool, log: log}},
	}); err != nil {
		return nil, err
	}
	return &App{
		bridge: b, relay: rel, handoffs: extension, peers: peers, metrics: m, traces: traces, drain: time.Duration(c.Drain),
		server: web.Server{Handler: r, Drain: drain, TLS: c.TLS, Log: log},
	}, nil
}

// bridge returns what the configuration says of the bridge.
func (c Config) bridge(pool *pgxpool.Pool, log *slog.Logger, replica string) bridge.Options {
	return bridge.Options{
		Pool: pool, Log: log, Delivery: c.Delivery, Replica: replica, Hub: c.HubNames[0],
		ConnectorURL: c.Auth.ConnectorURL,
		PublicURL:    strings.TrimSuffix(c.PublicURL, "/"),
		Teams:        c.teamsLimits(),
		Retention:    time.Duration(c.Retention),
		Patience:     c.patience(),
		AgentLocale:  c.Locale,
		Hours:        c.open,
		Openings:     c.Openings,
		Reconcile:    c.Reconcile,
		Overdue:      c.Overdue,
		Accept:       c.Accept,
		Surveys:      bridge.Surveys{URL: c.PublicURL, Hubs: c.surveys()},
	}
}

// identity is who calls us, who we are, and where our tokens may go.
type identity struct {
	hosts       *auth.Hosts
	credentials *auth.Credentials
	verifier    *auth.Verifier
}

// identity fetches tokens and keys over its transports.
func (c Config) identity(tokens, keys http.RoundTripper, log *slog.Logger) (identity, error) {
	hosts, err := auth.NewHosts(c.Auth)
	if err != nil {
		return identity{}, fmt.Errorf("trusted hosts: %w", err)
	}
	credentials, err := auth.NewCredentials(c.Auth, c.Identity, tokens)
	if err != nil {
		return identity{}, fmt.Errorf("connections: %w", err)
	}
	verifier, err := auth.NewVerifier(c.Auth, keys, log)
	if err != nil {
		return identity{}, fmt.Errorf("callers: %w", err)
	}
	return identity{hosts, credentials, verifier}, nil
}

// engine serves the manifest, and counts and traces what is mounted on it.
func (c Config) engine(version string, m *metrics.Metrics, traces *tracing.Tracing, log *slog.Logger) (*gin.Engine, error) {
	r := web.NewEngine(log)
	r.Use(counted(m))
	if traces != nil {
		r.Use(traced(traces))
	}
	manifest, err := Manifest(c, version)
	if err != nil {
		return nil, err
	}
	return r, skill.MountManifest(r, manifest)
}

// teamsLimits are what Teams takes
// (https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit).
func (c Config) teamsLimits() delivery.Limits {
	l := delivery.Limits{Lane: c.TeamsRates}
	if len(c.TeamsTenantRate) > 0 {
		l.Shared = c.TeamsTenantRate[0]
	}
	return l
}

func (c Config) patience() bridge.Patience {
	return bridge.Patience{
		Wait: time.Duration(c.Wait), Update: time.Duration(c.QueueUpdate), Remind: time.Duration(c.Remind),
		Idle: time.Duration(c.Idle), Cap: time.Duration(c.Cap),
	}
}

// open tells whether a hub's agents are there by their hours, and when they will
// be.
func (c Config) open(hub string, at time.Time) (bool, time.Time) {
	s := c.Hubs[hub].Hours.At(at)
	return s.Open, s.NextOpen
}

// Manifest returns the skill's manifest as configured.
func Manifest(c Config, version string) (skill.Manifest, error) {
	appID := ""
	if len(c.Auth.SkillAppID) > 0 {
		appID = c.Auth.SkillAppID[0]
	}
	return skill.NewManifest(c.PublicURL, appID, version)
}

// transport keeps as many connections to a peer as sends may be in flight; the
// default of two would make a new one for nearly every send.
func transport(concurrency int) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          4 * concurrency,
		MaxIdleConnsPerHost:   concurrency,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// adapters makes the hubs' adapters, for both directions. Hubs are the operator's
// own: they may take part in traces.
func adapters(c Config, peers http.RoundTripper, traces *tracing.Tracing) (map[string]livechat.Hub, map[string]livechat.Reader) {
	hubs, readers := map[string]livechat.Hub{}, map[string]livechat.Reader{}
	for name, h := range c.Hubs {
		a := &contoso.Adapter{
			HTTP: jsonhttp.NewClient(callTimeout, traces.OwnTransport("hub/"+name, peers)), URL: h.URL,
			Header: h.header(), Secrets: env.List(h.WebhookSecret),
		}
		hubs[name], readers[name] = a, a
	}
	return hubs, readers
}

func (h HubConfig) header() http.Header {
	header := http.Header{}
	if h.APIKey != "" {
		header.Set(h.APIKeyHeader, h.APIKey.Reveal())
	}
	if h.Bearer != "" {
		header.Set("Authorization", "Bearer "+h.Bearer.Reveal())
	}
	return header
}

// replica is this process's name: no two living processes share a host and an
// address.
func replica(c Config, addr net.Addr) string {
	if c.Replica != "" {
		return c.Replica
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + "|" + addr.String()
}

// Run serves on ln until ctx ends. Then it drains: first the doors, so that
// nothing new is accepted, then what is in flight to peers, then what is known of it.
func (a *App) Run(ctx context.Context, ln net.Listener) error {
	defer a.peers.CloseIdleConnections()
	finish, err := a.traces.Start(ctx)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	carry, stop := context.WithCancel(context.WithoutCancel(ctx))
	idle := make(chan struct{})
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer stop()
		return a.server.Serve(ctx, ln)
	})
	g.Go(func() error {
		defer close(idle)
		both, carry := errgroup.WithContext(carry)
		both.Go(func() error { return a.bridge.Run(carry) })
		both.Go(func() error { return a.relay.Run(carry) })
		return both.Wait()
	})
	g.Go(func() error { return a.handoffs.Run(ctx) })
	g.Go(func() error {
		<-ctx.Done()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.drain)
		defer cancel()
		<-idle
		finish(drain)
		return nil
	})
	return g.Wait()
}
