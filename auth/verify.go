package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/internal/jsonhttp"
	"github.com/liaison-skill/liaison/internal/web"
)

const (
	skew         = 5 * time.Minute // of clocks, as every SDK of the protocol has it
	maxToken     = 16 << 10        // bytes; real ones have 2 KB
	retryNoKeys  = 5 * time.Second
	anyCaller    = "*"
	keysDeadline = keysTimeout + time.Second
)

// A Kind is a way of calling us.
type Kind int

// The kinds of callers.
const (
	Skill   Kind = iota + 1 // a skill host, such as a copilot
	Channel                 // the Bot Connector, for a channel such as Teams
)

// A Caller is who sent an activity, as its token proves.
type Caller struct {
	Kind     Kind
	AppID    string // the skill host's app, in lower case; "" for a channel
	Audience string // which of our apps was called, in lower case
	Tenant   string // whose Entra ID vouched; "" for a channel, which is of all
}

// A Verifier checks who calls us. Make it with [NewVerifier].
type Verifier struct {
	cfg     Config
	hosts   *Hosts
	issuers map[string]issuer // by the iss claim
	now     func() time.Time
}

// An issuer is one path a token can take.
type issuer struct {
	kind   Kind
	tenant string // Entra's
	keys   *keySet
}

// NewVerifier returns a Verifier for a resolved cfg. Keys are fetched through rt
// by the first call that needs them.
func NewVerifier(cfg Config, rt http.RoundTripper, log *slog.Logger) (*Verifier, error) {
	hosts, err := NewHosts(cfg)
	if err != nil {
		return nil, err
	}
	client := jsonhttp.NewClient(keysDeadline, rt)
	v := &Verifier{cfg: cfg, hosts: hosts, issuers: make(map[string]issuer), now: time.Now}
	for _, tenant := range cfg.TenantID {
		v2 := cfg.EntraURL + "/" + tenant + "/v2.0"
		keys := newKeySet(v2+"/.well-known/openid-configuration", client, log)
		keys.accept = signsFor(v2, tenant)
		v.issuers[v2] = issuer{Skill, tenant, keys}
		v.issuers[cfg.cloud.entraV1Issuer+tenant+"/"] = issuer{Skill, tenant, keys}
	}
	// Last, so that no tenant's name can stand in for the Bot Connector.
	v.issuers[cfg.ChannelIssuer] = issuer{kind: Channel, keys: newKeySet(cfg.ChannelMetadataURL, client, log)}
	return v, nil
}

// Verify returns who sent the activity. Its error is a [*web.Error]: 401 when
// the token proves nothing, 403 when its bearer is not allowed, 400 when the
// activity asks to be answered at a URL that is not trusted, 503 while the
// issuer's keys could not be had.
func (v *Verifier) Verify(ctx context.Context, authorization string, a activity.Activity) (Caller, error) {
	raw, err := bearer(authorization)
	if err != nil {
		return Caller{}, unauthorized(err)
	}
	name, err := unverifiedIssuer(raw)
	if err != nil {
		return Caller{}, unauthorized(err)
	}
	from, ok := v.issuers[name]
	if !ok {
		return Caller{}, unauthorized(fmt.Errorf("issuer %.200q is not one of ours", name))
	}
	c, used, err := v.claims(ctx, raw, name, from.keys)
	if err != nil {
		return Caller{}, err
	}
	audience, err := v.audience(c.audience)
	if err != nil {
		return Caller{}, unauthorized(err)
	}
	caller := Caller{Kind: from.kind, Audience: audience, Tenant: from.tenant}
	if from.kind == Channel {
		err = checkChannel(c, used, a)
	} else {
		caller.AppID, err = v.skillHost(c, from.tenant, audience)
	}
	if err != nil {
		return Caller{}, err
	}
	if a.ServiceURL != "" {
		if err := v.hosts.Trusted(a.ServiceURL); err != nil {
			return Caller{}, &web.Error{Status: http.StatusBadRequest, Text: "serviceUrl is not trusted here", Err: err}
		}
	}
	return caller, nil
}

// claims are the members of a token that decide.
type claims struct {
	audience []string

	Expiry     float64 `json:"exp"`
	NotBefore  float64 `json:"nbf"`
	Version    string  `json:"ver"`
	AppID      string  `json:"appid"` // version 1: who it was issued to
	Party      string  `json:"azp"`   // the same in version 2
	Tenant     string  `json:"tid"`
	ServiceURL string  `json:"serviceurl"`
}

// claims verifies signature, issuer and lifetime, and returns what the token
// says and the key that signed it.
func (v *Verifier) claims(ctx context.Context, raw, issuer string, keys *keySet) (claims, key, error) {
	var names []string
	for _, alg := range algorithms() {
		names = append(names, string(alg))
	}
	verifying := &signatures{set: keys}
	token, err := oidc.NewVerifier(issuer, verifying, &oidc.Config{
		SkipClientIDCheck:    true, // there are several, see audience
		SkipExpiryCheck:      true, // it knows no skew for exp, see checkLifetime
		SupportedSigningAlgs: names,
	}).Verify(ctx, raw)
	if f := verifying.findErr; f != nil && !errors.Is(f, errUnknownKey) {
		return claims{}, key{}, &web.Error{
			Status: http.StatusServiceUnavailable, Text: "tokens cannot be checked now, try again later",
			Err: f, RetryAfter: retryNoKeys,
		}
	}
	if err != nil {
		return claims{}, key{}, unauthorized(err)
	}
	c := claims{audience: token.Audience}
	if err := token.Claims(&c); err != nil {
		return claims{}, key{}, unauthorized(fmt.Errorf("read claims: %w", err))
	}
	if err := c.checkLifetime(v.now()); err != nil {
		return claims{}, key{}, unauthorized(err)
	}
	return c, verifying.used, nil
}

func (c claims) checkLifetime(now time.Time) error {
	at := float64(now.Unix())
	switch {
	case c.Expiry <= 0:
		return errors.New("token has no expiry")
	case at >= c.Expiry+skew.Seconds():
		return errors.New("token has expired")
	case at < c.NotBefore-skew.Seconds():
		return errors.New("token is not valid yet")
	}
	return nil
}

// audience returns which of our apps the token is for.
func (v *Verifier) audience(audiences []string) (string, error) {
	for _, audience := range audiences {
		if lower := strings.ToLower(audience); slices.Contains(v.cfg.SkillAppID, lower) {
			return lower, nil
		}
	}
	return "", errors.New("token is for another app")
}

// skillHost returns the app that holds an Entra token, in the order of checks of
// SkillValidation.cs in microsoft/botbuilder-dotnet.
func (v *Verifier) skillHost(c claims, tenant, audience string) (string, error) {
	var app string
	switch c.Version {
	case "1.0":
		app = c.AppID
	case "2.0":
		app = c.Party
	default:
		return "", unauthorized(errors.New("token is of an unknown version"))
	}
	app = strings.ToLower(app)
	switch {
	case app == "":
		return "", unauthorized(errors.New("token does not say which app holds it"))
	case app == audience: // what the emulator sends
		return "", unauthorized(errors.New("token was issued to ourselves"))
	case c.Tenant != "" && !strings.EqualFold(c.Tenant, tenant):
		return "", unauthorized(errors.New("tenant and issuer of the token disagree"))
	case slices.Contains(v.cfg.AllowedCallers, app), slices.Contains(v.cfg.AllowedCallers, anyCaller):
		return app, nil
	}
	return "", &web.Error{
		Status: http.StatusForbidden, Text: "this app is not an allowed caller",
		Err: fmt.Errorf("app %.100q is not in %sALLOWED_CALLERS", app, variablePrefix),
	}
}

// checkChannel holds a Bot Connector token against the activity it came with:
// where it is from, and which channel its key may speak for.
func checkChannel(c claims, used key, a activity.Activity) error {
	if c.ServiceURL == "" || !sameURL(c.ServiceURL, a.ServiceURL) {
		return unauthorized(errors.New("token is for another service URL"))
	}
	// A key without endorsements speaks for no channel at all.
	if channel := a.Channel(); channel == "" || !slices.Contains(used.Endorsements, channel) {
		return &web.Error{
			Status: http.StatusForbidden, Text: "the token does not speak for this channel",
			Err: fmt.Errorf("key is not endorsed for channel %.100q", channel),
		}
	}
	return nil
}

func sameURL(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "/"), strings.TrimSuffix(b, "/"))
}

// bearer returns the token of the header. The Bot Framework writes the scheme
// exactly so, and two parts.
func bearer(authorization string) (string, error) {
	scheme, token, ok := strings.Cut(authorization, " ")
	if !ok || scheme != "Bearer" || token == "" || strings.Contains(token, " ") {
		return "", errors.New("no bearer token")
	}
	if len(token) > maxToken {
		return "", errors.New("token is too long")
	}
	return token, nil
}

// unverifiedIssuer reads who a token says has issued it. It only picks whose
// keys must verify it.
func unverifiedIssuer(raw string) (string, error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return "", errors.New("token is not a signed JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", errors.New("token is not a signed JWT")
	}
	var claim struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(payload, &claim) != nil || claim.Issuer == "" {
		return "", errors.New("token names no issuer")
	}
	return claim.Issuer, nil
}

// unauthorized tells the peer nothing about why: that is for the log.
func unauthorized(err error) *web.Error {
	return &web.Error{Status: http.StatusUnauthorized, Text: "a valid bearer token is required", Err: err}
}
