package main

import (
	"encoding/base64"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// pointed runs a sandbox, and returns the environment of a service that calls it
// its own.
func pointed(t *testing.T, overrides ...string) (*sandbox.Sandbox, []string) {
	t.Helper()
	s := sandboxtest.Start(t, sandbox.Config{})
	var environ []string
	for name, value := range s.Env() {
		environ = append(environ, name+"="+value)
	}
	return s, append(environ, overrides...)
}

// inspect returns what is printed about a token that is read from standard input.
func inspect(t *testing.T, i inspectCmd, environ []string, token string) (string, error) {
	t.Helper()
	c, out := terminal()
	c.in = strings.NewReader(token + "\n")
	i.Token = "-"
	if i.Channel == "" {
		i.Channel = "msteams"
	}
	err := i.inspect(t.Context(), c, environ)
	parts := strings.Split(token, ".")
	if signature := parts[len(parts)-1]; len(signature) > 20 && strings.Contains(out.String(), signature[:20]) {
		t.Errorf("the signature was printed:\n%s", out)
	}
	return out.String(), err
}

func TestToken_mint_makes_what_inspect_takes(t *testing.T) {
	t.Parallel()
	s, environ := pointed(t)
	for _, as := range []string{"copilot", "copilot-v1", "channel"} {
		c, out := terminal()
		if err := (mintCmd{Sandbox: s.URL() + "/", As: as}).Run(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		printed, err := inspect(t, inspectCmd{}, environ, "Bearer "+strings.TrimSpace(out.String()))
		if err != nil || strings.Count(printed, "\n") != strings.Count(printed, "ok   ") {
			t.Errorf("%s: %v\n%s", as, err, printed)
		}
	}
}

func TestToken_mint_says_whom_it_asked(t *testing.T) {
	t.Parallel()
	s, _ := pointed(t)
	c, out := terminal()
	err := (mintCmd{Sandbox: s.URL(), As: "nobody"}).Run(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), s.URL()) || !strings.Contains(err.Error(), "status 400") || out.Len() > 0 {
		t.Errorf("printed %q, %v", out, err)
	}
}

// Parts of the output that differ from run to run.
var (
	anyTime = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
	logLine = regexp.MustCompile(`(?m)^\{.*\n`)
)

func TestToken_inspect_output(t *testing.T) {
	t.Parallel()
	const hour = 3600
	for name, test := range map[string]struct {
		token   sandbox.Token
		flags   inspectCmd
		vars    []string
		keyless bool // nobody gives out keys
		refused string
	}{
		"copilot":            {},
		"channel":            {token: sandbox.Token{Kind: sandbox.ChannelCall}},
		"forged":             {token: sandbox.Token{Kind: sandbox.ChannelCall, Key: sandbox.KeyStranger}, refused: "2 not ok"},
		"offline":            {token: sandbox.Token{Kind: sandbox.ChannelCall}, flags: inspectCmd{Offline: true}},
		"keys_unreachable":   {keyless: true, refused: "1 not ok"},
		"everything_wrong":   {token: sandbox.Token{Alg: "HS256", Key: sandbox.KeyPublicBytes, Claims: map[string]any{"aud": "x", "exp": hour, "nbf": 9e9, "azp": "\x1b[2Jx", "tid": "y", "ver": "2.0"}}, refused: "7 not ok"},
		"issuer_unknown":     {token: sandbox.Token{Claims: map[string]any{"iss": "https://sts.windows.net/another/"}}, refused: "2 not ok"},
		"another_channel":    {token: sandbox.Token{Kind: sandbox.ChannelCall}, flags: inspectCmd{Channel: "sms", ServiceURL: "https://sms.example.com/"}, refused: "3 not ok"},
		"nothing_configured": {vars: []string{"LIAISON_SKILL_APP_ID=", "LIAISON_ALLOWED_CALLERS="}, refused: "2 not ok"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, environ := pointed(t, test.vars...)
			if test.keyless {
				s.Fault(sandbox.Keys, sandbox.Fault{Status: 503})
			}
			got, err := inspect(t, test.flags, environ, sandboxtest.Mint(t, s, test.token))
			if (err == nil) != (test.refused == "") || err != nil && !strings.HasSuffix(err.Error(), ": "+test.refused) {
				t.Errorf("error %v, want %q", err, test.refused)
			}
			got = strings.ReplaceAll(got, s.URL(), "SANDBOX")
			golden(t, filepath.Join("testdata", "inspect", name+".txt"), anyTime.ReplaceAllString(logLine.ReplaceAllString(got, ""), "TIME"))
		})
	}
}

func TestToken_inspect_refuses_what_is_no_token(t *testing.T) {
	t.Parallel()
	_, environ := pointed(t)
	secret := base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("not yours", 9)))
	for _, token := range []string{"", "hello", "a.b.c", secret + "." + secret + "." + secret, strings.Repeat("x", 20<<10)} {
		printed, err := inspect(t, inspectCmd{}, environ, token)
		if err == nil || !strings.HasPrefix(printed, "FAIL form — ") || strings.Count(printed, "\n") != 1 {
			t.Errorf("%.20q: %v, printed %q", token, err, printed)
		}
	}
}

func TestToken_inspect_needs_a_configuration(t *testing.T) {
	t.Parallel()
	if printed, err := inspect(t, inspectCmd{}, []string{"LIAISON_CLOUD=mars"}, "x"); err == nil || printed != "" {
		t.Errorf("printed %q, %v", printed, err)
	}
}
