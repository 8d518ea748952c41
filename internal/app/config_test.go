package app_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/internal/app"
	"github.com/liaison-skill/liaison/internal/env"
)

func load(tb testing.TB, environ ...string) app.Config {
	tb.Helper()
	c, err := app.Load(tb.Context(), environ)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestLoadDefaults(t *testing.T) {
	t.Parallel()
	c := load(t, "PATH=/bin", "DATABASE_URL=postgres://elsewhere/", "NOT_LIAISON_X=1")
	want := map[string]any{
		"listen": "127.0.0.1:5001", "metrics": "127.0.0.1:9464", "public": "http://localhost:5001", "level": "info", "format": "",
		"drain": 20 * time.Second, "body": int64(1 << 20), "attachment": int64(20 << 20), "links": 24 * time.Hour,
		"wait": 5 * time.Minute, "idle": 30 * time.Minute, "cap": 12 * time.Hour, "retention": 30 * 24 * time.Hour,
		"entra": "https://login.microsoftonline.com", "metadata": "https://login.botframework.com/v1/.well-known/openidconfiguration",
		"issuer": "https://api.botframework.com", "connector": "https://smba.trafficmanager.net/teams/",
		"callers": 0, "hubs": "contoso",
	}
	got := map[string]any{
		"listen": c.Listen, "metrics": c.MetricsListen, "public": c.PublicURL, "level": c.LogLevel, "format": c.LogFormat,
		"drain": time.Duration(c.Drain), "body": int64(c.MaxBody), "attachment": int64(c.Files.Max), "links": time.Duration(c.Files.Links),
		"wait": time.Duration(c.Wait), "idle": time.Duration(c.Idle), "cap": time.Duration(c.Cap), "retention": time.Duration(c.Retention),
		"entra": c.Auth.EntraURL, "metadata": c.Auth.ChannelMetadataURL, "issuer": c.Auth.ChannelIssuer,
		"connector": c.Auth.ConnectorURL, "callers": len(c.Auth.AllowedCallers), "hubs": strings.Join(c.HubNames, ","),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	if hub := c.Hubs["contoso"]; hub.Kind != "contoso" || hub.URL != "http://localhost:5000" || hub.APIKeyHeader != "X-API-Key" {
		t.Errorf("hub is %+v", hub)
	}
}

func TestLoadHubs(t *testing.T) {
	t.Parallel()
	c := load(
		t, "LIAISON_HUBS=first-line,contoso",
		"LIAISON_HUB_FIRST_LINE_KIND=contoso", "LIAISON_HUB_FIRST_LINE_URL=https://hub.example/x=y",
		"LIAISON_HUB_FIRST_LINE_WEBHOOK_SECRET=old,new",
	)
	if !slices.Equal(c.HubNames, []string{"first-line", "contoso"}) {
		t.Errorf("hubs are %q", c.HubNames)
	}
	first := c.Hubs["first-line"]
	if first.URL != "https://hub.example/x=y" || len(env.List(first.WebhookSecret)) != 2 {
		t.Errorf("first hub is %+v", first)
	}
}

// TestLoadHours: a hub has its own hours, or those for all.
func TestLoadHours(t *testing.T) {
	t.Parallel()
	const common = "Europe/Berlin Mon-Fri 09:00-17:30"
	c := load(t, "LIAISON_HUBS=day,night,other", "LIAISON_HOURS="+common, "LIAISON_HUB_NIGHT_HOURS=always", "LIAISON_HUB_OTHER_HOURS=",
		"LIAISON_HUB_DAY_KIND=contoso", "LIAISON_HUB_NIGHT_KIND=contoso", "LIAISON_HUB_OTHER_KIND=contoso")
	for name, want := range map[string]string{"day": common, "night": "always", "other": common} {
		if got := c.Hubs[name].Hours.String(); got != want {
			t.Errorf("%s is open %s, want %s", name, got, want)
		}
	}
	if got := load(t).Hubs["contoso"].Hours; !got.IsZero() {
		t.Errorf("without any hours it is open %s", got)
	}
}

func TestLoadTakesSecretsFromFiles(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("from-a-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := load(t, "LIAISON_HUB_CONTOSO_API_KEY_FILE="+file)
	if got := c.Hubs["contoso"].APIKey.Reveal(); got != "from-a-file" {
		t.Errorf("key is %q", got)
	}
}

// TestLoadReportsEverything: one start is enough to see all that is wrong.
func TestLoadReportsEverything(t *testing.T) {
	t.Parallel()
	_, err := app.Load(t.Context(), []string{
		"LIAISON_LISTN=x", "LIAISON_HUB_CONTOSO_APIKEY=x", "LIAISON_HUB_CONTOSSO_URL=http://x", "LIAISON_CONNECTION_SKILL_CLIENT_IDS=x",
		"LIAISON_PUBLIC_URL=http://liaison.example.com", "LIAISON_LOG_LEVEL=loud", "LIAISON_LOG_FORMAT=xml",
		"LIAISON_DRAIN=soon", "LIAISON_MAX_BODY=0", "LIAISON_ENTRA_URL=http://entra.example.com", "LIAISON_TENANT_ID=common",
		"LIAISON_HUBS=contoso,genesys", "LIAISON_HUB_CONTOSO_URL=hub",
		"LIAISON_CONNECTIONS=skill", "LIAISON_CONNECTIONS_MAP=https://smba*=copilot", "LIAISON_DELIVERY_CONCURRENCY=many",
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"LIAISON_LISTN: no such variable; did you mean LIAISON_LISTEN?",
		"LIAISON_HUB_CONTOSO_APIKEY: no such variable; did you mean LIAISON_HUB_CONTOSO_API_KEY?",
		"LIAISON_HUB_CONTOSSO_URL: no such variable; did you mean LIAISON_HUB_CONTOSO_URL?",
		"LIAISON_CONNECTION_SKILL_CLIENT_IDS: no such variable; did you mean LIAISON_CONNECTION_SKILL_CLIENT_ID?",
		"LIAISON_PUBLIC_URL: ", "LIAISON_LOG_LEVEL: ", "LIAISON_LOG_FORMAT: ", "LIAISON_DRAIN: ", "LIAISON_MAX_BODY: ",
		"LIAISON_ENTRA_URL: ", "LIAISON_TENANT_ID: ",
		"LIAISON_HUB_GENESYS_KIND: ", "LIAISON_HUB_GENESYS_URL: ", "LIAISON_HUB_CONTOSO_URL: ",
		"LIAISON_CONNECTION_SKILL_CLIENT_ID: ", "LIAISON_CONNECTION_SKILL_CLIENT_SECRET: ", "LIAISON_CONNECTIONS_MAP: ",
		"LIAISON_DELIVERY_CONCURRENCY: ",
	} {
		if !strings.Contains(err.Error(), "\n"+want) {
			t.Errorf("no line that begins with %q", want)
		}
	}
	if t.Failed() {
		t.Log(err)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ variable, want string }{
		"no hub":                  {"LIAISON_HUBS=,", "LIAISON_HUBS: names no hub"},
		"an unknown cloud":        {"LIAISON_CLOUD=moon", "LIAISON_CLOUD: "},
		"a relative public URL":   {"LIAISON_PUBLIC_URL=/liaison", "LIAISON_PUBLIC_URL: "},
		"a negative rate":         {"LIAISON_RATE_PER_CALLER=-1", "LIAISON_RATE_PER_CALLER: "},
		"a rate that is none":     {"LIAISON_RATE_PER_IP=NaN", "LIAISON_RATE_PER_IP: "},
		"a rate without a burst":  {"LIAISON_RATE_PER_IP_BURST=0", "LIAISON_RATE_PER_IP_BURST: "},
		"a certificate alone":     {"LIAISON_TLS_CERT_FILE=/cert.pem", "LIAISON_TLS_KEY_FILE: "},
		"a key alone":             {"LIAISON_TLS_KEY_FILE=/key.pem", "LIAISON_TLS_CERT_FILE: "},
		"negative openings":       {"LIAISON_OPENINGS=-1", "LIAISON_OPENINGS: "},
		"a negative drain":        {"LIAISON_DRAIN=-1s", "LIAISON_DRAIN: "},
		"texts that are none":     {"LIAISON_TEXTS=/nowhere/texts.json", "LIAISON_TEXTS: read texts: "},
		"an unknown language":     {"LIAISON_LOCALE=fi", `LIAISON_LOCALE: no texts in "fi"; there are: de, en`},
		"hours that are none":     {"LIAISON_HOURS=UTC Mno 09:00-17:00", `LIAISON_HOURS: character 5: "Mno": expected days`},
		"a hub's hours":           {"LIAISON_HUB_CONTOSO_HOURS=open", `LIAISON_HUB_CONTOSO_HOURS: character 1: "open": expected a time zone`},
		"a secret's missing file": {"LIAISON_HUB_CONTOSO_API_KEY_FILE=/nowhere/at/all", "LIAISON_HUB_CONTOSO_API_KEY"},
	} {
		if _, err := app.Load(t.Context(), []string{tc.variable}); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error is %v, want one with %q", name, err, tc.want)
		}
	}
}

// TestNoSecretShows: neither printing the configuration nor what is wrong with it
// tells a secret.
func TestNoSecretShows(t *testing.T) {
	t.Parallel()
	const canary = "canary-of-a-secret"
	environ := []string{
		"LIAISON_HUB_CONTOSO_API_KEY=" + canary, "LIAISON_HUB_CONTOSO_BEARER=" + canary, "LIAISON_HUB_CONTOSO_WEBHOOK_SECRET=" + canary,
		"LIAISON_CONNECTIONS=skill", "LIAISON_CONNECTION_SKILL_CLIENT_ID=id", "LIAISON_CONNECTION_SKILL_CLIENT_SECRET=" + canary,
	}
	c := load(t, environ...)
	var logged strings.Builder
	app.NewLogger(app.Config{LogFormat: "json"}, &logged).InfoContext(t.Context(), "loaded", "config", c)
	_, err := app.Load(t.Context(), append(environ, "LIAISON_LISTN="+canary, "LIAISON_HUB_CONTOSO_API_KEYS="+canary))
	if err == nil {
		t.Fatal("no error")
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", c, c, c), logged.String(), err.Error()} {
		if strings.Contains(text, canary) {
			t.Errorf("a secret shows: %s", text)
		}
	}
}

func TestDescribeNamesEveryVariable(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	if err := app.Describe(&table); err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(table.String())
	for _, name := range []string{
		"LISTEN", "METRICS_LISTEN", "PUBLIC_URL", "DATA_DIR", "LOG_LEVEL", "LOG_FORMAT", "DRAIN",
		"CLOUD", "SKILL_APP_ID", "TENANT_ID", "ALLOWED_CALLERS", "CHANNEL_CALLERS", "ENTRA_URL", "CHANNEL_METADATA_URL", "CHANNEL_ISSUER",
		"CONNECTIONS", "CONNECTIONS_MAP", "TRUSTED_SERVICE_URLS", "CONNECTOR_URL",
		"CONNECTION_<NAME>_CLIENT_ID", "CONNECTION_<NAME>_TENANT_ID", "CONNECTION_<NAME>_CLIENT_SECRET",
		"CONNECTION_<NAME>_CERTIFICATE_FILE", "CONNECTION_<NAME>_MANAGED_IDENTITY", "CONNECTION_<NAME>_FEDERATED_TOKEN_FILE",
		"CONNECTION_<NAME>_SCOPE",
		"HUBS", "HUB_<NAME>_KIND", "HUB_<NAME>_URL", "HUB_<NAME>_API_KEY", "HUB_<NAME>_API_KEY_HEADER", "HUB_<NAME>_BEARER",
		"HUB_<NAME>_WEBHOOK_SECRET", "HUB_<NAME>_HOURS", "HOURS", "TEXTS", "LOCALE",
		"RATE_PER_CALLER", "RATE_PER_CALLER_BURST", "RATE_PER_IP", "RATE_PER_IP_BURST", "TLS_CERT_FILE", "TLS_KEY_FILE",
		"DELIVERY_CONCURRENCY", "DELIVERY_LEASE", "DELIVERY_POLL", "DELIVERY_BACKOFF",
		"WAIT", "IDLE", "CAP", "OPENINGS", "RETENTION", "MAX_BODY", "MAX_ATTACHMENT", "ATTACHMENT_TYPES", "FILE_LINKS",
	} {
		if !slices.Contains(words, "LIAISON_"+name) {
			t.Errorf("LIAISON_%s is not described", name)
		}
	}
}

func TestDataDir(t *testing.T) {
	t.Parallel()
	fallback := "data"
	if os.Geteuid() == 0 {
		fallback = "/var/lib/liaison"
	}
	if a, b := app.DataDir("/x"), app.DataDir(""); a != "/x" || b != fallback {
		t.Errorf("folders are %q and %q, want /x and %q", a, b, fallback)
	}
}

func TestManifestIsAsConfigured(t *testing.T) {
	t.Parallel()
	const id = "bbbbbbbb-0000-4000-8000-000000000002"
	c := load(t, "LIAISON_PUBLIC_URL=https://liaison.example.com", "LIAISON_SKILL_APP_ID="+id+",other")
	m, err := app.Manifest(c, "1.2.3")
	if err != nil || m.Endpoints[0].MSAppID != id || m.Endpoints[0].EndpointURL != "https://liaison.example.com/api/messages" {
		t.Errorf("manifest is %+v, %v", m, err)
	}
}

func TestNewLogger(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		config app.Config
		want   []string // beginnings of the lines
	}{
		"JSON away from a terminal": {app.Config{LogLevel: "info"}, []string{`{"time":`, `{"time":`}},
		"text when asked for":       {app.Config{LogLevel: "INFO", LogFormat: "text"}, []string{"time=", "time="}},
		"only errors":               {app.Config{LogLevel: "error"}, []string{`{"time":`}},
		"everything":                {app.Config{LogLevel: "debug"}, []string{`{"time":`, `{"time":`, `{"time":`}},
	} {
		var out strings.Builder
		say(t.Context(), tc.config, &out)
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		same := slices.EqualFunc(lines, tc.want, strings.HasPrefix)
		if !same {
			t.Errorf("%s: %q", name, lines)
		}
	}
}

func say(ctx context.Context, c app.Config, w io.Writer) {
	log := app.NewLogger(c, w)
	log.DebugContext(ctx, "one")
	log.InfoContext(ctx, "two")
	log.ErrorContext(ctx, "three")
}
