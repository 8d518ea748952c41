package auth_test

import (
	"maps"
	"net/http"
	"os"
	"testing"

	"github.com/sethvargo/go-envconfig"

	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/internal/steady"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	os.Exit(steady.Main(m, steady.Idle()...))
}

const (
	tenant  = "11111111-1111-4111-8111-111111111111"
	copilot = "aaaaaaaa-0000-4000-8000-000000000001"
	skill   = "bbbbbbbb-0000-4000-8000-000000000002"
	foreign = "99999999-9999-4999-8999-999999999999"
)

// start runs a sandbox with the ids above.
func start(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	return sandboxtest.Start(t, sandbox.Config{
		TenantID: tenant, CopilotAppID: copilot, SkillAppID: skill,
		CopilotSecret: "copilot-pa55word", SkillSecret: "skill-pa55word",
	})
}

// lookuper returns the variables with some replaced.
func lookuper(vars map[string]string, overrides ...map[string]string) envconfig.Lookuper {
	all := maps.Clone(vars)
	for _, o := range overrides {
		maps.Copy(all, o)
	}
	return envconfig.MapLookuper(all)
}

// configure reads a Config from variables.
func configure(t *testing.T, l envconfig.Lookuper) auth.Config {
	t.Helper()
	var cfg auth.Config
	if err := env.Process(t.Context(), l, "LIAISON_", &cfg); err != nil {
		t.Fatal(err)
	}
	cfg, err := cfg.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// credentials reads who we are from variables.
func credentials(t *testing.T, l envconfig.Lookuper) *auth.Credentials {
	t.Helper()
	id, err := auth.ReadIdentity(t.Context(), l, "LIAISON_")
	if err != nil {
		t.Fatal(err)
	}
	c, err := auth.NewCredentials(configure(t, l), id, http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
