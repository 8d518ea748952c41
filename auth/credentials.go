package auth

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

// Credentials fetches the tokens that prove who we are, and keeps them for as
// long as they last. Make it with [NewCredentials].
type Credentials struct {
	cfg    Config
	id     Identity
	hosts  *Hosts
	routes []route
	by     map[string]credential // by connection
	byApp  map[string]string     // the first connection of an app

	mu      sync.Mutex
	sources map[sourceKey]*source
}

// A sourceKey is what makes a token another token.
type sourceKey struct{ connection, scope string }

// NewCredentials returns the credentials of id, for the hosts of a resolved cfg.
// Tokens are asked for through rt; a redirect is not followed.
func NewCredentials(cfg Config, id Identity, rt http.RoundTripper) (*Credentials, error) {
	hosts, err := NewHosts(cfg)
	if err != nil {
		return nil, err
	}
	routes, err := id.routes()
	if err != nil {
		return nil, fmt.Errorf("connections map: %w", err)
	}
	c := &Credentials{
		cfg: cfg, id: id, hosts: hosts, routes: routes,
		by: make(map[string]credential), byApp: make(map[string]string), sources: make(map[sourceKey]*source),
	}
	client := jsonhttp.NewClient(tokenTimeout, rt)
	for name, conn := range id.Connections {
		if c.by[name], err = newCredential(cfg, conn, client); err != nil {
			return nil, fmt.Errorf("connection %s: %w", name, err)
		}
	}
	for _, name := range slices.Backward(id.Names) {
		c.byApp[id.Connections[name].app()] = name
	}
	return c, nil
}

// Token returns a bearer token for the service URL. The audience is the app to
// talk to, as [Caller].AppID names it; "" is the Bot Connector. The error of a
// URL that is not trusted is an [*UntrustedError], of one that no connection
// serves a [*NoConnectionError], of the token endpoint a [*TokenError].
func (c *Credentials) Token(ctx context.Context, serviceURL, audience string) (string, error) {
	s, err := c.source(serviceURL, audience, "")
	if err != nil {
		return "", err
	}
	return s.get(ctx)
}

// Drop forgets a token that the peer refused, and reports whether the next
// [Credentials.Token] returns another. It does not when one was dropped moments
// ago: a peer that refuses every token must not make us ask for one per message.
func (c *Credentials) Drop(serviceURL, audience, token string) bool {
	s, err := c.source(serviceURL, audience, "")
	return err == nil && s.drop(token)
}

// source returns where the token for a service URL comes from. At the Bot Connector
// it is the app's own, where a connection is that app's; the map decides otherwise.
func (c *Credentials) source(serviceURL, audience, app string) (*source, error) {
	if err := c.hosts.Trusted(serviceURL); err != nil {
		return nil, err
	}
	t, err := parseTarget(serviceURL)
	if err != nil {
		return nil, &UntrustedError{Reason: err.Error()}
	}
	mapped, ok := c.mapped(t)
	if audience == "" && app != "" && !t.runtime() && (!ok || c.id.Connections[mapped].app() != strings.ToLower(app)) {
		if own, known := c.byApp[strings.ToLower(app)]; known {
			mapped, ok = own, true
		}
	}
	if !ok {
		return nil, &NoConnectionError{Host: t.authority(), Reason: "no pattern of " + variablePrefix + "CONNECTIONS_MAP matches"}
	}
	return c.sourceOf(mapped, t, audience)
}

// mapped returns the connection that the map has for a target.
func (c *Credentials) mapped(t target) (connection string, ok bool) {
	i := slices.IndexFunc(c.routes, func(r route) bool { return r.pattern.matches(t) })
	if i < 0 {
		return "", false
	}
	return c.routes[i].connection, true
}

func (c *Credentials) sourceOf(connection string, t target, audience string) (*source, error) {
	scope := c.id.Connections[connection].Scope
	switch {
	case scope != "":
	case audience != "":
		scope = audience + "/.default"
	case t.runtime():
		// A token for the connector would let the runtime speak as us in Teams.
		return nil, &NoConnectionError{Host: t.authority(), Reason: "a skill host is answered with a token for its own app, which is not known"}
	default:
		scope = c.cfg.cloud.connectorScope
	}
	key := sourceKey{connection, scope}
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.sources[key]
	if !ok {
		s = newSource(c.by[connection], scope)
		c.sources[key] = s
	}
	return s, nil
}

// A NoConnectionError means that the configuration has no credential for a
// trusted URL. Repeating the call is pointless.
type NoConnectionError struct{ Host, Reason string }

// Error implements error.
func (e *NoConnectionError) Error() string {
	return fmt.Sprintf("no credential for %q: %s", e.Host, e.Reason)
}

// Permanent reports that only another configuration helps.
func (*NoConnectionError) Permanent() bool { return true }
