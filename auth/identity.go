package auth

import (
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
	Map   []string `env:"CONNECTIONS_MAP" help:"pattern=name, comma list; the first that matches serves a service URL; * matches any run"`

	Connections map[string]Connection // by name
}

// A Connection is the credential of one app registration in Entra ID.
type Connection struct {
	ClientID           string     `env:"CLIENT_ID" help:"the app's id"`
	TenantID           string     `env:"TENANT_ID" help:"the app's tenant; empty for a multi-tenant bot"`
	ClientSecret       env.Secret `env:"CLIENT_SECRET" help:"a secret of the app"`
	CertificateFile    string     `env:"CERTIFICATE_FILE" help:"a certificate of the app; not supported yet"`
	ManagedIdentity    string     `env:"MANAGED_IDENTITY" help:"a managed identity; not supported yet"`
	FederatedTokenFile string     `env:"FEDERATED_TOKEN_FILE" help:"a workload identity's token; not supported yet"`
	Scope              string     `env:"SCOPE" help:"what to ask for, instead of what the peer calls for"`
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

// check demands an app and exactly one kind of credential for it.
func (c Connection) check(variables string) error {
	var problems []error
	if c.ClientID == "" {
		problems = append(problems, fmt.Errorf("%sCLIENT_ID: required, and not set", variables))
	}
	if c.TenantID != "" {
		if err := checkTenant(c.TenantID); err != nil {
			problems = append(problems, fmt.Errorf("%sTENANT_ID: %w", variables, err))
		}
	}
	var kinds []string
	for _, kind := range []struct{ name, value string }{
		{"CLIENT_SECRET", c.ClientSecret.Reveal()},
		{"CERTIFICATE_FILE", c.CertificateFile},
		{"MANAGED_IDENTITY", c.ManagedIdentity},
		{"FEDERATED_TOKEN_FILE", c.FederatedTokenFile},
	} {
		if kind.value != "" {
			kinds = append(kinds, kind.name)
		}
	}
	switch {
	case len(kinds) == 0:
		problems = append(problems, fmt.Errorf("%sCLIENT_SECRET: required, and not set", variables))
	case len(kinds) > 1:
		problems = append(problems, fmt.Errorf("%s%s: set as well as %s; keep one", variables, kinds[0], strings.Join(kinds[1:], ", ")))
	case kinds[0] != "CLIENT_SECRET":
		problems = append(problems, fmt.Errorf("%s%s: not supported yet; use CLIENT_SECRET", variables, kinds[0]))
	}
	return errors.Join(problems...)
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
