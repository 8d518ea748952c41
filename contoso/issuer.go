package contoso

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

const (
	// issuerTimeout bounds one call of the issuer.
	issuerTimeout = 10 * time.Second
	// maxName bounds an agent's name, in characters.
	maxName = 60
)

// An issuer signs people in. It is asked for its metadata when first needed, so
// the desk starts without it.
type issuer struct {
	config   SignIn
	redirect string
	client   *http.Client

	mu    sync.Mutex
	known *provider
}

// A provider is what an issuer's metadata say.
type provider struct {
	oauth      oauth2.Config
	verifier   *oidc.IDTokenVerifier
	endSession *url.URL // nil: the issuer ends no sessions
}

func newIssuer(c SignIn, redirect string) issuer {
	transport := http.DefaultTransport
	if t, ok := transport.(*http.Transport); ok {
		transport = t.Clone()
	}
	return issuer{config: c, redirect: redirect, client: jsonhttp.NewClient(issuerTimeout, transport)}
}

// provider returns the issuer's metadata. They are kept; keys are fetched anew
// whenever a token names one that is not known.
func (i *issuer) provider(ctx context.Context) (*provider, error) {
	i.mu.Lock()
	known := i.known
	i.mu.Unlock()
	if known != nil {
		return known, nil
	}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, i.client), i.config.Issuer)
	if err != nil {
		return nil, fmt.Errorf("discover issuer: %w", err)
	}
	var metadata struct {
		EndSession  string   `json:"end_session_endpoint"`
		AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := found.Claims(&metadata); err != nil {
		return nil, fmt.Errorf("read issuer's metadata: %w", err)
	}
	p := &provider{
		oauth: oauth2.Config{
			ClientID: i.config.ClientID, ClientSecret: i.config.ClientSecret.Reveal(), RedirectURL: i.redirect,
			Endpoint: found.Endpoint(), Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
		},
		verifier:   found.Verifier(&oidc.Config{ClientID: i.config.ClientID}),
		endSession: endpoint(metadata.EndSession),
	}
	p.oauth.Endpoint.AuthStyle = i.authStyle(metadata.AuthMethods)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.known = p
	return p, nil
}

// authStyle is how the client proves itself. Left to find out, the library would
// try a code twice, and a code serves once. Without metadata it is the header
// (https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata).
func (i *issuer) authStyle(methods []string) oauth2.AuthStyle {
	if i.config.ClientSecret == "" || slices.Contains(methods, "client_secret_post") {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// redeem trades a code for the person it stands for.
func (i *issuer) redeem(ctx context.Context, code string, t attempt) (agent, error) {
	p, err := i.provider(ctx)
	if err != nil {
		return agent{}, err
	}
	token, err := p.oauth.Exchange(oidc.ClientContext(ctx, i.client), code, oauth2.VerifierOption(t.verifier))
	if err != nil {
		return agent{}, notRedeemed(err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return agent{}, errors.New("issuer sent no id_token")
	}
	verified, err := p.verifier.Verify(ctx, raw)
	if err != nil {
		return agent{}, fmt.Errorf("verify id_token: %w", err)
	}
	if !same(verified.Nonce, t.nonce) {
		return agent{}, errors.New("id_token is for another attempt")
	}
	var c claims
	if err := verified.Claims(&c); err != nil {
		return agent{}, fmt.Errorf("read id_token: %w", err)
	}
	switch {
	case c.Subject == "":
		return agent{}, errors.New("id_token names no subject")
	case len(verified.Audience) > 1 && c.Party != i.config.ClientID:
		return agent{}, errors.New("id_token was issued to another app")
	case !c.isOneOf(i.config.Allowed, i.config.Issuer):
		return agent{}, fmt.Errorf("subject %.100q: %w", c.Subject, errNotAllowed)
	}
	return agent{Subject: c.Subject, Name: c.name(), Supervisor: c.supervises(i.config)}, nil
}

// notRedeemed keeps an issuer's words, of which we know nothing, out of the log:
// they could be ours, secret and all.
func notRedeemed(err error) error {
	refusal, refused := errors.AsType[*oauth2.RetrieveError](err)
	_, unanswered := errors.AsType[*url.Error](err)
	switch {
	case refused && refusal.Response != nil:
		return fmt.Errorf("redeem code: issuer answered %d %s", refusal.Response.StatusCode, jsonhttp.Code(refusal.Response, refusal.ErrorCode))
	case unanswered:
		return fmt.Errorf("redeem code: %w", jsonhttp.Cause(err))
	}
	return errors.New("redeem code: answer is not a token")
}

// claims are what an id_token says of a person
// (https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims and
// https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference).
type claims struct {
	Subject  string `json:"sub"`
	Party    string `json:"azp"`
	FullName string `json:"name"`
	Username string `json:"preferred_username"`
	Email    string `json:"email"`
	Verified any    `json:"email_verified"`
	EDOV     any    `json:"xms_edov"` // Entra: the owner of the e-mail's domain is verified
	ObjectID string `json:"oid"`      // Entra: of the person, the same for every app
	TenantID string `json:"tid"`      // Entra
	Roles    roles  `json:"roles"`    // Entra: of the app, that the person has
}

// name is what users see of the agent.
func (c claims) name() string {
	text := cmp.Or(strings.TrimSpace(c.FullName), strings.TrimSpace(c.Username), strings.TrimSpace(c.Email))
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text))
	return cmp.Or(strings.TrimSpace(string(runes[:min(len(runes), maxName)])), supportSender)
}

// isOneOf reports whether an entry of the list is the person; an empty list is
// everybody.
func (c claims) isOneOf(allowed []string, issuer string) bool {
	addresses := c.addresses(issuer)
	return len(allowed) == 0 || slices.ContainsFunc(allowed, func(entry string) bool {
		if !strings.Contains(entry, "@") {
			return entry == c.Subject || c.ObjectID != "" && strings.EqualFold(entry, c.ObjectID)
		}
		return slices.ContainsFunc(addresses, func(address string) bool { return matches(address, entry) })
	})
}

// supervises reports whether the person is one of the supervisors, by who they are
// or by a role. An empty list is nobody.
func (c claims) supervises(s SignIn) bool {
	for _, entry := range s.Supervisors {
		if role, ok := strings.CutPrefix(entry, "role:"); ok && slices.Contains(c.Roles, role) {
			return true
		}
	}
	return len(s.Supervisors) > 0 && c.isOneOf(s.Supervisors, s.Issuer)
}

// roles are a list of names. What else a token may hold there is none.
type roles []string

// UnmarshalJSON implements json.Unmarshaler.
func (r *roles) UnmarshalJSON(data []byte) error {
	var names []string
	if json.Unmarshal(data, &names) == nil {
		*r = names
	}
	return nil
}

// addresses are those that are the person's beyond doubt. An e-mail address that
// nobody has verified is whatever somebody typed, and so is a username, except
// Entra's in its own tenant (https://learn.microsoft.com/entra/identity-platform/migrate-off-email-claim-authorization).
func (c claims) addresses(issuer string) []string {
	var all []string
	if yes(c.Verified) || yes(c.EDOV) {
		all = append(all, c.Email)
	}
	if c.TenantID != "" && strings.HasSuffix(issuer, "/"+c.TenantID+"/v2.0") {
		all = append(all, c.Username)
	}
	return all
}

// yes reads a flag, which some issuers write as a string or a number.
func yes(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case float64:
		return v == 1
	case string:
		return v == "true" || v == "1"
	}
	return false
}

// matches compares an address with an entry, "@domain" or an address.
func matches(address, entry string) bool {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 {
		return false
	}
	if strings.HasPrefix(entry, "@") {
		return strings.EqualFold(address[at:], entry)
	}
	return strings.EqualFold(address, entry)
}
