package env_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/internal/env"
)

func sections() []env.Section {
	return []env.Section{
		{Prefix: "LIAISON_", Config: config{}},
		{Title: "hubs", Prefix: "LIAISON_HUB_<NAME>_", Config: &hub{}},
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := env.Table(&out, sections()...); err != nil {
		t.Fatal(err)
	}
	want := strings.TrimPrefix(`
  LIAISON_LISTEN           127.0.0.1:5001  the service's address
  LIAISON_METRICS_LISTEN   127.0.0.1:9464  empty turns it off
  LIAISON_IDLE             30m             closed after it
  LIAISON_MAX_BODY         1MiB            limit of a body
  LIAISON_SKILL_APP_ID     -               ours, comma list
  LIAISON_WORKERS          8               
  LIAISON_DELIVERY_LEASE   30s             how long a lane is owned
  LIAISON_DELIVERY_SECRET  -               signs; or a file: SECRET_FILE

hubs
  LIAISON_HUB_<NAME>_URL             required  base URL
  LIAISON_HUB_<NAME>_WEBHOOK_SECRET  -         comma list while rotating; or a file: WEBHOOK_SECRET_FILE
`, "\n")
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string]string{
		"LIAISON_LISTEN=x":                         "",
		"LIAISON_DELIVERY_SECRET_FILE=x":           "",
		"LIAISON_HUB_CONTOSO_URL=x":                "",
		"LIAISON_HUB_NORTH_EAST_URL=x":             "",
		"LIAISON_HUB_CONTOSO_WEBHOOK_SECRET_FILE=": "",
		"PATH=/bin":                            "",
		"LIAISONS=x":                           "",
		"LIAISON_LISTEM=x":                     "LIAISON_LISTEM: no such variable; did you mean LIAISON_LISTEN?",
		"LIAISON_SKILL_APPID=x":                "LIAISON_SKILL_APPID: no such variable; did you mean LIAISON_SKILL_APP_ID?",
		"LIAISON_LISTEN_FILE=x":                "LIAISON_LISTEN_FILE: no such variable; did you mean LIAISON_LISTEN?",
		"LIAISON_HUB_SALES_ULR=secret":         "LIAISON_HUB_SALES_ULR: no such variable; did you mean LIAISON_HUB_SALES_URL?",
		"LIAISON_HUB_A_B_WEBHOOK_SECRETS=":     "LIAISON_HUB_A_B_WEBHOOK_SECRETS: no such variable; did you mean LIAISON_HUB_A_B_WEBHOOK_SECRET?",
		"LIAISON_HUB__URL=x":                   "LIAISON_HUB__URL: no such variable",
		"LIAISON_COMPLETELY_DIFFERENT_THING=x": "LIAISON_COMPLETELY_DIFFERENT_THING: no such variable",
	} {
		got := ""
		if err := env.Unknown("LIAISON_", []string{entry}, sections()...); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", entry, got, want)
		}
	}
}

func TestUnknown_reports_all(t *testing.T) {
	t.Parallel()
	err := env.Unknown("LIAISON_", []string{"LIAISON_B=", "LIAISON_A=", "LIAISON_IDLE=1s"}, sections()...)
	if err == nil || strings.Count(err.Error(), "no such variable") != 2 {
		t.Errorf("error: %v, want two problems", err)
	}
}
