package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sethvargo/go-envconfig"

	"github.com/liaison-skill/liaison/internal/env"
)

// An Identity says who we are: a connection for each of our apps, and which of
// them serves which URL. Read it with [ReadIdentity].
type Identity struct {
	Names []string `env:"CONNECTIONS" help:"names of connections, comma list"`
	Map   []string `env:"CONNECTIONS_MAP" help:"pattern=name, comma list; the first that matches serves a service URL; * matches any run. In the chats of an app that has a connection of its own, that one speaks"`

	Connections map[string]Connection // by name
}

// A Connection is the credential of one app registration in Entra ID, or of a
// managed identity.
type Connection struct {
	ClientID            string     `env:"CLIENT_ID" help:"the app's id; not needed with a managed identity"`
	TenantID            string     `env:"TENANT_ID" help:"the app's tenant; empty for a multi-tenant bot"`
	ClientSecret        env.Secret `env:"CLIENT_SECRET" help:"a secret of the app"`
	CertificateFile     string     `env:"CERTIFICATE_FILE" help:"a certificate of the app with its key, PEM or PFX; read again for every token"`
	CertificatePassword env.Secret `env:"CERTIFICATE_PASSWORD" help:"the PFX file's password"`
	ManagedIdentity     string     `env:"MANAGED_IDENTITY" help:"client id of the user-assigned managed identity to be"`
	FederatedTokenFile  string     `env:"FEDERATED_TOKEN_FILE" help:"a workload identity's token; read again for every token"`
	Scope               string     `env:"SCOPE" help:"what to ask for, instead of what the peer calls for"`
}

// app is the id of the connection's app, in lower case.
func (c Connection) app() string {
	return strings.ToLower(cmp.Or(c.ClientID, c.ManagedIdentity))
}

// ReadIdentity reads the identity from variables that begin with prefix. Its
// error joins all problems.
func ReadIdentity(ctx context.Context, l envconfig.Lookuper, prefix string) (Identity, error) {
	id := Identity{Connections: make(map[string]Connection)}
	problems := []error{env.Process(ctx, l, prefix, &id)}
	id.Names, id.Map = withoutEmpty(id.Names), withoutEmpty(id.Map)
	for _, name := range id.Names {
		if _, double := id.Connections[name]; double {
			problems = append(problems, fmt.Errorf("%sCONNECTIONS: %s is named twice", prefix, name))
		}
		var c Connection
		variables := prefix + "CONNECTION_" + variableName(name) + "_"
		problems = append(problems, env.Process(ctx, l, variables, &c), c.check(variables))
		id.Connections[name] = c
	}
	if _, err := id.routes(); err != nil {
		problems = append(problems, fmt.Errorf("%sCONNECTIONS_MAP: %w", prefix, err))
	}
	return id, errors.Join(problems...)
}

// variableName returns a connection's name as variables spell it.
func variableName(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// A route is one pair of the connections map.
type route struct {
	pattern    pattern
	connection string
}

// routes reads the map.
func (id Identity) routes() ([]route, error) {
	var routes []route
	var problems []error
	for _, pair := range id.Map {
		// The last = divides: a URL may hold others.
		cut := strings.LastIndexByte(pair, '=')
		if cut < 0 {
			problems = append(problems, fmt.Errorf("%q is not pattern=name", pair))
			continue
		}
		p, err := parsePattern(strings.TrimSpace(pair[:cut]))
		name := strings.TrimSpace(pair[cut+1:])
		if err == nil && !slices.Contains(id.Names, name) {
			err = fmt.Errorf("%q is not one of CONNECTIONS", name)
		}
		problems = append(problems, err)
		routes = append(routes, route{p, name})
	}
	return routes, errors.Join(problems...)
}
