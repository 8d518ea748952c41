package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestNothingLeaks plays all that can go wrong with canaries for words and for
// secrets, and finds none of them in what operators and strangers get to see.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	for _, style := range []sandbox.Style{sandbox.StyleCopilotStudio, sandbox.StyleBotFramework} {
		t.Run(fmt.Sprintf("style=%d", style), func(t *testing.T) {
			t.Parallel()
			p := plant(t, sandbox.Config{Style: style})
			everything := style == sandbox.StyleCopilotStudio // the rest is the same with both
			if everything {
				p.withoutKeys()
			}
			p.signIn()
			for _, inline := range []bool{false, true} {
				user, id := p.open(inline)
				p.hubFails(user)
				p.hostFails(inline)
				if everything && !inline {
					p.teamsFails(id)
					p.webhookFails(id)
					p.databaseAway(user, id)
				}
				p.strangersCome(id)
			}
			p.look(everything)
		})
	}
}

// A planted world has canaries in everything it holds.
type planted struct {
	*world
	*canaries
	t             *testing.T
	hubDoor, door *meddler // before the hub; before the service, where the hub posts
	answers       *tap
	collector     *collector
}

func plant(t *testing.T, cfg sandbox.Config) *planted {
	t.Helper()
	c := newCanaries()
	p := &planted{canaries: c, t: t, hubDoor: newMeddler(t), door: newMeddler(t), answers: &tap{}, collector: newCollector(t)}
	cfg.CopilotSecret, cfg.SkillSecret = c.secret("secret of the copilot"), c.secret("secret of the skill")
	cfg.DeskSecret = c.secret("secret of the desk")
	c.add("API key", apiKey)
	c.add("webhook secret", secret)
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	c.add("webhook key", string(key))
	p.door.listen(func(h http.Header) {
		if signature := h.Get("Webhook-Signature"); signature != "" {
			c.add("signature of "+h.Get("Webhook-Id"), strings.TrimPrefix(signature, "v1,"))
		}
	})
	p.world = build(t, cfg, "LIAISON_DELIVERY_TIMEOUT=500ms", "LIAISON_RATE_PER_IP=0",
		"LIAISON_HUB_CONTOSO_URL="+p.hubDoor.url, "LIAISON_HUB_CONTOSO_BEARER="+c.secret("bearer for the hub"),
		"OTEL_EXPORTER_OTLP_ENDPOINT="+p.collector.url, "OTEL_EXPORTER_OTLP_HEADERS=api-key="+c.secret("collector's key"),
		"CONTOSO_WEBHOOK_URL="+p.door.url+"/api/livechat/messages?sig="+url.QueryEscape(c.secret("sig of the webhook")))
	metadata := p.sandbox.Env()["LIAISON_CHANNEL_METADATA_URL"]
	p.environ = append(p.environ, "LIAISON_CHANNEL_METADATA_URL="+metadata+"?sig="+url.QueryEscape(c.secret("sig of the metadata")),
		"DATABASE_URL="+withPassword(t, pgtest.URL(p.db), c.secret("password of the database")))
	p.hubDoor.to(t, p.hub.url())
	p.door.to(t, p.service.url())
	p.tap = p.answers.on
	p.service.start()
	t.Cleanup(p.service.stop)
	return p
}

func withPassword(tb testing.TB, databaseURL, password string) string {
	tb.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		tb.Fatal(err)
	}
	u.User = url.UserPassword(u.User.Username(), password)
	return u.String()
}

// settle waits until nothing is left to deliver on either side.
func (p *planted) settle() {
	p.t.Helper()
	eventually(p.t, "nothing left to deliver", func() bool {
		var service, hub int
		err := p.db.QueryRow(p.t.Context(), `SELECT count(*) FROM lane WHERE acked_seq < last_seq`).Scan(&service)
		if err != nil {
			return false
		}
		err = p.hubDB.QueryRow(p.t.Context(), `SELECT count(*) FROM contoso.webhook WHERE state = 'queued'`).Scan(&hub)
		return err == nil && service == 0 && hub == 0
	})
}

// says lets the user say something; the copilot may have to apologise.
func (p *planted) says(u sandbox.User, words ...string) {
	p.t.Helper()
	for _, text := range words {
		ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
		_ = u.Say(ctx, text)
		cancel()
	}
	p.settle()
}

// activity is a turn with words in every place that has any.
func (p *planted) activity(id string, more map[string]any) map[string]any {
	a := turn(p.world, id, map[string]any{
		"text": p.word("text"), "summary": p.word("summary"), "speak": p.word("speak"), "unheardOf": p.word("unknown member"),
		"from":      map[string]any{"id": "29:u", "name": p.word("name"), "email": p.word("e-mail"), "unheardOf": p.word("unknown inner member")},
		"recipient": map[string]any{"id": "28:" + copilotID, "name": p.word("name of the bot")},
		"value":     map[string]any{"ProblemDescription": p.word("problem"), "Order": p.word("variable"), p.word("variable's name"): 7},
		"attachments": []any{map[string]any{
			"contentType": "image/png", "name": p.word("file"), "contentUrl": "https://127.0.0.1:1/x?sig=" + url.QueryEscape(p.secret("sig of a file")),
		}},
	})
	a["serviceUrl"] = fmt.Sprint(a["serviceUrl"], "?sig=", url.QueryEscape(p.secret("sig of the service URL")))
	maps.Copy(a, more)
	return a
}

// withoutKeys starts the service while no token can be judged.
func (p *planted) withoutKeys() {
	p.t.Helper()
	for _, f := range []sandbox.Fault{{Echo: true, Status: 500}, {Echo: true, Status: 200}, {Echo: true}, {Reset: true}} {
		p.sandbox.Fault(sandbox.Keys, f)
		for _, kind := range []sandbox.Kind{sandbox.SkillCall, sandbox.ChannelCall} {
			if status, _ := p.post(p.t, "/api/messages", p.token(sandbox.Token{Kind: kind}), p.activity("k", nil)); status != http.StatusServiceUnavailable {
				p.t.Errorf("without keys: status %d", status)
			}
		}
		p.sandbox.ClearFaults(sandbox.Keys)
		p.restart(p.service)
	}
}

// restart starts a program anew and waits until it answers: by then everybody has
// noticed that the connections of the one before are gone.
func (p *planted) restart(program *part) {
	p.t.Helper()
	program.stop()
	program.start()
	eventually(p.t, "it answers", func() bool { return status(p.t, program.url()+"/", nil) != 0 })
}

// token is a minted one, whose signature is a canary.
func (p *planted) token(t sandbox.Token) string {
	p.t.Helper()
	token := sandboxtest.Mint(p.t, p.sandbox, t)
	if at := strings.LastIndexByte(token, '.'); at+1 < len(token) {
		p.add("signature of a token", token[at+1:])
	}
	return token
}

// signIn signs an agent in, after some failures.
func (p *planted) signIn() {
	p.t.Helper()
	door := p.hub.url() + "/auth/"
	for _, f := range []sandbox.Fault{{Echo: true, Status: 400, Code: "invalid_grant"}, {Echo: true, Status: 200}, {Echo: true}, {Reset: true}} {
		f.Times = 1
		p.sandbox.Fault(sandbox.Entra, f)
		b := sandboxtest.NewBrowser(p.t)
		if page := b.Pick(b.Open(door+"signin"), "Adele Vance"); !strings.Contains(page.URL.RawQuery, "signin=failed") {
			p.t.Errorf("signed in during a fault: %s", page.URL)
		}
	}
	sandboxtest.NewBrowser(p.t).Open(door + "callback?code=" + url.QueryEscape(p.secret("code")) + "&state=" + url.QueryEscape(p.secret("state")))
	client := p.world.signIn(p.t)
	at, err := url.Parse(p.hub.url())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, cookie := range client.Jar.Cookies(at) {
		p.add("cookie", cookie.Value)
	}
}

// away makes a database unreachable until the returned function is called.
func away(t *testing.T, db *pgxpool.Pool) (back func()) {
	t.Helper()
	name := db.Config().ConnConfig.Database
	admin, err := pgx.Connect(t.Context(), strings.Replace(pgtest.URL(db), name, "postgres", 1))
	if err != nil {
		t.Fatal(err)
	}
	run := func(sql string) {
		t.Helper()
		if _, err := admin.Exec(context.WithoutCancel(t.Context()), sql); err != nil {
			t.Fatal(err)
		}
	}
	quoted := pgx.Identifier{name}.Sanitize()
	run("ALTER DATABASE " + quoted + " ALLOW_CONNECTIONS false")
	run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'")
	t.Cleanup(func() {
		run("ALTER DATABASE " + quoted + " ALLOW_CONNECTIONS true")
		_ = admin.Close(context.WithoutCancel(t.Context()))
	})
	return func() { run("ALTER DATABASE " + quoted + " ALLOW_CONNECTIONS true") }
}

// jwt is the beginning of every token of either issuer.
var jwt = regexp.MustCompile(`eyJ[0-9A-Za-z_-]{8}`)

// look searches everything that comes out of the two programs. What comes out of
// them one day, as metrics, is one more line.
func (p *planted) look(everything bool) {
	p.t.Helper()
	pages := map[string]string{}
	for _, path := range []string{"/healthz", "/readyz", "/skill-manifest.json", "/metrics", "/debug/vars", "/debug/pprof/cmdline"} {
		pages[path] = p.page(p.service.url() + path)
	}
	p.service.stop()
	p.hub.stop()
	refusals, answers := p.answers.refusals(p.t)
	sources := map[string]string{"the service's log": p.log.String(), "the hub's log": p.hubLog.String(), "the service's refusals": refusals, "the traces": p.collector.told()}
	maps.Copy(sources, pages)
	for source, text := range sources {
		for _, found := range p.in(text) {
			p.t.Errorf("%s holds the %s", source, found)
		}
		if token := jwt.FindString(text); token != "" {
			p.t.Errorf("%s holds a token, %s…", source, token)
		}
	}
	if everything {
		p.happened(sources, answers)
	}
}

func (p *planted) page(at string) string {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, at, http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// happened is the control of the search: what was to be seen there, is.
func (p *planted) happened(sources map[string]string, answers int) {
	p.t.Helper()
	for source, messages := range map[string][]string{
		"the service's log": {
			"signing keys not refreshed", "attempt did not deliver", "delivery given up", "request refused", "fetch token",
			`"status":400`, `"status":401`, `"status":403`, `"status":404`, `"status":409`, `"status":503`, "no answer in time",
		},
		"the hub's log":          {"webhook not delivered", "sign-in turned away", "agent signed in", "request refused"},
		"the service's refusals": {"400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "409 Conflict", "503 Service Unavailable"},
		"the traces":             {"POST /api/messages", "enqueue hub/contoso", "attempt teams", "attempt copilot", "POST connector", "POST token", "STATUS_CODE_ERROR"},
		"/healthz":               {"ok"},
		"/skill-manifest.json":   {"startConversation"},
	} {
		for _, message := range messages {
			if !strings.Contains(sources[source], message) {
				p.t.Errorf("%s lacks %q: was it provoked?", source, message)
			}
		}
	}
	if answers < 40 {
		p.t.Errorf("only %d answers were heard", answers)
	}
	if n := p.hubDoor.left() + p.door.left(); n > 0 {
		p.t.Errorf("%d faults met nobody", n)
	}
}
