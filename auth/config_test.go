package auth_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/sethvargo/go-envconfig"

	"github.com/liaison-skill/liaison/auth"
)

func TestConfig_defaults_per_cloud(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]auth.Config{
		"public": {
			EntraURL: "https://login.microsoftonline.com", ChannelIssuer: "https://api.botframework.com",
			ChannelMetadataURL: "https://login.botframework.com/v1/.well-known/openidconfiguration",
			ConnectorURL:       "https://smba.trafficmanager.net/teams/",
		},
		"usgov": {
			EntraURL: "https://login.microsoftonline.us", ChannelIssuer: "https://api.botframework.us",
			ChannelMetadataURL: "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
			ConnectorURL:       "https://smba.infra.gov.teams.microsoft.us/teams/",
		},
		"china": {
			EntraURL: "https://login.partner.microsoftonline.cn", ChannelIssuer: "https://api.botframework.azure.cn",
			ChannelMetadataURL: "https://login.botframework.azure.cn/v1/.well-known/openidconfiguration",
		},
	} {
		want.Cloud = name
		got := configure(t, envconfig.MapLookuper(map[string]string{"LIAISON_CLOUD": name}))
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(auth.Config{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestConfig_keeps_what_is_set(t *testing.T) {
	t.Parallel()
	got := configure(t, envconfig.MapLookuper(map[string]string{
		"LIAISON_ENTRA_URL": "http://127.0.0.1:1/entra/", "LIAISON_SKILL_APP_ID": strings.ToUpper(skill) + ", ",
	}))
	if got.Cloud != "public" || got.EntraURL != "http://127.0.0.1:1/entra" || !cmp.Equal(got.SkillAppID, []string{skill}) {
		t.Errorf("got %+v", got)
	}
}

func TestConfig_reports_all_problems_by_name(t *testing.T) {
	t.Parallel()
	_, err := auth.Config{
		Cloud: "public", EntraURL: "http://login.example.com?sig=pa55word", ConnectorURL: "teams",
		ChannelMetadataURL: "https://user:pa55word@example.com/", TenantID: []string{"common", "a/b", tenant},
		TrustedServiceURLs: []string{"*", "https://*", "https://smba*", "https://*.com", "https://ho*st.example.com", "ftp://example.com", "https://", "https://ok.example.com"},
	}.Resolve()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		`LIAISON_ENTRA_URL: "http://login.example.com" is not https`, `LIAISON_CONNECTOR_URL: expected a URL`,
		"LIAISON_CHANNEL_METADATA_URL: the URL holds a user", `LIAISON_TENANT_ID: "common" stands for any tenant`,
		`LIAISON_TENANT_ID: "a/b" is not a tenant`, "LIAISON_TRUSTED_SERVICE_URLS: * would trust every host",
		`"https://smba*": a star`, `"https://*": a star`, `"https://*.com" is too wide`, `"https://ho*st.example.com": a star`,
		`"ftp://example.com" does not begin with`, `"https://" has no host`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 12 || strings.Contains(err.Error(), "pa55word") {
		t.Errorf("%d problems, want 12, and no password:\n%v", n, err)
	}
	if _, err := (auth.Config{Cloud: "mars"}).Resolve(); err == nil || !strings.HasPrefix(err.Error(), "LIAISON_CLOUD: ") {
		t.Errorf("cloud mars: %v", err)
	}
}

func TestReadIdentity(t *testing.T) {
	t.Parallel()
	id, err := auth.ReadIdentity(t.Context(), envconfig.MapLookuper(map[string]string{
		"LIAISON_CONNECTIONS":                       "co-pilot, skill",
		"LIAISON_CONNECTIONS_MAP":                   "https://smba*=co-pilot,https://pvaruntime*=skill",
		"LIAISON_CONNECTION_CO_PILOT_CLIENT_ID":     copilot,
		"LIAISON_CONNECTION_CO_PILOT_CLIENT_SECRET": "one",
		"LIAISON_CONNECTION_SKILL_CLIENT_ID":        skill,
		"LIAISON_CONNECTION_SKILL_TENANT_ID":        tenant,
		"LIAISON_CONNECTION_SKILL_CLIENT_SECRET":    "two",
		"LIAISON_CONNECTION_SKILL_SCOPE":            "api://x/.default",
	}), "LIAISON_")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]auth.Connection{
		"co-pilot": {ClientID: copilot, ClientSecret: "one"},
		"skill":    {ClientID: skill, TenantID: tenant, ClientSecret: "two", Scope: "api://x/.default"},
	}
	if diff := cmp.Diff(want, id.Connections); diff != "" {
		t.Error(diff)
	}
}

func TestReadIdentity_none_is_allowed(t *testing.T) {
	t.Parallel()
	if _, err := auth.ReadIdentity(t.Context(), envconfig.MapLookuper(nil), "LIAISON_"); err != nil {
		t.Error(err)
	}
}

func TestReadIdentity_reports_all_problems_by_name(t *testing.T) {
	t.Parallel()
	_, err := auth.ReadIdentity(t.Context(), envconfig.MapLookuper(map[string]string{
		"LIAISON_CONNECTIONS":                   "a,b,c,c",
		"LIAISON_CONNECTIONS_MAP":               "https://smba*=z,nonsense,ftp://smba*=a",
		"LIAISON_CONNECTION_A_CLIENT_SECRET":    "hunter2",
		"LIAISON_CONNECTION_A_CERTIFICATE_FILE": "/x",
		"LIAISON_CONNECTION_B_CLIENT_ID":        "SYSTEM",
		"LIAISON_CONNECTION_B_TENANT_ID":        "organizations",
		"LIAISON_CONNECTION_B_MANAGED_IDENTITY": "system",
		"LIAISON_CONNECTION_C_CLIENT_ID":        "c",
		"LIAISON_CONNECTION_C_CLIENT_SECRET":    "",
	}), "LIAISON_")
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"LIAISON_CONNECTION_A_CLIENT_ID: required", "LIAISON_CONNECTION_A_CLIENT_SECRET: set as well as CERTIFICATE_FILE",
		"LIAISON_CONNECTION_B_MANAGED_IDENTITY: expected the client id", `LIAISON_CONNECTION_B_TENANT_ID: "organizations"`,
		"LIAISON_CONNECTION_C_CLIENT_SECRET: required", "LIAISON_CONNECTIONS: c is named twice",
		`"z" is not one of CONNECTIONS`, `"nonsense" is not pattern=name`, `"ftp://smba*" does not begin with https://`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("the error repeats a secret")
	}
}
