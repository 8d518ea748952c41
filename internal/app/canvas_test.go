package app_test

import (
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/internal/app"
)

// TestLoadCanvases: settings with which no copilot would answer in a hub's own chat are
// named.
func TestLoadCanvases(t *testing.T) {
	t.Parallel()
	const endpoint = "LIAISON_COPILOT_TOKEN_ENDPOINT=https://x.environment.api.powerplatform.com/powervirtualagents/botsbyschema/c/directline/token?api-version=1"
	for name, tc := range map[string]struct {
		environ []string
		want    string // a part of the problem; "" for none
	}{
		"an endpoint":       {[]string{"LIAISON_HUB_CONTOSO_CANVAS=on", endpoint}, ""},
		"a secret":          {[]string{"LIAISON_HUB_CONTOSO_CANVAS=on", "LIAISON_COPILOT_DIRECTLINE_SECRET=s"}, ""},
		"neither":           {[]string{"LIAISON_HUB_CONTOSO_CANVAS=on"}, "LIAISON_COPILOT_TOKEN_ENDPOINT: is empty"},
		"both":              {[]string{endpoint, "LIAISON_COPILOT_DIRECTLINE_SECRET=s"}, "LIAISON_COPILOT_TOKEN_ENDPOINT: set this or"},
		"not on or off":     {[]string{"LIAISON_HUB_CONTOSO_CANVAS=true"}, "LIAISON_HUB_CONTOSO_CANVAS: expected on or off"},
		"another endpoint":  {[]string{"LIAISON_COPILOT_TOKEN_ENDPOINT=https://example.com/token"}, "LIAISON_COPILOT_TOKEN_ENDPOINT: expected Copilot Studio's"},
		"a plain base":      {[]string{"LIAISON_COPILOT_DIRECTLINE_BASE=http://example.com"}, "LIAISON_COPILOT_DIRECTLINE_BASE: expected"},
		"no time to answer": {[]string{"LIAISON_COPILOT_QUIET=1ms"}, "LIAISON_COPILOT_QUIET: must be at least 1s"},
		"no streams":        {[]string{"LIAISON_COPILOT_STREAMS=0"}, "LIAISON_COPILOT_STREAMS: must be positive"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := app.Load(t.Context(), tc.environ)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
