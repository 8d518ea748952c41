package app

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/directline"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/relay"
)

// minQuiet is the least time in which somebody may answer.
const minQuiet = time.Second

// canvases are the hubs in whose own chat a copilot answers.
func (c Config) canvases(hubs map[string]livechat.Hub) (map[string]livechat.Canvas, map[string]livechat.CanvasReader) {
	canvases, readers := map[string]livechat.Canvas{}, map[string]livechat.CanvasReader{}
	for name, hub := range hubs {
		canvas, able := hub.(livechat.Canvas)
		reader, reads := hub.(livechat.CanvasReader)
		if able && reads && c.Hubs[name].Canvas == switchOn {
			canvases[name], readers[name] = canvas, reader
		}
	}
	return canvases, readers
}

// relay returns what the configuration says of the relay, and who reads what the hubs
// post to it.
func (c Config) relay(hubs map[string]livechat.Hub, pool *pgxpool.Pool, log *slog.Logger, replica string) (relay.Options, map[string]livechat.CanvasReader) {
	canvases, readers := c.canvases(hubs)
	return relay.Options{
		Pool: pool, Log: log, Delivery: c.Delivery, Replica: replica + " relay", Canvases: canvases, Config: c.Copilot,
		Retention: time.Duration(c.Retention), Overdue: c.Overdue, Hours: c.open,
	}, readers
}

// copilot is the client of the copilot that answers in hubs' own chats.
func (c Config) copilot(hosts *auth.Hosts, peers http.RoundTripper, log *slog.Logger) *directline.Client {
	return &directline.Client{
		Access:  directline.Access{Endpoint: c.Copilot.TokenEndpoint, Secret: c.Copilot.Secret.Reveal(), Base: c.Copilot.Base},
		Trusted: hosts.Trusted, HTTP: peers, Timeout: callTimeout, Log: log,
		Pace: directline.Pace{Quiet: time.Duration(c.Copilot.Quiet)},
	}
}

// checkCanvases finds settings with which no copilot would answer.
func (c *Config) checkCanvases(p *problems) {
	const variables = prefix + "COPILOT_"
	if c.Copilot.Secret == "" && c.Copilot.TokenEndpoint == "" {
		for name, hub := range c.Hubs {
			if hub.Canvas == switchOn {
				p.add(variables+"TOKEN_ENDPOINT", "is empty, and so is %sDIRECTLINE_SECRET: no copilot answers in the chat of %s", variables, name)
			}
		}
	}
	if c.Copilot.Secret != "" && c.Copilot.TokenEndpoint != "" {
		p.add(variables+"TOKEN_ENDPOINT", "set this or %sDIRECTLINE_SECRET, not both", variables)
	}
	if at := c.Copilot.TokenEndpoint; at != "" {
		u, err := url.Parse(at)
		if err != nil || !secure(u) || !strings.Contains(u.Path, "/powervirtualagents/") {
			p.add(variables+"TOKEN_ENDPOINT", "expected Copilot Studio's, like https://….environment.api.powerplatform.com/powervirtualagents/botsbyschema/…/directline/token?api-version=2022-03-01-preview")
		}
	}
	if at := c.Copilot.Base; at != "" {
		if u, err := url.Parse(at); err != nil || !secure(u) {
			p.add(variables+"DIRECTLINE_BASE", "expected an absolute https URL, like https://europe.directline.botframework.com/")
		}
	}
	if time.Duration(c.Copilot.Quiet) < minQuiet {
		p.add(variables+"QUIET", "must be at least %s", minQuiet)
	}
	if c.Copilot.Streams <= 0 {
		p.add(variables+"STREAMS", "must be positive")
	}
}

// secure reports whether a URL is absolute and https, or of this machine.
func secure(u *url.URL) bool {
	return u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()))
}
