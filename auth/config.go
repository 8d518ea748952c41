package auth

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// A Config says who may call us and where tokens may go. Fill it from the
// environment and complete it with [Config.Resolve].
type Config struct {
	Cloud              string   `env:"CLOUD, default=public" help:"public, usgov or china: fills every Microsoft URL that is not set"`
	SkillAppID         []string `env:"SKILL_APP_ID" help:"our Entra app ids, comma list: the audiences of calls we take"`
	TenantID           []string `env:"TENANT_ID" help:"tenants whose tokens we take, comma list"`
	AllowedCallers     []string `env:"ALLOWED_CALLERS" help:"app ids allowed to call the skill, comma list; * for any of the tenants; empty refuses all"`
	ChannelCallers     []string `env:"CHANNEL_CALLERS" help:"app ids of Azure Bot Service that may call for Teams with a token of Entra ID, comma list; their tenant must be one of TENANT_ID"`
	EntraURL           string   `env:"ENTRA_URL" help:"base of Entra ID's authorities; default per cloud"`
	ChannelMetadataURL string   `env:"CHANNEL_METADATA_URL" help:"the Bot Connector's OpenID metadata; default per cloud"`
	ChannelIssuer      string   `env:"CHANNEL_ISSUER" help:"the Bot Connector's issuer; default per cloud"`
	TrustedServiceURLs []string `env:"TRUSTED_SERVICE_URLS" help:"patterns of URLs a token may go to, beside the cloud's own, comma list"`
	ConnectorURL       string   `env:"CONNECTOR_URL" help:"where to post when no service URL was ever seen; default per cloud"`

	cloud cloud
}

// variablePrefix begins the names of variables in messages.
const variablePrefix = "LIAISON_"

// Resolve returns c with the cloud's values where it has none of its own. Its
// error joins all problems, each beginning with a variable's name. Lists may be
// empty: nobody can call us then.
func (c Config) Resolve() (Config, error) {
	known, ok := cloudNamed(c.Cloud)
	if !ok {
		return Config{}, fmt.Errorf("%sCLOUD: %q is not public, usgov or china", variablePrefix, c.Cloud)
	}
	c.cloud = known
	var problems []error
	problem := func(name string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s%s: %w", variablePrefix, name, err))
		}
	}
	for _, v := range []struct {
		name     string
		value    *string
		fallback string
	}{
		{"ENTRA_URL", &c.EntraURL, known.entraURL},
		{"CHANNEL_METADATA_URL", &c.ChannelMetadataURL, known.channelMetadataURL},
		{"CONNECTOR_URL", &c.ConnectorURL, known.connectorURL},
	} {
		if *v.value == "" {
			*v.value = v.fallback
		}
		if *v.value != "" {
			problem(v.name, checkURL(*v.value))
		}
	}
	if c.ChannelIssuer == "" {
		c.ChannelIssuer = known.channelIssuer
	}
	c.EntraURL = strings.TrimRight(c.EntraURL, "/")
	c.SkillAppID, c.TenantID = tidy(c.SkillAppID), tidy(c.TenantID)
	c.AllowedCallers, c.ChannelCallers = tidy(c.AllowedCallers), tidy(c.ChannelCallers)
	c.TrustedServiceURLs = withoutEmpty(c.TrustedServiceURLs)
	for _, tenant := range c.TenantID {
		problem("TENANT_ID", checkTenant(tenant))
	}
	for _, p := range c.TrustedServiceURLs {
		problem("TRUSTED_SERVICE_URLS", checkTrusted(p))
	}
	return c, errors.Join(problems...)
}

// tidy returns ids as they are compared: in lower case. Entra's are GUIDs.
func tidy(ids []string) []string {
	lower := make([]string, len(ids))
	for i, id := range ids {
		lower[i] = strings.ToLower(strings.TrimSpace(id))
	}
	return withoutEmpty(lower)
}

func withoutEmpty(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
}

// checkURL accepts the URL of a peer that sees a credential or vouches for
// others.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return errors.New("expected a URL, like https://login.example.com/path")
	}
	if u.User != nil {
		return errors.New("the URL holds a user or password")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return fmt.Errorf("%q is not https; http is for loopback only", withoutQuery(raw))
	}
	return nil
}

// withoutQuery returns what may be shown of a URL that [checkURL] took: a query
// can hold a secret.
func withoutQuery(raw string) string {
	before, _, _ := strings.Cut(raw, "?")
	return before
}

// checkTenant refuses names that stand for every tenant there is.
func checkTenant(tenant string) error {
	if slices.Contains([]string{"common", "organizations", "consumers"}, tenant) {
		return fmt.Errorf("%q stands for any tenant; name yours", tenant)
	}
	if strings.ContainsAny(tenant, "/?#% ") {
		return fmt.Errorf("%q is not a tenant id", tenant)
	}
	return nil
}
