package auth

import (
	"fmt"
	"strings"
)

// Hosts knows which URLs may be sent a token, and which of them are what. Make
// it with [NewHosts].
type Hosts struct {
	connectors []string
	skillHosts []string
	patterns   []pattern
	connector  target // of CONNECTOR_URL; zero without one
}

// NewHosts returns the hosts of a resolved cfg: the cloud's own, CONNECTOR_URL's
// and those of TRUSTED_SERVICE_URLS.
func NewHosts(cfg Config) (*Hosts, error) {
	h := &Hosts{connectors: cfg.cloud.connectorHosts, skillHosts: cfg.cloud.skillHosts}
	for _, raw := range cfg.TrustedServiceURLs {
		p, err := parsePattern(raw)
		if err != nil {
			return nil, fmt.Errorf("trusted service URL: %w", err)
		}
		h.patterns = append(h.patterns, p)
	}
	if cfg.ConnectorURL == "" {
		return h, nil
	}
	var err error
	if h.connector, err = parseTarget(cfg.ConnectorURL); err != nil {
		return nil, fmt.Errorf("connector URL: %w", err)
	}
	return h, nil
}

// An UntrustedError refuses a URL. Repeating the call is pointless.
type UntrustedError struct {
	Host   string // as far as it could be read
	Reason string
}

// Error implements error.
func (e *UntrustedError) Error() string {
	if e.Host == "" {
		return "service URL is not trusted: " + e.Reason
	}
	return fmt.Sprintf("service URL at %q is not trusted: %s", e.Host, e.Reason)
}

// Permanent reports that the same URL will be refused again.
func (*UntrustedError) Permanent() bool { return true }

// Trusted returns nil when a token may go to the URL, else an
// [*UntrustedError]. Plain http is for loopback only, and loopback only when
// configuration names it.
func (h *Hosts) Trusted(serviceURL string) error {
	t, err := parseTarget(serviceURL)
	if err != nil {
		return &UntrustedError{Reason: err.Error()}
	}
	if h.trusted(t) {
		return nil
	}
	return &UntrustedError{Host: t.authority(), Reason: "not on the list; see " + variablePrefix + "TRUSTED_SERVICE_URLS"}
}

func (h *Hosts) trusted(t target) bool {
	if builtIn(t, h.connectors) || builtIn(t, h.skillHosts) || h.isConfiguredConnector(t) {
		return true
	}
	for _, p := range h.patterns {
		if p.matches(t) {
			return true
		}
	}
	return false
}

// Connector reports whether the URL is that of a Bot Connector: where words for
// a channel go.
func (h *Hosts) Connector(serviceURL string) bool {
	t, err := parseTarget(serviceURL)
	return err == nil && !t.runtime() && (builtIn(t, h.connectors) || h.isConfiguredConnector(t))
}

// SkillHost reports whether the URL is that of Copilot Studio's runtime, which
// takes a skill's answers but delivers nothing to Teams later
// (https://github.com/microsoft/Agents/issues/159).
func (h *Hosts) SkillHost(serviceURL string) bool {
	t, err := parseTarget(serviceURL)
	return err == nil && (t.runtime() || builtIn(t, h.skillHosts))
}

func (h *Hosts) isConfiguredConnector(t target) bool {
	c := h.connector
	return c.host != "" && t.scheme == c.scheme && t.host == c.host && t.port == c.port
}

// builtIn reports whether the target is one of the names, on the port of https.
// The test is on a whole name or at a dot: "evilbotframework.com" is no
// subdomain of "botframework.com".
func builtIn(t target, names []string) bool {
	if t.scheme != "https" || t.port != "443" {
		return false
	}
	for _, name := range names {
		if t.host == name || strings.HasPrefix(name, ".") && strings.HasSuffix(t.host, name) {
			return true
		}
	}
	return false
}

// runtime reports whether a label of the host, or a segment of the path, says
// that this is Copilot Studio's runtime.
func (t target) runtime() bool {
	const name = "pvaruntime"
	for label := range strings.SplitSeq(t.host, ".") {
		if strings.HasPrefix(label, name) {
			return true
		}
	}
	for segment := range strings.SplitSeq(strings.ToLower(t.path), "/") {
		if strings.HasPrefix(segment, name) {
			return true
		}
	}
	return false
}
