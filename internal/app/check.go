package app

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/texts"
)

// minLease leaves time to renew a lease over a slow connection.
const minLease = time.Second

// minLink is the least that somebody needs who clicks at once.
const minLink = time.Minute

// minRetention is longer than anything needs to know what was sent.
const minRetention = 24 * time.Hour

// Forms of what becomes part of a URL, of a variable's name or of a header.
var (
	hubName    = regexp.MustCompile(`^[A-Za-z0-9]+([-._][A-Za-z0-9]+)*$`)
	headerName = regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+$") // RFC 9110, section 5.6.2
)

// problems collects what is wrong, each under its variable's name.
type problems []error

// add adds a problem unless its variable has one: what could not be read has no
// value to judge.
func (p *problems) add(name, format string, args ...any) {
	if err := errors.Join(*p...); err != nil && strings.Contains("\n"+err.Error(), "\n"+name+": ") {
		return
	}
	*p = append(*p, fmt.Errorf(name+": "+format, args...))
}

// hubNames returns the names without empty ones, which a final comma leaves
// behind.
func hubNames(names []string) ([]string, error) {
	var p problems
	var good []string
	seen := map[string]string{} // name, by its variables
	for _, name := range names {
		other, taken := seen[variable(name)]
		switch {
		case name == "":
			continue
		case !hubName.MatchString(name):
			p.add(prefix+"HUBS", "%q is not a name of letters, digits and single dashes", name)
			continue
		case taken:
			p.add(prefix+"HUBS", "%s and %s have the same variables", other, name)
			continue
		}
		seen[variable(name)] = name
		good = append(good, name)
	}
	if len(good) == 0 && len(p) == 0 {
		p.add(prefix+"HUBS", "names no hub")
	}
	return good, errors.Join(p...)
}

// variable is a name as a part of a variable's name.
func variable(name string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name))
}

// complete fills in what depends on the hub's name and checks the rest.
func (h *HubConfig) complete(name, variables string) error {
	if h.Kind == "" {
		h.Kind = name
	}
	if h.URL == "" && h.Kind == "contoso" {
		h.URL = "http://localhost:5000"
	}
	if h.APIKeyHeader == "" {
		h.APIKeyHeader = "X-API-Key" // a template's variable that is empty
	}
	var p problems
	if h.Kind != "contoso" {
		p.add(variables+"KIND", "no adapter %q; there is: contoso", h.Kind)
	}
	u, err := url.Parse(h.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		p.add(variables+"URL", "expected an absolute URL, like https://hub.example.com")
	}
	if !headerName.MatchString(h.APIKeyHeader) {
		p.add(variables+"API_KEY_HEADER", "%q is not a header's name", h.APIKeyHeader)
	}
	if !slices.Contains([]string{"", switchOn, switchOff}, h.Survey) {
		p.add(variables+"SURVEY", "expected on or off, not %q", h.Survey)
	}
	if !slices.Contains([]string{"", switchOn, switchOff}, h.Canvas) {
		p.add(variables+"CANVAS", "expected on or off, not %q", h.Canvas)
	}
	h.checkSecrets(&p, variables)
	return errors.Join(p...)
}

// checkSecrets finds secrets that would make every call fail, or convince nobody.
func (h *HubConfig) checkSecrets(p *problems, variables string) {
	for name, secret := range map[string]env.Secret{"API_KEY": h.APIKey, "BEARER": h.Bearer} {
		if strings.ContainsFunc(secret.Reveal(), unicode.IsControl) {
			p.add(variables+name, "holds a line break or a control character; a header cannot")
		}
	}
	secrets := env.List(h.WebhookSecret)
	if h.WebhookSecret != "" && len(secrets) == 0 || slices.Contains(secrets, "whsec_") {
		p.add(variables+"WEBHOOK_SECRET", "holds an empty secret; anyone could sign with it")
	}
}

// check adds what is wrong with c itself.
func (c *Config) check(p *problems) {
	u, err := url.Parse(c.PublicURL)
	switch {
	case err != nil || u.Host == "":
		p.add(prefix+"PUBLIC_URL", "expected an absolute URL, like https://liaison.example.com")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		p.add(prefix+"PUBLIC_URL", "must begin with https://; Copilot Studio takes no other")
	}
	if !slices.Contains([]string{"", "text", "json"}, c.LogFormat) {
		p.add(prefix+"LOG_FORMAT", "expected text or json, not %q", c.LogFormat)
	}
	if !slices.Contains([]string{"", switchOn, switchOff}, c.Survey) {
		p.add(prefix+"SURVEY", "expected on or off, not %q", c.Survey)
	}
	if _, err := level(c.LogLevel); err != nil {
		p.add(prefix+"LOG_LEVEL", "expected debug, info, warn or error, not %q", c.LogLevel)
	}
	if c.MaxBody <= 0 {
		p.add(prefix+"MAX_BODY", "must be positive")
	}
	c.checkTexts(p)
	c.checkHandoff(p)
	for name, page := range map[string]string{"PRIVACY_URL": c.PrivacyURL, "TERMS_URL": c.TermsURL} {
		if u, err := url.Parse(page); page != "" && (err != nil || u.Host == "" || u.Scheme != "https") {
			p.add(prefix+name, "expected a URL that begins with https://")
		}
	}
	c.checkCanvases(p)
	if c.Openings < 0 {
		p.add(prefix+"OPENINGS", "must not be negative")
	}
	if c.Files.Max <= 0 {
		p.add(prefix+"MAX_ATTACHMENT", "must be positive")
	}
	if time.Duration(c.Files.Links) < minLink {
		p.add(prefix+"FILE_LINKS", "must be at least %s", minLink)
	}
	if time.Duration(c.Retention) < minRetention {
		p.add(prefix+"RETENTION", "must be at least %s", minRetention)
	}
	*p = append(*p, c.Rate.Check(prefix+"RATE_"), c.TLS.Check(prefix+"TLS_"), c.Traces.Check())
	checkDelivery(p, c.Delivery)
	if len(c.TeamsTenantRate) > 1 {
		p.add(prefix+"TEAMS_TENANT_RATE", "one rate such as 50/1s, or off")
	}
}

// checkTexts reads the texts, so that a wrong sentence is found before it is said.
func (c *Config) checkTexts(p *problems) {
	if _, err := texts.Load(c.Texts, ""); err != nil {
		p.add(prefix+"TEXTS", "%w", err)
	} else if _, err := texts.Load(c.Texts, c.Locale); err != nil {
		p.add(prefix+"LOCALE", "%w", err)
	}
}

// checkDelivery finds settings with which nothing would be delivered.
func checkDelivery(p *problems, d delivery.Config) {
	const variables = prefix + "DELIVERY_"
	for _, v := range []struct {
		name  string
		value int64
	}{
		{"CONCURRENCY", int64(d.Concurrency)},
		{"POLL", int64(d.Poll)},
		{"TIMEOUT", int64(d.Timeout)},
		{"FAULTS", int64(d.Faults)},
		{"GIVE_UP", int64(d.GiveUp)},
		{"BACKOFF", int64(d.Backoff)},
	} {
		if v.value <= 0 {
			p.add(variables+v.name, "must be positive")
		}
	}
	if d.Lease < minLease {
		p.add(variables+"LEASE", "must be at least %s", minLease)
	}
	if d.BackoffMax < d.Backoff {
		p.add(variables+"BACKOFF_MAX", "must not be shorter than %sBACKOFF", variables)
	}
}

func loopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}
