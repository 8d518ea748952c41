package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

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

// String names the caller, the same for all of its calls. A channel is one caller
// for all of its users, and so is a copilot.
func (c Caller) String() string {
	if c.Kind == Channel {
		return "channel"
	}
	return "skill host " + c.AppID
}

// A Verifier checks who calls us. Make it with [NewVerifier].
type Verifier struct {
	cfg     Config
	hosts   *Hosts
	issuers map[string]issuer // by the iss claim
	rules   []rule
	now     func() time.Time
	memory  memory
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
	v.rules = v.allRules()
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
	e, err := v.read(raw, a)
	if err != nil {
		return Caller{}, unauthorized(err)
	}
	for _, r := range v.rules {
		if !r.appliesTo(e.from.kind) {
			continue
		}
		if err := r.check(ctx, e); err != nil {
			return Caller{}, err
		}
	}
	if v.isChannel(e) {
		return Caller{Kind: Channel, Audience: e.audience(v.cfg)}, nil
	}
	return Caller{Kind: Skill, AppID: e.claims.holder(), Audience: e.audience(v.cfg), Tenant: e.from.tenant}, nil
}

// bearer returns the token of the header. The Bot Framework writes the scheme
// exactly so, and two parts.
func bearer(authorization string) (string, error) {
	scheme, token, ok := strings.Cut(authorization, " ")
	if !ok || scheme != "Bearer" || token == "" || strings.Contains(token, " ") {
		return "", errors.New("no bearer token")
	}
	return token, nil
}

// unauthorized tells the peer nothing about why: that is for the log.
func unauthorized(err error) *web.Error {
	return &web.Error{Status: http.StatusUnauthorized, Text: "a valid bearer token is required", Err: err}
}
