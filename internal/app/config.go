package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/files"
	"github.com/liaison-skill/liaison/handoff"
	"github.com/liaison-skill/liaison/hours"
	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/internal/tracing"
	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/relay"
)

// Config is what an operator sets, in variables that begin with LIAISON_.
type Config struct {
	Listen        string       `env:"LISTEN, default=127.0.0.1:5001" help:"address of the service"`
	MetricsListen string       `env:"METRICS_LISTEN, default=127.0.0.1:9464" help:"address of /metrics and /debug/pprof; empty turns it off"`
	PublicURL     string       `env:"PUBLIC_URL, default=http://localhost:5001" help:"where Copilot Studio reaches the service; goes into the manifest"`
	DataDir       string       `env:"DATA_DIR" help:"folder of the embedded database; ./data, or /var/lib/liaison as root"`
	LogLevel      string       `env:"LOG_LEVEL, default=info" help:"debug, info, warn or error"`
	LogFormat     string       `env:"LOG_FORMAT" help:"text or json; text on a terminal"`
	Drain         env.Duration `env:"DRAIN, default=20s" help:"longest shutdown"`
	Replica       string       `env:"REPLICA" help:"this process's name among replicas, the same after a restart; host and address by default"`
	MaxBody       env.Bytes    `env:"MAX_BODY, default=1MiB" help:"longest request body"`
	Wait          env.Duration `env:"WAIT, default=5m" help:"nobody joined for so long: the user is asked what to do"`
	QueueUpdate   env.Duration `env:"QUEUE_UPDATE, default=30s" help:"least time between two words about the queue"`
	Remind        env.Duration `env:"REMIND, default=25m" help:"nobody wrote for so long: the user is asked whether they are there"`
	Idle          env.Duration `env:"IDLE, default=30m" help:"nobody wrote for so long: the conversation is closed"`
	Cap           env.Duration `env:"CAP, default=12h" help:"longest conversation"`
	Texts         string       `env:"TEXTS" help:"JSON file of texts to replace; liaison texts prints what there is"`
	Locale        string       `env:"LOCALE, default=en" help:"language of agents, and of users whose own is not spoken"`
	Survey        string       `env:"SURVEY, default=off" help:"on asks users what they think of the help, when it is over; off"`
	PrivacyURL    string       `env:"PRIVACY_URL" help:"your privacy statement, to which /privacy then leads; the service has one of its own"`
	TermsURL      string       `env:"TERMS_URL" help:"your terms of use, to which /terms then leads; the service has some of its own"`
	Openings      int          `env:"OPENINGS" help:"starts that wait for one hub at a time; further ones are told at once that nobody can be reached. By default what it can open in time at one second each: 9 times LIAISON_DELIVERY_CONCURRENCY"`
	Retention     env.Duration `env:"RETENTION, default=30d" help:"what is over is kept: conversations, deliveries, attempts; letters nobody decided about twice as long"`

	// No variables: what is promised of them is, too. Zero is what [bridge.Options] says.
	Reconcile, Overdue, Accept time.Duration

	Files    files.Config
	Handoff  handoff.Config `env:", prefix=HANDOFF_"`
	Copilot  relay.Config   `env:", prefix=COPILOT_"`
	Auth     auth.Config
	Identity auth.Identity
	Delivery delivery.Config `env:", prefix=DELIVERY_"`
	Rate     web.Limits      `env:", prefix=RATE_"`
	TLS      web.TLS         `env:", prefix=TLS_"`

	TeamsRates      delivery.Windows `env:"TEAMS_RATES, default=7/1s,8/2s,60/30s,1800/1h" help:"most sends to one conversation in Teams, as count/time; off for none"`
	TeamsTenantRate delivery.Windows `env:"TEAMS_TENANT_RATE, default=50/1s" help:"most sends to one tenant, over all replicas; off for none"`

	DatabaseURL env.Secret // from DATABASE_URL; empty runs the embedded database

	HubNames []string `env:"HUBS, default=contoso" help:"names of the hubs, comma list; the first gets new conversations"`

	// Hours is when agents are there, at hubs without hours of their own.
	Hours hours.Schedule `env:"HOURS" help:"when agents are there, like Europe/Berlin Mon-Fri 09:00-17:30; closed 12-25; or @ and a file of it; always if empty"`

	Hubs map[string]HubConfig

	Traces *tracing.Config // from OTEL_…; nil traces nothing
}

// databaseConfig is the one variable that keeps the name everybody gives it.
type databaseConfig struct {
	URL env.Secret `env:"DATABASE_URL" help:"the PostgreSQL to use; empty runs the embedded one"`
}

// HubConfig is one hub, in variables that begin with LIAISON_HUB_<NAME>_.
type HubConfig struct {
	Kind          string     `env:"KIND" help:"adapter; the hub's name by default"`
	URL           string     `env:"URL" help:"base URL of its API; http://localhost:5000 for contoso"`
	APIKey        env.Secret `env:"API_KEY" help:"credential we send"`
	APIKeyHeader  string     `env:"API_KEY_HEADER, default=X-API-Key" help:"header it is sent in"`
	Bearer        env.Secret `env:"BEARER" help:"bearer token we send"`
	WebhookSecret env.Secret `env:"WEBHOOK_SECRET" help:"what it signs with; comma list while rotating; empty takes unsigned webhooks from this machine only"`

	Hours  hours.Schedule `env:"HOURS" help:"when its agents are there; LIAISON_HOURS by default"`
	Survey string         `env:"SURVEY" help:"on or off; LIAISON_SURVEY by default"`
	Canvas string         `env:"CANVAS, default=off" help:"on lets the copilot of LIAISON_COPILOT_… answer in the hub's own chat; off"`
}

// surveys are the hubs whose users are asked.
func (c Config) surveys() map[string]bool {
	asked := map[string]bool{}
	for name, hub := range c.Hubs {
		asked[name] = hub.Survey == switchOn
	}
	return asked
}

// Values of what is on or off.
const (
	switchOn  = "on"
	switchOff = "off"
)

// Prefixes of variables.
const (
	prefix           = "LIAISON_"
	hubPrefix        = prefix + "HUB_"
	connectionPrefix = prefix + "CONNECTION_"
)

// sections lists the variables there are, for hubs and connections of these
// names.
func sections(hubs, connections []string) []env.Section {
	s := []env.Section{
		{Title: "The database", Config: databaseConfig{}},
		{Title: "Traces", Config: tracing.Config{}},
		{Title: "The service", Prefix: prefix, Config: Config{}},
	}
	for _, name := range hubs {
		s = append(s, env.Section{Title: "Each hub", Prefix: hubPrefix + variable(name) + "_", Config: HubConfig{}})
	}
	for _, name := range connections {
		s = append(s, env.Section{Title: "Each connection", Prefix: connectionPrefix + variable(name) + "_", Config: auth.Connection{}})
	}
	return s
}

// Describe writes the table of variables.
func Describe(w io.Writer) error {
	return env.Table(w, sections([]string{"<NAME>"}, []string{"<NAME>"})...)
}

// Load reads the configuration from environ, in the form of os.Environ. The
// error names every problem at once.
func Load(ctx context.Context, environ []string) (Config, error) {
	l := lookuper(environ)
	var c Config
	var db databaseConfig
	c.Traces = &tracing.Config{}
	p := problems{
		env.Process(ctx, l, prefix, &c),
		env.Process(ctx, l, "", &db),
		env.Process(ctx, l, "", c.Traces),
	}
	c.DatabaseURL = db.URL
	var err error
	c.Identity, err = auth.ReadIdentity(ctx, l, prefix)
	p = append(p, err)
	c.HubNames, err = hubNames(c.HubNames)
	p = append(p, err)
	p = append(p, env.Unknown(prefix, environ, sections(c.HubNames, c.Identity.Names)...))
	c.Hubs = map[string]HubConfig{}
	for _, name := range c.HubNames {
		var hub HubConfig
		variables := hubPrefix + variable(name) + "_"
		p = append(p, env.Process(ctx, l, variables, &hub), hub.complete(name, variables))
		if hub.Hours.IsZero() {
			hub.Hours = c.Hours
		}
		hub.Survey = cmp.Or(hub.Survey, c.Survey)
		c.Hubs[name] = hub
	}
	c.Auth, err = c.Auth.Resolve()
	p = append(p, err)
	c.check(&p)
	if err := errors.Join(p...); err != nil {
		return Config{}, fmt.Errorf("configuration:\n%w", err)
	}
	return c, nil
}

// Warnings returns what the configuration leaves out or makes useless without
// being wrong, each in a sentence.
func (c Config) Warnings() []string {
	var warnings []string
	for _, w := range []struct {
		holds bool
		text  string
	}{
		{len(c.Auth.SkillAppID) == 0, "LIAISON_SKILL_APP_ID is empty: no call is for us, all are refused"},
		{len(c.Auth.TenantID) == 0, "LIAISON_TENANT_ID is empty: copilots' tokens are refused"},
		{len(c.Auth.AllowedCallers) == 0, "LIAISON_ALLOWED_CALLERS is empty: every copilot is refused"},
		{len(c.Identity.Names) == 0, "LIAISON_CONNECTIONS is empty: nothing can be said to Teams or to copilots"},
		{c.Idle > 0 && c.Remind >= c.Idle, "LIAISON_REMIND is not shorter than LIAISON_IDLE: nobody is reminded before the close"},
	} {
		if w.holds {
			warnings = append(warnings, w.text)
		}
	}
	return warnings
}

// lookuper finds variables in a list of the form of os.Environ.
func lookuper(environ []string) envconfig.Lookuper {
	found := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		found[name] = value
	}
	return envconfig.MapLookuper(found)
}

// DataDir returns the folder of the embedded database: dir, or the default for
// who runs the process.
func DataDir(dir string) string {
	switch {
	case dir != "":
		return dir
	case os.Geteuid() == 0:
		return "/var/lib/liaison"
	}
	return "data"
}
