package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestQuietProgram finds no canary in what the real program writes and counts, as
// it is installed.
func TestQuietProgram(t *testing.T) {
	t.Parallel()
	c := newCanaries()
	greedy := httptest.NewServer(http.HandlerFunc(refuses)) // a collector that repeats what it is told
	t.Cleanup(greedy.Close)
	w, service := newProcessWorld(
		t, sandbox.Config{CopilotSecret: c.secret("secret of the copilot"), SkillSecret: c.secret("secret of the skill")},
		"LIAISON_LOG_LEVEL=info", "LIAISON_LOG_FORMAT=", "LIAISON_HUB_CONTOSO_BEARER="+c.secret("bearer"),
		"OTEL_EXPORTER_OTLP_ENDPOINT="+greedy.URL, "OTEL_EXPORTER_OTLP_HEADERS=api-key="+c.secret("collector's key"),
	)
	c.add("API key", apiKey)
	c.add("webhook secret", secret)
	user := w.sandbox.User(c.word("name"))
	sandboxtest.Say(t, user, "talk to a person", c.word("problem"))
	id := w.chat(t).ID
	w.sandbox.Fault(sandbox.Entra, sandbox.Fault{Echo: true, Times: 1})
	for _, f := range []sandbox.Fault{{Status: 401, Echo: true, Times: 1}, {Status: 500, Echo: true, Times: 1}, {Status: 400, Echo: true, Times: 1}} {
		w.sandbox.Fault(sandbox.Connector, f)
	}
	for _, text := range []string{"first", "second", "last"} {
		w.agentSays(t, id, c.word(text))
	}
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "Quilllast")
	w.post(t, "/api/messages", c.secret("token"), []byte(`{"text":"`+c.secret("words")+`"}`))
	metrics := metricsOf(t, w.log.String())
	for _, found := range c.in(metrics) {
		t.Errorf("the metrics show the %s", found)
	}
	service.end(syscall.SIGTERM)
	log := w.log.String()
	for _, found := range c.in(log) {
		t.Errorf("the program writes the %s", found)
	}
	for _, message := range []string{"serving", "attempt did not deliver", "delivery given up", "traces are refused by the collector"} {
		if !strings.Contains(log, message) {
			t.Errorf("the program did not write %q:\n%s", message, log)
		}
	}
}

// metricsOf returns what a program serves at the address it wrote down.
func metricsOf(t *testing.T, log string) string {
	t.Helper()
	at := regexp.MustCompile(`metrics"?[=:]"?([0-9.]+:[0-9]+)`).FindStringSubmatch(log)
	if at == nil {
		t.Fatalf("no metrics are served:\n%s", log)
	}
	var text string
	eventually(t, "the metrics have what the database knows", func() bool { // which may be too busy to say
		text = read(t, "http://"+at[1]+"/metrics")
		return strings.Contains(text, `liaison_accepted{destination="teams"}`)
	})
	return text
}

// TestQuietRefusal: a program that does not start says why, in words that can be
// pasted into a ticket.
func TestQuietRefusal(t *testing.T) {
	t.Parallel()
	c := newCanaries()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(c.secret("file")), 0o600); err != nil {
		t.Fatal(err)
	}
	address := func(scheme, what string) string {
		return scheme + "://user:" + c.secret("password of "+what) + "@db.example/?sig=" + url.QueryEscape(c.secret("sig of "+what))
	}
	unreadable := strings.Replace(address("postgres", "another database"), "@", "%zz@", 1)
	liaison, hub := program(t, "liaison"), program(t, "contoso")
	for name, row := range map[string]struct {
		program []string
		environ []string
		want    string
	}{
		"everything is wrong": {[]string{liaison, "serve"}, []string{
			"LIAISON_LISTN=" + c.secret("variable nobody knows"), "LIAISON_HUB_CONTOSO_APIKEY=" + c.secret("misspelt key"),
			"LIAISON_HUB_CONTOSO_API_KEY=" + c.secret("key") + "\n", "LIAISON_HUB_CONTOSO_BEARER=" + c.secret("bearer") + "\r\nX: y",
			"LIAISON_HUB_CONTOSO_WEBHOOK_SECRET=" + c.secret("webhook") + ",whsec_", "LIAISON_HUB_CONTOSO_URL=" + address("ftp", "the hub"),
			"LIAISON_CONNECTIONS=both,double,pfx,token",
			"LIAISON_CONNECTION_BOTH_CLIENT_SECRET=" + c.secret("client"), "LIAISON_CONNECTION_BOTH_CERTIFICATE_FILE=" + file,
			"LIAISON_CONNECTION_DOUBLE_CLIENT_SECRET=" + c.secret("client again"), "LIAISON_CONNECTION_DOUBLE_CLIENT_SECRET_FILE=" + file,
			"LIAISON_CONNECTION_PFX_CLIENT_ID=x", "LIAISON_CONNECTION_PFX_CERTIFICATE_FILE=" + file,
			"LIAISON_CONNECTION_PFX_CERTIFICATE_PASSWORD=" + c.secret("certificate"),
			"LIAISON_CONNECTION_TOKEN_CLIENT_ID=x", "LIAISON_CONNECTION_TOKEN_FEDERATED_TOKEN_FILE=" + file,
			"LIAISON_ENTRA_URL=" + address("https", "Entra"), "LIAISON_CONNECTOR_URL=http://db.example/?sig=" + url.QueryEscape(c.secret("sig")),
			"LIAISON_CHANNEL_METADATA_URL=https://user:" + c.secret("password of the channel") + "%zz@db.example/", "LIAISON_PUBLIC_URL=" + address("ftp", "ours"),
			"OTEL_EXPORTER_OTLP_ENDPOINT=" + address("https", "the collector"), "OTEL_EXPORTER_OTLP_HEADERS=" + c.secret("collector's key") + "%zz",
		}, "LIAISON_CONNECTION_PFX_CERTIFICATE_FILE: "},
		"no database":           {[]string{liaison, "serve"}, []string{"DATABASE_URL=host=db.example port=x password=" + c.secret("password of a database")}, "DATABASE_URL is not"},
		"no database to change": {[]string{liaison, "migrate"}, []string{"DATABASE_URL=" + unreadable}, "DATABASE_URL is not"},
		"a hub without one":     {[]string{hub}, []string{"DATABASE_URL=" + unreadable}, "DATABASE_URL is not"},
		"a hub's wrong secrets": {[]string{hub}, []string{
			"CONTOSO_API_KEY=" + c.secret("hub's key"), "CONTOSO_API_KEY_FILE=" + file, "CONTOSO_OIDC_CLIENT_SECRET_FILE=/nowhere/at/all",
		}, "CONTOSO_API_KEY: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), row.program[0], row.program[1:]...)
			cmd.Env = append(os.Environ(), row.environ...)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), row.want) {
				t.Errorf("%v, without %q:\n%s", err, row.want, out)
			}
			for _, found := range c.in(string(out)) {
				t.Errorf("it writes the %s", found)
			}
		})
	}
}
