package app_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/internal/app"
)

// TestLoadChecks has one wrong variable in each row. The message begins with its
// name and is the only one about it.
func TestLoadChecks(t *testing.T) {
	t.Parallel()
	for set, want := range map[string]string{
		"LIAISON_PUBLIC_URL=liaison.example.com":       "LIAISON_PUBLIC_URL: expected an absolute URL",
		"LIAISON_PUBLIC_URL=ftp://localhost":           "LIAISON_PUBLIC_URL: must begin with https://",
		"LIAISON_SURVEY=maybe":                         `LIAISON_SURVEY: expected on or off, not "maybe"`,
		"LIAISON_HUB_CONTOSO_SURVEY=yes":               `LIAISON_HUB_CONTOSO_SURVEY: expected on or off, not "yes"`,
		"LIAISON_MAX_BODY=0":                           "LIAISON_MAX_BODY: must be positive",
		"LIAISON_MAX_BODY=lots":                        `LIAISON_MAX_BODY: "lots" is not a size`,
		"LIAISON_MAX_ATTACHMENT=0":                     "LIAISON_MAX_ATTACHMENT: must be positive",
		"LIAISON_ATTACHMENT_TYPES=.pdf,word":           `LIAISON_ATTACHMENT_TYPES: "word" is neither an ending`,
		"LIAISON_FILE_LINKS=0":                         "LIAISON_FILE_LINKS: must be at least 1m0s",
		"LIAISON_HUBS=,":                               "LIAISON_HUBS: names no hub",
		"LIAISON_HUBS=contoso,contoso":                 "LIAISON_HUBS: contoso and contoso have the same variables",
		"LIAISON_HUBS=contoso,CONTOSO":                 "LIAISON_HUBS: contoso and CONTOSO have the same variables",
		"LIAISON_HUBS=contoso,a/b":                     `LIAISON_HUBS: "a/b" is not a name`,
		"LIAISON_HUB_CONTOSO_KIND=zendesk":             `LIAISON_HUB_CONTOSO_KIND: no adapter "zendesk"`,
		"LIAISON_HUB_CONTOSO_URL=hub:5000":             "LIAISON_HUB_CONTOSO_URL: expected an absolute URL",
		"LIAISON_HUB_CONTOSO_URL=ftp://hub":            "LIAISON_HUB_CONTOSO_URL: expected an absolute URL",
		"LIAISON_HUB_CONTOSO_API_KEY_HEADER=X API":     "LIAISON_HUB_CONTOSO_API_KEY_HEADER: ",
		"LIAISON_HUB_CONTOSO_API_KEY=hush-hush\n":      "LIAISON_HUB_CONTOSO_API_KEY: ",
		"LIAISON_HUB_CONTOSO_BEARER=hush-hush\r\nX: y": "LIAISON_HUB_CONTOSO_BEARER: ",
		"LIAISON_HUB_CONTOSO_WEBHOOK_SECRET=a,whsec_":  "LIAISON_HUB_CONTOSO_WEBHOOK_SECRET: ",
		"LIAISON_HUB_CONTOSO_WEBHOOK_SECRET=,":         "LIAISON_HUB_CONTOSO_WEBHOOK_SECRET: ",
		"LIAISON_DELIVERY_CONCURRENCY=many":            "LIAISON_DELIVERY_CONCURRENCY: strconv.",
		"LIAISON_DELIVERY_CONCURRENCY=0":               "LIAISON_DELIVERY_CONCURRENCY: must be positive",
		"LIAISON_DELIVERY_LEASE=0":                     "LIAISON_DELIVERY_LEASE: must be at least 1s",
		"LIAISON_DELIVERY_POLL=0s":                     "LIAISON_DELIVERY_POLL: must be positive",
		"LIAISON_DELIVERY_TIMEOUT=-1s":                 "LIAISON_DELIVERY_TIMEOUT: must be positive",
		"LIAISON_DELIVERY_FAULTS=0":                    "LIAISON_DELIVERY_FAULTS: must be positive",
		"LIAISON_DELIVERY_GIVE_UP=0":                   "LIAISON_DELIVERY_GIVE_UP: must be positive",
		"LIAISON_DELIVERY_BACKOFF=0":                   "LIAISON_DELIVERY_BACKOFF: must be positive",
		"LIAISON_DELIVERY_BACKOFF=40s":                 "LIAISON_DELIVERY_BACKOFF_MAX: must not be shorter than LIAISON_DELIVERY_BACKOFF",
	} {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			c, err := app.Load(t.Context(), []string{set})
			if err == nil {
				t.Fatal("accepted")
			}
			lines := strings.Split(err.Error(), "\n")
			about, _, _ := strings.Cut(want, " ")
			lines = slices.DeleteFunc(lines, func(line string) bool { return !strings.HasPrefix(line, about) })
			if len(lines) != 1 || !strings.HasPrefix(lines[0], want) {
				t.Errorf("no single line that begins with %q:\n%v", want, err)
			}
			if strings.Contains(err.Error(), "hush-hush") {
				t.Errorf("the message repeats a secret: %v", err)
			}
			if c.HubNames != nil {
				t.Error("a refused configuration came back")
			}
		})
	}
}

func accepted(tb testing.TB, environ ...string) app.Config {
	tb.Helper()
	c, err := app.Load(tb.Context(), environ)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// TestLoadBearsTemplates: deployment templates leave commas and empty variables
// behind.
func TestLoadBearsTemplates(t *testing.T) {
	t.Parallel()
	c := accepted(
		t, "LIAISON_HUBS= west , contoso,", "LIAISON_HUB_WEST_KIND=contoso",
		"LIAISON_HUB_WEST_API_KEY=k", "LIAISON_HUB_WEST_API_KEY_HEADER=", "LIAISON_HUB_WEST_WEBHOOK_SECRET=", "LIAISON_DELIVERY_POLL=",
	)
	if c.Delivery.Poll != 250*time.Millisecond {
		t.Errorf("poll is %s, want the default", c.Delivery.Poll)
	}
	if diff := cmp.Diff([]string{"west", "contoso"}, c.HubNames); diff != "" {
		t.Errorf("hubs (-want +got):\n%s", diff)
	}
	want := app.HubConfig{Kind: "contoso", URL: "http://localhost:5000", APIKey: "k", APIKeyHeader: "X-API-Key", Survey: "off", Canvas: "off"}
	if got := c.Hubs["west"]; got != want {
		t.Errorf("hub is %+v, want %+v", got, want)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	if got := accepted(t).Warnings(); len(got) != 4 {
		t.Errorf("an empty configuration has the warnings %q, want 4", got)
	}
	got := accepted(
		t, "LIAISON_SKILL_APP_ID=1", "LIAISON_TENANT_ID=2", "LIAISON_ALLOWED_CALLERS=3",
		"LIAISON_CONNECTIONS=bot", "LIAISON_CONNECTION_BOT_CLIENT_ID=4", "LIAISON_CONNECTION_BOT_CLIENT_SECRET=5",
	).Warnings()
	if len(got) != 0 {
		t.Errorf("a complete configuration has the warnings %q", got)
	}
	got = accepted(t, "LIAISON_IDLE=10m", "LIAISON_REMIND=10m").Warnings()
	if len(got) != 5 || !strings.HasPrefix(got[4], "LIAISON_REMIND is not shorter") {
		t.Errorf("a reminder at the close has the warnings %q", got)
	}
}
