package app

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/files"
)

// downloadTimeout bounds how long a file may be read by whoever has a link: the
// server's own deadline is for answers.
const downloadTimeout = 15 * time.Minute

// fileStore makes where attachments are kept. What an operator configured may be on
// a private address, and gets its own credential alone.
func fileStore(c Config, pool *pgxpool.Pool, log *slog.Logger, hosts *auth.Hosts, credentials *auth.Credentials) (*files.Store, error) {
	var connector []string
	if c.Auth.ConnectorURL != "" {
		connector = []string{c.Auth.ConnectorURL}
	}
	behindConnector := func(app string) files.Peer {
		return files.Peer{
			Origins: connector,
			Sign: func(base http.RoundTripper) http.RoundTripper {
				return &auth.Transport{Credentials: credentials, App: app, Base: base}
			},
			Trusted: func(rawURL string) bool { return hosts.Trusted(rawURL) == nil },
		}
	}
	peers := map[string]files.Peer{
		"":                    {Origins: connector}, // a sandbox gives its files out where its connector is
		bridge.ConnectorFiles: behindConnector(""),
	}
	for _, app := range c.Auth.SkillAppID {
		peers[bridge.BotFiles(app)] = behindConnector(app)
	}
	for name, h := range c.Hubs {
		peers[bridge.HubFiles(name)] = h.files()
	}
	store, err := files.NewStore(files.Options{
		Pool: pool, Log: log, Config: c.Files, Keep: time.Duration(c.Retention), Peers: peers,
	})
	if err != nil {
		return nil, fmt.Errorf("attachments: %w", err)
	}
	return store, nil
}

// files is the hub as one that files come from. Its credential is for its own
// origin.
func (h HubConfig) files() files.Peer {
	header := h.header()
	return files.Peer{
		Origins: []string{h.URL},
		Sign: func(base http.RoundTripper) http.RoundTripper {
			return transportFunc(func(req *http.Request) (*http.Response, error) {
				signed := req.Clone(req.Context())
				maps.Copy(signed.Header, header)
				return base.RoundTrip(signed)
			})
		},
		Trusted: func(rawURL string) bool { return sameOrigin(rawURL, h.URL) },
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f transportFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func sameOrigin(a, b string) bool {
	x, err := url.Parse(a)
	if err != nil {
		return false
	}
	y, err := url.Parse(b)
	return err == nil && x.Scheme == y.Scheme && x.Hostname() == y.Hostname() && port(x) == port(y)
}

func port(u *url.URL) string {
	if u.Port() == "" {
		return map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Port()
}

// downloads serves the links to files.
type downloads struct{ files http.Handler }

// Mount registers the routes.
func (d downloads) Mount(r gin.IRouter) {
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		r.Handle(method, "/files/*token", func(c *gin.Context) {
			_ = http.NewResponseController(c.Writer).SetWriteDeadline(time.Now().Add(downloadTimeout)) // a recorder has none
			d.files.ServeHTTP(c.Writer, c.Request)
		})
	}
}
