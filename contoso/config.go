package contoso

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/internal/web"
)

// minIdle keeps SessionIdle above the minute to which a session's use is noted.
const minIdle = 5 * time.Minute

// Config is what an operator sets.
type Config struct {
	Listen        string        `env:"CONTOSO_LISTEN, default=127.0.0.1:5000" help:"address of the API and the desk"`
	PublicURL     string        `env:"CONTOSO_PUBLIC_URL" help:"where agents' browsers reach the desk, as in https://desk.example.com; the address above by default"`
	WebhookURL    string        `env:"CONTOSO_WEBHOOK_URL, default=http://localhost:5001/api/livechat/messages" help:"where agents' words are posted"`
	WebhookSecret env.Secret    `env:"CONTOSO_WEBHOOK_SECRET" help:"signs webhooks; a comma list while rotating; empty leaves them unsigned"`
	APIKey        env.Secret    `env:"CONTOSO_API_KEY" help:"the X-API-Key callers of /api/chat must send; a comma list while rotating; empty lets in this machine only"`
	Open          string        `env:"CONTOSO_OPEN, default=auto" help:"when users are told that agents are there: auto, unless all who are known have gone away; agents, while one is at the desk; always"`
	ClosedUntil   time.Time     `env:"CONTOSO_CLOSED_UNTIL" help:"RFC 3339 time until which nobody answers"`
	QueueNews     time.Duration `env:"CONTOSO_QUEUE_NEWS, default=5s" help:"how often users who wait hear of a new place in the queue; 0: never"`
	FileLimit     int64         `env:"CONTOSO_FILE_LIMIT, default=20971520" help:"bytes a file may have"`
	FileLinkLife  time.Duration `env:"CONTOSO_FILE_LINK_LIFE, default=1h" help:"how long the links to files work that webhooks carry"`
	SessionIdle   time.Duration `env:"CONTOSO_SESSION_IDLE, default=8h" help:"agents who do nothing for so long are signed out"`
	Retention     env.Duration  `env:"CONTOSO_RETENTION, default=90d" help:"conversations that have ended are deleted after it, with their files; 0: never"`
	Canvas        Canvas        `env:", prefix=CONTOSO_"`
	SignIn        SignIn        `env:", prefix=CONTOSO_OIDC_"`
	Rate          web.Limits    `env:", prefix=CONTOSO_RATE_"`
	TLS           web.TLS       `env:", prefix=CONTOSO_TLS_"`
}

// Canvas says how our own page is for users, /chat, on which a copilot answers
// first.
type Canvas struct {
	WebhookURL    string        `env:"CANVAS_WEBHOOK_URL" help:"where the words of users of /chat are posted, who speak with a copilot first; empty: there is no such page"`
	WebhookSecret env.Secret    `env:"CANVAS_WEBHOOK_SECRET" help:"signs these webhooks; CONTOSO_WEBHOOK_SECRET by default"`
	EmbedOrigins  []string      `env:"EMBED_ORIGINS" help:"comma list of the sites that may show /chat in a frame, as in https://www.example.com; empty: its own alone"`
	Idle          time.Duration `env:"CANVAS_IDLE, default=24h" help:"how long a user may say nothing to the copilot before the conversation is ended; 0: for ever"`
	PerIP         float64       `env:"CANVAS_PER_IP, default=50" help:"starts and messages a second from one address, above which it gets 429; 0: no limit"`
	PerIPBurst    int           `env:"CANVAS_PER_IP_BURST, default=500" help:"the same at once"`

	OpenPerIP         float64 `env:"CANVAS_OPEN_PER_IP, default=2" help:"new conversations a second from one address; 0: no limit"`
	OpenPerIPBurst    int     `env:"CANVAS_OPEN_PER_IP_BURST, default=600" help:"the same at once"`
	PerVisitor        float64 `env:"CANVAS_PER_VISITOR, default=5" help:"what one user may say, give and change a second; 0: no limit"`
	PerVisitorBurst   int     `env:"CANVAS_PER_VISITOR_BURST, default=200" help:"the same at once"`
	Streams           int     `env:"CANVAS_STREAMS, default=5000" help:"open pages of users that one process follows; 0: no limit"`
	StreamsPerVisitor int     `env:"CANVAS_STREAMS_PER_VISITOR, default=30" help:"open pages of one user; 0: no limit"`
	FileSpace         int64   `env:"CANVAS_FILE_SPACE, default=104857600" help:"bytes the files of one user may have together; 0: no limit"`
}

// check returns everything that is wrong.
func (c Canvas) check() error {
	var problems []error
	if c.WebhookURL != "" {
		if u, err := url.Parse(c.WebhookURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			problems = append(problems, errors.New("CONTOSO_CANVAS_WEBHOOK_URL: expected an http:// or https:// URL"))
		}
	}
	for _, origin := range c.EmbedOrigins {
		if u, err := url.Parse(origin); err != nil || !safeURL(origin) || u.Scheme+"://"+u.Host != origin {
			problems = append(problems, fmt.Errorf("CONTOSO_EMBED_ORIGINS: %q: expected https:// and a host, or http:// on this machine, and nothing more", origin))
		}
	}
	for _, one := range []struct {
		variable string
		number   int64
	}{
		{"IDLE", int64(c.Idle)}, {"STREAMS", int64(c.Streams)}, {"STREAMS_PER_VISITOR", int64(c.StreamsPerVisitor)}, {"FILE_SPACE", c.FileSpace},
	} {
		if one.number < 0 {
			problems = append(problems, fmt.Errorf("CONTOSO_CANVAS_%s: must not be negative", one.variable))
		}
	}
	problems = append(problems, web.CheckRate("CONTOSO_CANVAS_PER_IP", c.PerIP, c.PerIPBurst),
		web.CheckRate("CONTOSO_CANVAS_OPEN_PER_IP", c.OpenPerIP, c.OpenPerIPBurst),
		web.CheckRate("CONTOSO_CANVAS_PER_VISITOR", c.PerVisitor, c.PerVisitorBurst))
	return errors.Join(problems...)
}

// SignIn says where agents sign in, and which of them may.
type SignIn struct {
	Issuer       string     `env:"ISSUER" help:"OpenID Connect issuer, as in https://login.microsoftonline.com/<tenant>/v2.0; empty: nobody signs in, and the desk answers this machine only"`
	ClientID     string     `env:"CLIENT_ID" help:"the desk's app there; its redirect URI is CONTOSO_PUBLIC_URL/auth/callback"`
	ClientSecret env.Secret `env:"CLIENT_SECRET" help:"the app's secret; empty for a public client"`
	Allowed      []string   `env:"ALLOWED" help:"comma list of e-mail addresses, @domains and subjects; empty: everybody the issuer signs in"`
	Supervisors  []string   `env:"SUPERVISORS" help:"which of them may supervise and change settings, in the same way, or role:<name> of the token's roles; empty: nobody"`
}

// resolve fills in what depends on the address that is served, and returns
// everything that is wrong.
func (c Config) resolve(addr net.Addr) (Config, error) {
	scheme := "http://"
	if c.TLS.On() {
		scheme = "https://"
	}
	c.PublicURL = strings.TrimSuffix(cmp.Or(c.PublicURL, scheme+addr.String()), "/")
	c.SignIn.Allowed, c.SignIn.Supervisors = trimmed(c.SignIn.Allowed), trimmed(c.SignIn.Supervisors)
	c.SessionIdle, c.Canvas.EmbedOrigins = cmp.Or(c.SessionIdle, 8*time.Hour), trimmed(c.Canvas.EmbedOrigins)
	c.Open, c.FileLimit, c.FileLinkLife = cmp.Or(c.Open, openAuto), cmp.Or(c.FileLimit, 20<<20), cmp.Or(c.FileLinkLife, time.Hour)
	problems := []error{c.Rate.Check("CONTOSO_RATE_"), c.TLS.Check("CONTOSO_TLS_"), c.Canvas.check()}
	add := func(variable, text string) { problems = append(problems, fmt.Errorf("CONTOSO_%s: %s", variable, text)) }
	if c.APIKey != "" && len(env.List(c.APIKey)) == 0 {
		add("API_KEY", "holds no key; nobody could call the API")
	}
	if !slices.Contains([]string{openAuto, openAgents, openAlways}, c.Open) {
		add("OPEN", "expected auto, agents or always")
	}
	if c.FileLimit < 0 {
		add("FILE_LIMIT", "must be positive")
	}
	if c.FileLinkLife < time.Second {
		add("FILE_LINK_LIFE", "expected a second or more")
	}
	if c.SessionIdle < minIdle {
		add("SESSION_IDLE", "expected 5m or more")
	}
	if c.Retention != 0 && time.Duration(c.Retention) < minRetention {
		add("RETENTION", "expected 48h or more, or 0")
	}
	if c.SignIn.Issuer == "" {
		if c.SignIn.ClientID != "" || c.SignIn.ClientSecret != "" || len(c.SignIn.Allowed) > 0 || len(c.SignIn.Supervisors) > 0 {
			add("OIDC_ISSUER", "required when any CONTOSO_OIDC_ variable is set")
		}
		return c, errors.Join(problems...)
	}
	if !safeURL(c.SignIn.Issuer) {
		add("OIDC_ISSUER", "expected an https:// URL, or http:// on this machine")
	}
	if c.SignIn.ClientID == "" {
		add("OIDC_CLIENT_ID", "required with CONTOSO_OIDC_ISSUER")
	}
	if u, err := url.Parse(c.PublicURL); err != nil || u.Path != "" || u.RawQuery != "" || !safeURL(c.PublicURL) {
		add("PUBLIC_URL", "expected https:// and a host, or http:// on this machine, and no path; agents sign in there")
	}
	for variable, list := range map[string][]string{"OIDC_ALLOWED": c.SignIn.Allowed, "OIDC_SUPERVISORS": c.SignIn.Supervisors} {
		if slices.Contains(list, "@") {
			add(variable, "a lone @ names no domain")
		}
	}
	return c, errors.Join(problems...)
}

// secure reports whether browsers reach us over https only.
func (c Config) secure() bool { return strings.HasPrefix(c.PublicURL, "https://") }

func (c Config) visitorCookie() string {
	if c.secure() {
		return hostPrefix + visitorCookie
	}
	return visitorCookie
}

// trimmed returns the entries without the space around them and without empty
// ones, which a final comma leaves behind.
func trimmed(list []string) []string {
	var all []string
	for _, entry := range list {
		if entry = strings.TrimSpace(entry); entry != "" {
			all = append(all, entry)
		}
	}
	return all
}

// safeURL reports whether nobody on the way can read what is sent to a URL.
func safeURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && web.LoopbackHost(u.Host)
}

// warnings returns what is left out without being wrong, each in a sentence.
func (c Config) warnings() []string {
	var all []string
	if c.APIKey == "" {
		all = append(all, "CONTOSO_API_KEY is empty: /api/chat answers this machine only")
	}
	if c.SignIn.Issuer == "" {
		all = append(all, "CONTOSO_OIDC_ISSUER is empty: nobody signs in, and the desk answers this machine only")
	} else if len(c.SignIn.Supervisors) == 0 {
		all = append(all, "CONTOSO_OIDC_SUPERVISORS is empty: nobody may supervise or change settings")
	}
	return all
}
